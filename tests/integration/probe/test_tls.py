"""TLS: certificates are checked, an authority of one's own can be named, and errors tell what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asm_lanes_lab.kube.pki import Authority

from . import servers
from .probing import prove

AUTHORITY, STRANGER = Authority.create(), Authority.create()
ALL = ["websocket", "polling", "raw_websocket", "http"]
RAW = {"path": "/ws"}


@pytest.fixture
def trusted(tmp_path: Path) -> str:
    file = tmp_path / "ca.pem"
    file.write_text(AUTHORITY.pem)
    return str(file)


def test_an_authority_of_ones_own(trusted: str) -> None:
    with servers.serve(servers.App().build(), AUTHORITY.server_context("127.0.0.1")) as url:
        proof = prove(
            url,
            transports=ALL,
            raw_websocket={**RAW, "broadcast_pattern": "^to all"},
            ca_path=trusted,
            timeout=30,
        )
    assert url.startswith("https://")
    assert proof["passed"], proof["message"]


@pytest.mark.parametrize("transport", ALL)
@pytest.mark.parametrize(
    ("authority", "host", "said"),
    [
        (STRANGER, "127.0.0.1", "certificate was not accepted"),
        (AUTHORITY, "other.example.com", "certificate was not accepted"),
    ],
)
def test_certificates_are_checked(
    authority: Authority, host: str, said: str, transport: str, trusted: str
) -> None:
    common: dict[str, Any] = {"transports": [transport], "raw_websocket": RAW, "negative_cases": False}
    with servers.serve(servers.App().build(), authority.server_context(host)) as url:
        assert said in prove(url, **common, ca_path=trusted)["message"]
        assert said in prove(url, **common)["message"], "the system does not know them either"
        unchecked = prove(url, **common, validate_certs=False, broadcast_event="")
    assert unchecked["reached"]
    assert unchecked["passed"] or transport == "raw_websocket", unchecked["message"]


@pytest.mark.parametrize("transport", ALL)
def test_no_tls_where_https_is_asked_for(transport: str) -> None:
    with servers.serve(servers.App().build()) as url:
        secure = url.replace("http://", "https://")
        message = prove(secure, transports=[transport], raw_websocket=RAW, negative_cases=False)["message"]
    assert "there is no TLS where https was asked for" in message


def test_tls_where_http_is_asked_for() -> None:
    with servers.serve(servers.App().build(), AUTHORITY.server_context("127.0.0.1")) as url:
        plain = url.replace("https://", "http://")
        assert "the server closed the connection" in prove(plain, negative_cases=False)["message"]
