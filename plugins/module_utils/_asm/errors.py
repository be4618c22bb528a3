# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one error of the ASM side, made from whatever the SDK raises.

The SDK raises different types in tea-openapi 0.3 and 0.4, and hides the cause of a
transport failure in the exception's context. ``from_exception`` reads both (verified
against 0.3.16 and 0.4.6); nobody else looks at SDK exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


class Kind:
    """What sort of failure it was; decides whether a repetition is safe (see retry.py)."""

    REJECTED = "rejected"  # the server understood and refused
    THROTTLED = "throttled"
    SERVER = "server"  # 5xx: whether it was carried out is open
    TIMEOUT = "timeout"  # sent, no answer in time
    INTERRUPTED = "interrupted"  # sent, the connection broke
    UNREADABLE = "unreadable"  # answered, but not with what the API speaks
    UNREACHABLE = "unreachable"  # no connection: nothing was sent
    TLS = "tls"
    CREDENTIALS = "credentials"
    LIBRARY = "library"
    INVALID = "invalid"  # found by us before or after the call
    DEADLINE = "deadline"  # the task's time is over


# Surely not carried out: safe to repeat, even a write.
NOT_APPLIED = frozenset({Kind.THROTTLED, Kind.UNREACHABLE})
# Carried out or not, nobody knows: safe to repeat for reads only.
AMBIGUOUS = frozenset({Kind.SERVER, Kind.TIMEOUT, Kind.INTERRUPTED, Kind.UNREADABLE})

# Longest piece of a server's answer that goes into a message: an HTML error page can be long.
LONGEST_MESSAGE = 500

# (pattern of the error code, what to do next). First match wins. Codes: the provider's
# documented list for this product and the platform gateway's (recollected, not documented).
_CODE_HINTS = (
    (
        r"StatusForbidden|Forbidden\.RAM|NoPermission|Forbidden|403",
        "Grant the RAM action servicemesh:{action} to this identity, and a role in the mesh itself "
        "(mesh RBAC, such as istio-admin): ASM wants both. A mesh of another account answers the same.",
    ),
    (
        r"InvalidAccessKeyId.*|MissingAccessKeyId",
        "Check access_key_id: the key does not exist, is disabled, or belongs to another cloud site.",
    ),
    (r"SignatureDoesNotMatch|IncompleteSignature", "Check access_key_secret: not the one of access_key_id."),
    (
        r"InvalidSecurityToken.*|SecurityTokenExpired|.*TokenExpired.*|.*Token.*(Expired|Malformed|Invalid).*",
        "The temporary (STS) credentials have expired or do not belong together: "
        "obtain a new set of key id, secret and security token.",
    ),
    (r"InvalidTimeStamp.*", "The clock of this machine differs from the server's: synchronise it (NTP)."),
    (r"ServiceMesh\.NotFound|ERR404", "Check mesh_id: no such ASM instance for this account."),
    (r".*AlreadyExist.*", "An object of this name was made in the meantime: run again."),
    (r".*Throttling.*", "Too many calls for this account: run again later, or raise the timeout option."),
    (
        r"StillInitializing|InvalidActiveState.*|.*NotRunning",
        "The ASM instance is not running: run again later.",
    ),
    (r"InvalidAction.*", "The endpoint does not know this call: check the endpoint option."),
)

_KIND_HINTS = {
    Kind.UNREACHABLE: "Check the endpoint option (host:port, without a scheme), the network and proxies.",
    Kind.TLS: "Check the endpoint and the protocol option (https by default), and the trusted certificates.",
    Kind.TIMEOUT: "The server is slow or not the ASM API: check the endpoint, or raise request_timeout.",
    Kind.INTERRUPTED: "Run again; if it happens again, check proxies between here and the endpoint.",
    Kind.UNREADABLE: "Something other than the ASM API answered: check endpoint, protocol and proxies.",
    Kind.SERVER: "A fault on the server's side: run again; if it stays, give the request id to support.",
    Kind.CREDENTIALS: "Set access_key_id and access_key_secret (or ALIBABA_CLOUD_ACCESS_KEY_ID and "
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET), or use a credentials file, the CLI's profile, or a RAM role.",
    Kind.DEADLINE: "Raise the timeout option, or find out what holds the server up.",
}


@dataclass
class AsmError(Exception):
    """A call or a wait that failed, with everything a reader or a program needs.

    kind: one of Kind. action: the API action. object: what it was about, for people.
    message: the server's words, or ours. http_status, code, request_id: from the server,
    None when it did not answer. retry_after: seconds, as the server asked. hint: what to
    do next. Contains no secrets: the client blanks them out before raising.
    """

    kind: str
    action: str
    object: str
    message: str
    http_status: int | None = None
    code: str | None = None
    request_id: str | None = None
    retry_after: float | None = None
    hint: str = ""
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.message)
        self.hint = self.hint or find_hint(self.kind, self.code, self.action)

    @property
    def ambiguous(self) -> bool:
        """Whether a write that failed so may nevertheless have been carried out."""
        return self.kind in AMBIGUOUS

    def __str__(self) -> str:
        status = f"HTTP {self.http_status}" if self.http_status else None
        verdict = " ".join(part for part in (status, self.code) if part)
        sentence = ": ".join(
            part for part in (f"{self.action} for {self.object} failed", verdict, self.message) if part
        )
        if self.request_id:
            sentence = f"{sentence.rstrip('.')} (request id {self.request_id})"
        sentences = [part for part in (sentence, *self.notes, self.hint) if part]
        return " ".join(part if part.endswith(".") else f"{part}." for part in sentences)

    @property
    def failure(self) -> dict[str, Any]:
        """The same for programs: a module's ``failure``."""
        return {
            "kind": self.kind,
            "action": self.action,
            "object": self.object,
            "http_status": self.http_status,
            "code": self.code,
            "message": self.message,
            "request_id": self.request_id,
            "hint": self.hint,
        }


def find_hint(kind: str, code: str | None, action: str) -> str:
    """What to do next, by the server's code, else by the kind of failure."""
    for pattern, hint in _CODE_HINTS:
        if code and re.fullmatch(pattern, code):
            return hint.format(action=action)
    return _KIND_HINTS.get(kind, "")


def from_exception(error: BaseException, action: str, obj: str) -> AsmError:
    """The AsmError for anything that a call of the SDK raises."""
    data = getattr(error, "data", None)
    data = data if isinstance(data, dict) else {}
    status = getattr(error, "status_code", None) or data.get("statusCode")
    if status:
        return _from_answer(error, data, int(status), action, obj)
    if getattr(error, "code", None) == "InvalidCredentials" or type(error).__name__ == "CredentialException":
        return AsmError(Kind.CREDENTIALS, action, obj, shorten(getattr(error, "message", "") or str(error)))
    kind, message = _transport_failure(error)
    return AsmError(kind, action, obj, message)


def _from_answer(error: BaseException, data: dict[str, Any], status: int, action: str, obj: str) -> AsmError:
    code = str(data.get("Code") or getattr(error, "code", None) or "") or None
    retry_after = getattr(error, "retry_after", None)  # milliseconds; tea-openapi 0.4 only
    return AsmError(
        _answer_kind(status, code, retry_after is not None),
        action,
        obj,
        shorten(str(data.get("Message") or getattr(error, "message", "") or "no message")),
        http_status=status,
        code=None if code == "None" else code,
        request_id=data.get("RequestId") or None,
        retry_after=retry_after / 1000.0 if retry_after else None,
    )


def _answer_kind(status: int, code: str | None, told_to_wait: bool) -> str:
    if told_to_wait or status == 429 or "Throttling" in (code or ""):
        return Kind.THROTTLED
    return Kind.SERVER if status >= 500 else Kind.REJECTED


# Names of exceptions (requests, urllib3, json, the standard library) found in the chain of
# causes -> kind. Names, because importing those packages here would cost every task their load time.
_CAUSES = (
    ({"SSLError", "SSLCertVerificationError", "SSLEOFError"}, Kind.TLS, "TLS handshake failed"),
    ({"NameResolutionError", "gaierror"}, Kind.UNREACHABLE, "the endpoint's name cannot be resolved"),
    ({"ConnectionRefusedError"}, Kind.UNREACHABLE, "connection refused"),
    ({"ConnectTimeout", "ConnectTimeoutError"}, Kind.UNREACHABLE, "no connection in time"),
    ({"NewConnectionError"}, Kind.UNREACHABLE, "no connection"),
    ({"InvalidURL", "LocationParseError", "InvalidSchema"}, Kind.INVALID, "the endpoint is not host:port"),
    ({"ReadTimeout", "ReadTimeoutError"}, Kind.TIMEOUT, "no answer in time"),
    ({"JSONDecodeError"}, Kind.UNREADABLE, "the answer is not JSON"),
)


def _transport_failure(error: BaseException) -> tuple[str, str]:
    chain = list(_causes(error))
    names = {type(link).__name__ for link in chain}
    for known, kind, words in _CAUSES:
        if names & known:
            return kind, words
    if any(isinstance(link, OSError) for link in chain):
        return Kind.INTERRUPTED, "the connection broke before the answer was complete"
    # What is left is an answer that the SDK could not digest: 0.3 raises a bare RuntimeError for a
    # body that is not JSON, and a body of another shape ends in AttributeError or TypeError.
    return Kind.UNREADABLE, "the answer is not what the ASM API sends"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    stack = [error]
    while stack:
        link = stack.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        stack += [getattr(link, "inner_exception", None), link.__cause__, link.__context__]


def shorten(text: str) -> str:
    """One line of bearable length out of whatever a server said."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_MESSAGE else line[:LONGEST_MESSAGE] + " ..."
