"""Reviews: what may I do, who am I. Nothing is stored.

The lab has no RBAC: whoever has a valid token may do everything, and that is what an access review says (as a
cluster with ``--authorization-mode=AlwaysAllow`` does).
"""

from __future__ import annotations

from typing import Any

from .call import Call
from .decoding import decode

Obj = dict[str, Any]

KINDS = ("SelfSubjectAccessReview", "SelfSubjectReview")


def answer(call: Call, body: Any) -> Obj:
    """The review in *body* with its status."""
    review = decode(call, body)
    if call.resource.kind == "SelfSubjectAccessReview":
        status: Obj = {"allowed": True, "reason": "the lab allows everything to a valid token"}
    else:
        status = {"userInfo": {"username": call.user, "groups": ["system:authenticated"]}}
    return {**review, "status": status}
