# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The signature check against requests that the official SDK has signed."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from alibabacloud_tea_openapi.utils import Utils
from asm_lanes_lab.asm.credentials import Credential, CredentialStore
from asm_lanes_lab.asm.errors import ApiError
from asm_lanes_lab.asm.signature import ALGORITHM, MAX_SKEW, SignedRequest, Verifier, sign
from darabonba.request import DaraRequest
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
KEY = Credential("key-1", "secret-1")
STS = Credential("key-2", "secret-2", security_token="token-2", expires=NOW + timedelta(hours=1))
TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9.]{0,20}", fullmatch=True)  # the SDK does not encode names


def signed(
    credential: Credential = KEY,
    body: bytes = b"GroupName=ws",
    query: dict[str, str] | None = None,
    nonce: str = "nonce-1",
    date: datetime = NOW,
    extra: dict[str, str] | None = None,
) -> SignedRequest:
    """A request signed by the SDK's own code, as the server sees it."""
    request = DaraRequest()
    request.method, request.pathname, request.query = "POST", "/", query or {}
    request.headers = {
        "host": "127.0.0.1:1234",
        "x-acs-action": "GetSwimLaneGroupList",
        "x-acs-version": "2020-01-11",
        "x-acs-date": f"{date:%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": "a client",
        **(extra or {}),
    }
    if credential.security_token:
        request.headers["x-acs-security-token"] = credential.security_token
    authorization = Utils.get_authorization(
        request,
        ALGORITHM,
        request.headers["x-acs-content-sha256"],
        credential.access_key_id,
        credential.access_key_secret,
    )
    headers = {**request.headers, "authorization": authorization}
    return SignedRequest("POST", "/", query or {}, headers, body)


def verifier() -> Verifier:
    return Verifier(CredentialStore([KEY, STS]))


def code(request: SignedRequest, now: datetime = NOW) -> str:
    with pytest.raises(ApiError) as caught:
        verifier().verify(request, now)
    assert "secret-" not in str(caught.value)
    assert "token-" not in str(caught.value)
    return caught.value.code


def with_headers(request: SignedRequest, **headers: str | None) -> SignedRequest:
    changed = {**request.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return replace(request, headers={name: value for name, value in changed.items() if value is not None})


def test_a_request_signed_by_the_sdk_is_accepted() -> None:
    assert verifier().verify(signed(), NOW) is KEY
    assert verifier().verify(signed(STS), NOW) is STS


@given(st.dictionaries(NAMES, TEXT, max_size=4), st.binary(max_size=40))
def test_any_query_and_body_is_accepted(query: dict[str, str], body: bytes) -> None:
    assert verifier().verify(signed(query=query, body=body), NOW) is KEY


@given(st.data())
def test_any_changed_signed_header_is_noticed(data: st.DataObject) -> None:
    request = signed()
    covered = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    name = data.draw(st.sampled_from([n for n in covered if n not in ("x-acs-date", "x-acs-content-sha256")]))
    value = data.draw(st.text("abc123", min_size=1).filter(lambda text: text != request.headers[name]))
    assert code(with_headers(request, **{name: value})) == "SignatureDoesNotMatch"


def test_a_changed_body_is_noticed() -> None:
    request = signed()
    assert code(replace(request, body=b"GroupName=other")) == "SignatureDoesNotMatch"
    digest = hashlib.sha256(b"GroupName=other").hexdigest()
    changed = with_headers(replace(request, body=b"GroupName=other"), x_acs_content_sha256=digest)
    assert code(changed) == "SignatureDoesNotMatch"


def test_a_changed_query_method_or_path_is_noticed() -> None:
    request = signed(query={"ServiceMeshId": "a"})
    assert code(replace(request, query={"ServiceMeshId": "b"})) == "SignatureDoesNotMatch"
    assert code(replace(request, method="GET")) == "SignatureDoesNotMatch"
    assert code(replace(request, path="/other")) == "SignatureDoesNotMatch"


def test_a_wrong_secret_and_an_unknown_key() -> None:
    assert code(signed(Credential("key-1", "not it"))) == "SignatureDoesNotMatch"
    assert code(signed(Credential("key-9", "secret-1"))) == "InvalidAccessKeyId.NotFound"


def test_headers_of_the_platform_must_be_signed() -> None:
    added = with_headers(signed(), x_acs_security_token="injected")
    assert code(added) == "SignatureDoesNotMatch"


def test_signed_header_names_are_sorted_and_single() -> None:
    request = signed()
    names = request.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    for wrong in (f"{names};host", ";".join(reversed(names.split(";")))):
        signature = sign(request, tuple(wrong.split(";")), KEY.access_key_secret)
        header = f"{ALGORITHM} Credential=key-1,SignedHeaders={wrong},Signature={signature}"
        assert code(with_headers(request, authorization=header)) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "header", [None, "", "Basic abc", "ACS3-HMAC-SHA256 Credential=a,Signature=1", "acs key-1:abc"]
)
def test_no_or_another_authorization(header: str | None) -> None:
    assert code(with_headers(signed(), authorization=header)) == "IncompleteSignature"


@pytest.mark.parametrize("name", ["host", "x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"])
def test_a_header_that_is_missing(name: str) -> None:
    assert code(with_headers(signed(), **{name: None})) == "IncompleteSignature"


def test_a_nonce_counts_once_per_key() -> None:
    check = verifier()
    check.verify(signed(), NOW)
    with pytest.raises(ApiError, match="SignatureNonceUsed"):
        check.verify(signed(), NOW + timedelta(minutes=14))
    assert check.verify(signed(nonce="nonce-2"), NOW) is KEY
    assert check.verify(signed(STS), NOW) is STS


def test_a_refused_request_does_not_use_up_its_nonce() -> None:
    check = verifier()
    with pytest.raises(ApiError):
        check.verify(signed(Credential("key-1", "not it")), NOW)
    assert check.verify(signed(), NOW) is KEY


def test_a_request_dated_ahead_cannot_be_replayed_later() -> None:
    check = verifier()
    ahead = signed(date=NOW + MAX_SKEW)
    check.verify(ahead, NOW)
    with pytest.raises(ApiError, match="SignatureNonceUsed"):
        check.verify(ahead, NOW + 2 * MAX_SKEW)
    with pytest.raises(ApiError, match=r"InvalidTimeStamp\.Expired"):
        check.verify(ahead, NOW + 2 * MAX_SKEW + timedelta(seconds=1))


@pytest.mark.parametrize("sign_of", [1, -1])
def test_clock_skew(sign_of: int) -> None:
    assert verifier().verify(signed(date=NOW + sign_of * MAX_SKEW), NOW) is KEY
    late = signed(date=NOW + sign_of * (MAX_SKEW + timedelta(seconds=1)))
    assert code(late) == "InvalidTimeStamp.Expired"


def test_a_date_of_another_form() -> None:
    assert code(signed(extra={"x-acs-date": "Sun, 01 Mar 2026 12:00:00 GMT"})) == "InvalidTimeStamp.Format"


def test_security_tokens() -> None:
    assert code(signed(STS), STS.expires or NOW) == "InvalidTimeStamp.Expired"
    expired = signed(STS, date=NOW + timedelta(hours=1))
    assert code(expired, NOW + timedelta(hours=1)) == "InvalidSecurityToken.Expired"
    assert code(signed(replace(STS, security_token=None))) == "MissingSecurityToken"
    assert code(signed(replace(STS, security_token="token-x"))) == "InvalidSecurityToken.Malformed"
    assert (
        code(signed(replace(KEY, security_token="token-1"))) == "InvalidSecurityToken.MismatchWithAccessKey"
    )


def test_credentials_keep_their_secrets_to_themselves() -> None:
    assert "secret-2" not in repr(STS)
    assert "token-2" not in repr(STS)


def test_credentials_from_data() -> None:
    entry = {"access_key_id": "a", "access_key_secret": "b", "expires": "2026-03-01T12:00:00Z"}
    assert Credential.from_mapping(entry) == Credential("a", "b", expires=NOW)
    assert Credential.from_mapping({**entry, "expires": "2026-03-01T12:00:00"}).expires == NOW


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"access_key_id": ""}, "access_key_id"),
        ({"access_key_secret": 7}, "access_key_secret"),
        ({"expires": "soon"}, "expires"),
        ({"permissions": "some"}, "permissions"),
        ({"secret": "hidden"}, "secret"),
    ],
)
def test_credentials_that_cannot_be(change: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=field) as caught:
        Credential.from_mapping({"access_key_id": "a", "access_key_secret": "b", **change})
    assert "hidden" not in str(caught.value)


def test_a_store_refuses_a_repeated_key() -> None:
    with pytest.raises(ValueError, match="access_key_id is given twice"):
        CredentialStore([KEY, replace(KEY, access_key_secret="other")])
