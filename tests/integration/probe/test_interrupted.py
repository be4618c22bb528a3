"""Interrupted proofs close every socket in an orderly way, and end as the signal says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from . import servers
from .probing import prove

TESTS = Path(__file__).parents[2]
#: What a process runs; the application never broadcasts, so that the proof waits until it is interrupted.
SCRIPT = """
import json, signal, sys
sys.path[:0] = json.loads(sys.argv[1])
from integration.probe.probing import prove
if sys.argv[4] == "handled":
    signal.signal(signal.SIGTERM, lambda *_told: sys.exit(42))
prove(sys.argv[2], transports=json.loads(sys.argv[3]), negative_cases=False, connections=4, timeout=60,
      raw_websocket={"path": "/ws"})
"""


def until(check: Any, what: str) -> None:
    deadline = time.monotonic() + 30
    while not check():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("number", "handler", "code"),
    [
        (signal.SIGTERM, "default", -signal.SIGTERM),
        (signal.SIGTERM, "handled", 42),  # what the process had planned comes after ours
        (signal.SIGINT, "default", -signal.SIGINT),
    ],
)
@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["raw_websocket"]])
def test_all_sockets_are_closed(number: int, handler: str, code: int, transports: list[str]) -> None:
    app = servers.App(broadcasts=False, answers=0)
    with servers.serve(app.build()) as url:
        paths = [str(TESTS), str(TESTS.parent / ".ansible" / "collections")]
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, json.dumps(paths), url, json.dumps(transports), handler],
            stderr=subprocess.PIPE,
            text=True,
            # As at a terminal: where tests are a shell's background job it is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            until(lambda: app.asked == 24, "12 sockets are open and have asked twice")
            assert app.connected == 12
            process.send_signal(number)
            _out, said = process.communicate(timeout=30)
        finally:
            process.kill()
        until(lambda: app.connected == 0, "all sockets are closed")
    # An orderly end, not the broken connections (1006) of a process that died.
    goodbye = "client disconnect" if transports == ["polling"] else "1000"
    assert app.goodbyes.count(goodbye) == 12, app.goodbyes
    assert process.returncode == code, said


def test_a_proof_leaves_no_handler_and_no_loop_behind() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with servers.serve(servers.App().build()) as url:
        assert prove(url, negative_cases=False)["passed"]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
