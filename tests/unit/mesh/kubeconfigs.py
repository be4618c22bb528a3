"""Kubeconfigs as ASM and others hand them out."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SERVER = "https://203.0.113.7:6443"
TOKEN = "t0p-5ecret-token-of-the-mesh"


def with_token(token: str = TOKEN, server: str = SERVER, **more: Any) -> str:
    return _kubeconfig({"token": token}, server, **more)


@cache
def with_certificate(hours: float, server: str = SERVER) -> str:
    """One whose client certificate ends so many hours from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "user")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1000))
        .not_valid_after(now + timedelta(hours=hours))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    user = {
        "client-certificate-data": _base64(certificate.public_bytes(serialization.Encoding.PEM)),
        "client-key-data": _base64(pem),
    }
    return _kubeconfig(user, server)


def secret_of(text: str) -> str:
    """The token or key in a kubeconfig."""
    user = yaml.safe_load(text)["users"][0]["user"]
    return str(user.get("token") or user["client-key-data"])


def _kubeconfig(user: dict[str, str], server: str, **more: Any) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "kubernetes", "cluster": {"server": server}}],
        "contexts": [{"name": "admin", "context": {"cluster": "kubernetes", "user": "admin"}}],
        "current-context": "admin",
        "preferences": {},
        "users": [{"name": "admin", "user": user}],
        **more,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
