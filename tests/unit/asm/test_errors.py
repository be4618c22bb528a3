"""Hints: every failure that a user can mend says how."""

from __future__ import annotations

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError, Kind, find_hint


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ServiceMesh.NotFound", "Check mesh_id"),
        ("StatusForbidden", "servicemesh:CreateSwimLane"),
        ("Forbidden.RAM", "servicemesh:CreateSwimLane"),
        ("InvalidAccessKeyId.NotFound", "Check access_key_id"),
        ("SignatureDoesNotMatch", "Check access_key_secret"),
        ("InvalidSecurityToken.Expired", "obtain a new set"),
        ("InvalidSecurityToken.Malformed", "obtain a new set"),
        ("SecurityTokenExpired", "obtain a new set"),
        ("InvalidTimeStamp.Expired", "clock"),
        ("Throttling.User", "Too many calls"),
        ("Rejected.Throttling", "Too many calls"),
        ("NameAlreadyExist", "made in the meantime"),
        ("InvalidAction.NotFound", "check the endpoint"),
        ("StillInitializing", "not running"),
    ],
)
def test_hints_by_code(code, words):
    assert words in find_hint(Kind.REJECTED, code, "CreateSwimLane")


@pytest.mark.parametrize(
    "kind",
    [
        Kind.UNREACHABLE,
        Kind.TLS,
        Kind.TIMEOUT,
        Kind.INTERRUPTED,
        Kind.UNREADABLE,
        Kind.SERVER,
        Kind.CREDENTIALS,
    ],
)
def test_hints_by_kind(kind):
    assert find_hint(kind, None, "CreateSwimLane")


def test_the_message_is_sentences():
    error = AsmError(
        Kind.REJECTED,
        "CreateSwimLane",
        "lane v2",
        "no.",
        http_status=400,
        code="Odd",
        request_id="R",
        notes=["Once"],
    )
    assert str(error) == "CreateSwimLane for lane v2 failed: HTTP 400 Odd: no (request id R). Once."
