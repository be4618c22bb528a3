# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ACS3-HMAC-SHA256: who sent this request, and did nobody change it on the way?

verified against the official SDK 3.4.0 on the wire: form of the canonical request, of the
string to sign and of the Authorization header. assumed (recollection of the platform's
behaviour): error codes and statuses, 15 minutes of allowed clock skew, that every
``x-acs-*`` header, ``host`` and ``content-type`` must be signed.

Secrets and security tokens never appear in an error.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

from .credentials import Credential, CredentialStore
from .errors import ApiError

ALGORITHM = "ACS3-HMAC-SHA256"
MAX_SKEW = timedelta(minutes=15)
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=(?P<key>[^,\s]+),\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]+)"
)
_NEEDED = (
    "host",
    "x-acs-action",
    "x-acs-version",
    "x-acs-date",
    "x-acs-signature-nonce",
    "x-acs-content-sha256",
)


@dataclass(frozen=True)
class SignedRequest:
    """What the signature covers.

    path: as sent. query: decoded parameters. headers: names in lower case. body: raw bytes.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class NonceStore:
    """Nonces already seen, forgotten once their request would be too old anyway."""

    def __init__(self) -> None:
        self._expires: OrderedDict[tuple[str, str], datetime] = OrderedDict()  # soonest first

    def use(self, access_key_id: str, nonce: str, now: datetime) -> bool:
        """Note a nonce; False when this key has used it before."""
        while self._expires and next(iter(self._expires.values())) < now:
            self._expires.popitem(last=False)
        if (access_key_id, nonce) in self._expires:
            return False
        # A request may be dated up to MAX_SKEW ahead, so it stays acceptable for twice that.
        self._expires[access_key_id, nonce] = now + 2 * MAX_SKEW
        return True


class Verifier:
    """Checks signatures against a credential store; keeps the nonces it has seen."""

    def __init__(self, credentials: CredentialStore) -> None:
        self._credentials = credentials
        self._nonces = NonceStore()

    def verify(self, request: SignedRequest, now: datetime) -> Credential:
        """The credential that signed the request; now must be timezone-aware.

        Raises ApiError with the platform's code when the signature is missing, wrong, too
        old, used before, or of a key or token that is unknown or expired.
        """
        key_id, signed, signature = _authorization(request)
        credential = self._credentials.find(key_id)
        if credential is None:
            raise ApiError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        _check_headers(request, signed)
        _check_date(request.headers["x-acs-date"], now)
        if not hmac.compare_digest(sign(request, signed, credential.access_key_secret), signature):
            raise _mismatch("Specified signature is not matched with our calculation.")
        # The token is covered by the signature (every x-acs-* header is), so it is looked at afterwards.
        _check_token(request.headers.get("x-acs-security-token"), credential, now)
        if not self._nonces.use(key_id, request.headers["x-acs-signature-nonce"], now):
            raise ApiError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")
        return credential


def sign(request: SignedRequest, signed_headers: tuple[str, ...], secret: str) -> str:
    """The signature of a request, hexadecimal."""
    canonical = "\n".join(
        (
            request.method,
            request.path or "/",
            "&".join(f"{_encode(k)}={_encode(v)}" for k, v in sorted(request.query.items())),
            "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed_headers),
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    to_sign = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def _encode(text: str) -> str:
    return quote(text, safe="~")


def _authorization(request: SignedRequest) -> tuple[str, tuple[str, ...], str]:
    header = request.headers.get("authorization", "")
    if not header:
        raise ApiError(
            400, "IncompleteSignature", "The request carries no Authorization header.", "Sign the request."
        )
    match = _AUTHORIZATION.fullmatch(header)
    if not match:
        raise ApiError(
            400,
            "IncompleteSignature",
            "The Authorization header is not one of ACS3-HMAC-SHA256.",
            f"The lab knows only {ALGORITHM}, the default of the official SDK.",
        )
    return match["key"], tuple(match["headers"].split(";")), match["signature"]


def _check_headers(request: SignedRequest, signed: tuple[str, ...]) -> None:
    absent = [name for name in _NEEDED if name not in request.headers]
    if absent:
        raise ApiError(400, "IncompleteSignature", f"Missing header {', '.join(absent)}.")
    must = {n for n in request.headers if n.startswith("x-acs-") or n in ("host", "content-type")}
    unsigned = sorted(must - set(signed))
    if unsigned or list(signed) != sorted(set(signed)):
        raise _mismatch(
            f"SignedHeaders must be sorted and contain {', '.join(unsigned) or 'each name once'}."
        )
    if request.headers["x-acs-content-sha256"] != hashlib.sha256(request.body).hexdigest():
        raise _mismatch("x-acs-content-sha256 is not the hash of the body.")


def _check_date(text: str, now: datetime) -> None:
    try:
        date = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise ApiError(
            400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
        ) from None
    if abs(now - date) > MAX_SKEW:
        raise ApiError(
            400,
            "InvalidTimeStamp.Expired",
            f"Specified time stamp or date value is expired: {text}, server time "
            f"{now.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}.",
            "Set this machine's clock.",
        )


def _check_token(token: str | None, credential: Credential, now: datetime) -> None:
    if credential.security_token is None:
        if token is not None:
            raise ApiError(
                400, "InvalidSecurityToken.MismatchWithAccessKey", "This access key has no security token."
            )
        return
    if token is None:
        raise ApiError(400, "MissingSecurityToken", "SecurityToken is mandatory for this access key.")
    if not hmac.compare_digest(token.encode(), credential.security_token.encode()):
        raise ApiError(
            400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed or of another key."
        )
    if credential.expires is not None and credential.expires <= now:
        raise ApiError(
            400,
            "InvalidSecurityToken.Expired",
            "Specified SecurityToken is expired.",
            "Fetch new STS credentials.",
        )


def _mismatch(message: str) -> ApiError:
    return ApiError(400, "SignatureDoesNotMatch", message)
