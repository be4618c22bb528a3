"""The client against a scripted server: what it repeats, what it never repeats, what it says."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError, Kind
from unit.asm.conftest import SECRET, TOKEN
from unit.asm.wire import answers, drops, expect, fails, hangs, playing, sends

READ, WRITE = "GetSwimLaneList", "DeleteSwimLaneGroup"
NO_LANES = answers(SwimLaneList=[])

# Failure, its kind, and whether the call may have been carried out.
AMBIGUOUS = {
    "internal error": (fails(500, "InternalError"), Kind.SERVER),
    "unavailable": (fails(503, "ServiceUnavailable"), Kind.SERVER),
    "dropped": (drops, Kind.INTERRUPTED),
    "half an answer": (sends(200, b'{"RequestId": "R', length=100), Kind.INTERRUPTED),
    "broken JSON": (sends(200, b'{"RequestId": "R'), Kind.UNREADABLE),
    "HTML page": (sends(502, b"<html>Bad Gateway</html>"), Kind.UNREADABLE),
    "a list": (sends(200, b"[1]"), Kind.UNREADABLE),
    "empty": (sends(200, b""), Kind.UNREADABLE),
}
THROTTLED = {
    "by code": fails(400, "Throttling.User"),
    "by status": fails(429, "TooManyRequests"),
    "rejected": fails(503, "Rejected.Throttling"),
}


@pytest.mark.parametrize("reply", THROTTLED.values(), ids=THROTTLED)
@pytest.mark.parametrize("action", [READ, WRITE])
def test_throttled_calls_are_repeated(connect, action, reply):
    with playing(
        expect(action, reply, GroupName="ws"),
        expect(action, reply, GroupName="ws"),
        expect(action, NO_LANES, GroupName="ws"),
    ) as server:
        client = connect(server.endpoint)
        assert client.call(action, "lane group ws", group_name="ws")["RequestId"] == "REQ-3"
    assert [(r.request_id, bool(r.error)) for r in client.calls] == [
        ("REQ-1", True),
        ("REQ-2", True),
        ("REQ-3", False),
    ]


@pytest.mark.parametrize(("reply", "kind"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_reads_are_repeated_after_any_passing_fault(connect, reply, kind):
    with playing(expect(READ, reply, GroupName="ws"), expect(READ, NO_LANES, GroupName="ws")) as server:
        client = connect(server.endpoint)
        assert client.call(READ, "lane group ws", group_name="ws")["SwimLaneList"] == []
    assert client.calls[0].error is not None


@pytest.mark.parametrize(("reply", "kind"), AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_writes_are_not_repeated_when_they_may_have_been_carried_out(connect, reply, kind):
    with playing(expect(WRITE, reply, GroupName="ws")) as server:
        client = connect(server.endpoint)
        with pytest.raises(AsmError) as caught:
            client.call(WRITE, "lane group ws", group_name="ws")
    assert caught.value.kind == kind
    assert caught.value.ambiguous


@pytest.mark.parametrize("action", [READ, WRITE])
def test_refusals_are_final(connect, action):
    with playing(expect(action, fails(403, "StatusForbidden", "no way"))) as server:
        client = connect(server.endpoint)
        with pytest.raises(AsmError) as caught:
            client.call(action, "lane group ws")
    assert not caught.value.ambiguous
    assert caught.value.failure == {
        "kind": "rejected",
        "action": action,
        "object": "lane group ws",
        "http_status": 403,
        "code": "StatusForbidden",
        "message": "no way",
        "request_id": "REQ-1",
        "hint": caught.value.hint,
    }
    assert f"servicemesh:{action}" in caught.value.hint
    assert "mesh RBAC" in caught.value.hint


def test_the_attempts_end(connect):
    with playing(*[expect(READ, fails(500, "InternalError", "oops"))] * 3) as server:
        client = connect(server.endpoint, attempts=3)
        with pytest.raises(
            AsmError, match=r"HTTP 500 InternalError: oops \(request id REQ-3\). Tried 3 times"
        ):
            client.call(READ, "lane group ws")


def test_the_servers_waiting_time_is_honoured(connect):
    slow_down = fails(429, "Throttling", x_acs_retry_after="300")
    with playing(expect(READ, slow_down), expect(READ, NO_LANES)) as server:
        client = connect(server.endpoint)
        start = time.monotonic()
        client.call(READ, "lane group ws")
    if _sdk_tells_retry_after():
        assert 0.3 <= time.monotonic() - start < 2


def test_a_waiting_time_beyond_the_deadline_is_not_waited_for(connect):
    with playing(expect(READ, fails(400, "Throttling", x_acs_retry_after="3600000"))) as server:
        client = connect(server.endpoint, seconds=0.5, base=40.0)
        start = time.monotonic()
        with pytest.raises(AsmError, match=r"The task's 0.5 s are used up"):
            client.call(READ, "lane group ws")
    assert time.monotonic() - start < 0.4


def test_no_answer_in_time(connect):
    with playing(expect(WRITE, hangs(1.0))) as server:
        client = connect(server.endpoint, request_timeout=0.2)
        with pytest.raises(AsmError, match="no answer in time") as caught:
            client.call(WRITE, "lane group ws")
    assert caught.value.kind == Kind.TIMEOUT
    assert caught.value.ambiguous


def test_no_call_outlives_the_deadline(connect):
    with playing(expect(READ, hangs(2.0))) as server:
        client = connect(server.endpoint, seconds=0.5, attempts=1)
        start = time.monotonic()
        with pytest.raises(AsmError):
            client.call(READ, "lane group ws")
        assert time.monotonic() - start < 1.0
        with pytest.raises(AsmError, match=r"the task's 0.5 s are used up") as caught:
            time.sleep(0.1)
            client.call(READ, "lane group ws")
    assert caught.value.kind == Kind.DEADLINE


def test_nobody_listens(connect):
    with playing() as server:
        endpoint = server.endpoint
    client = connect(endpoint, attempts=2)
    with pytest.raises(
        AsmError, match=r"connection refused. Tried 2 times. Check the endpoint option"
    ) as caught:
        client.call(WRITE, "lane group ws")
    assert caught.value.kind == Kind.UNREACHABLE
    assert not caught.value.ambiguous


def test_a_name_that_does_not_exist(connect):
    with pytest.raises(AsmError, match="the endpoint's name cannot be resolved"):
        connect("asm.invalid", attempts=1).call(READ, "lane group ws")


def test_https_to_a_server_without_tls():
    with playing() as server:
        connection = Connection("AK", SECRET, endpoint=server.endpoint, protocol="https")
        client = AsmClient(connection, "m-1", Deadline(5))
        with pytest.raises(
            AsmError, match=r"TLS handshake failed. Check the endpoint and the protocol option"
        ):
            client.call(READ, "lane group ws")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:80", "host:port", "host/path", "a b"])
def test_an_endpoint_that_is_none(connect, endpoint):
    with pytest.raises(AsmError, match=r"is not an endpoint. Write the endpoint option as host or host:port"):
        connect(endpoint)


def test_no_secret_in_messages_even_when_the_server_echoes_them(connect):
    echo = f"string to sign: {SECRET} and {TOKEN}"
    with playing(expect(READ, fails(400, "SignatureDoesNotMatch", echo))) as server:
        client = connect(server.endpoint)
        with pytest.raises(AsmError) as caught:
            client.call(READ, "lane group ws")
    told = f"{caught.value} {caught.value.failure} {caught.value!r} {client.calls}"
    assert "string to sign: ******** and ********" in told
    assert SECRET not in told
    assert TOKEN not in told


def test_a_page_of_prose_is_shortened(connect):
    with (
        playing(expect(READ, fails(400, "Odd", "word\n" * 1000))) as server,
        pytest.raises(AsmError) as caught,
    ):
        connect(server.endpoint).call(READ, "lane group ws")
    assert len(str(caught.value)) < 700
    assert "\n" not in str(caught.value)


def test_parameters_that_are_none_are_not_sent(connect):
    with playing(expect("UpdateSwimLaneGroup", answers(), GroupName="ws", FallbackTarget="")) as server:
        client = connect(server.endpoint)
        client.call("UpdateSwimLaneGroup", "ws", group_name="ws", fallback_target="", services_list=None)


CHAIN = """
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError
try:
    print(sorted(AsmClient(Connection(endpoint="127.0.0.1:1"), "m-1", Deadline(9)).secrets))
except AsmError as error:
    print(error.kind, error)
"""


def _default_chain(home, **variables: str) -> str:
    """The client in a process of its own: the SDK reads the environment when it is imported."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ALIBABA", "ALICLOUD"))}
    environment.update(HOME=str(home), ALIBABA_CLOUD_ECS_METADATA_DISABLED="true", **variables)
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    run = subprocess.run(
        [sys.executable, "-c", CHAIN],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_no_credentials_anywhere(tmp_path):
    told = _default_chain(tmp_path)
    assert told.startswith("credentials Finding credentials for mesh m-1 failed: unable to load credentials")
    assert "Set access_key_id and access_key_secret" in told


def test_credentials_from_the_sdks_chain_are_known_as_secrets(tmp_path):
    folder = tmp_path / ".alibabacloud"
    folder.mkdir()
    (folder / "credentials.ini").write_text(
        "[default]\ntype=access_key\naccess_key_id=AKFILE\naccess_key_secret=FILESECRET\n"
    )
    assert _default_chain(tmp_path) == "['FILESECRET']\n"


def _sdk_tells_retry_after() -> bool:
    """tea-openapi 0.3 drops the header."""
    try:
        import alibabacloud_tea_openapi.exceptions  # noqa: F401
    except ImportError:
        return False
    return True
