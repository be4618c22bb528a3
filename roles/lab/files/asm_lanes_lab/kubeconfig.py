"""Kubeconfigs, as data."""

from __future__ import annotations

import base64
from typing import Any

Obj = dict[str, Any]


def kubeconfig(name: str, url: str, ca_pem: str, user: str, credentials: Obj) -> Obj:
    """A kubeconfig for one server and one user.

    *credentials* are those of a kubeconfig's user, such as ``{"token": …}`` or `certificate_credentials`.
    """
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": url, "certificate-authority-data": _encoded(ca_pem)}}
        ],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        "current-context": name,
        "preferences": {},
    }


def certificate_credentials(certificate_pem: str, key_pem: str) -> Obj:
    """The credentials of a user who proves itself with a client certificate."""
    return {"client-certificate-data": _encoded(certificate_pem), "client-key-data": _encoded(key_pem)}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
