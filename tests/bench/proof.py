"""What a proof takes: 3 lanes x 200 messages, and 1,000 sockets held at once.

Usage: ``python tests/bench/proof.py [URL]``. Without a URL against a socket.io server like the guide's in a
process of its own, so that what is measured is the probe; with the URL of a gateway behind which the guide's
group is, such as the lab's, the messages go there (a thousand sockets do not: each of their messages would be
broadcast to all of them). Exits with 1 when 3 lanes x 200 messages take more than 15 s, when
not all sockets are open at once, or when an answer is wrong.
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / part) for part in (".ansible/collections", "tests")]

from integration.probe import servers
from integration.probe.probing import prove

SECONDS = 15.0
SOCKETS = 1000
SERVE, BROADCASTS = "--serve", "--broadcasts"


def main(arguments: list[str]) -> int:
    """Run, print, judge."""
    raise_limit()
    if arguments[:1] == [SERVE]:
        serve(broadcasts=arguments[1:] == [BROADCASTS])
        return 0
    if arguments:
        return int(not ask(arguments[0]))
    with server() as quiet, server(BROADCASTS) as loud:
        return int(not all([hold(quiet), ask(loud)]))


def hold(url: str) -> bool:
    """Hold sockets of all three lanes at once, and send two messages on each."""
    before = resident()
    proof = prove(
        url,
        connections=-(-SOCKETS // 3),
        messages=2,
        max_open=SOCKETS + 2,
        max_load=10 * SOCKETS,
        timeout=120,
        negative_cases=False,
        broadcast_event="",
    )
    load = proof["load"]
    print(
        f"{load['peak_open']} sockets at once, {load['messages']} messages: {proof['seconds']:.1f} s, "
        f"{load['cpu_seconds']:.1f} s of CPU, {load['max_rss_mib']:.0f} MiB"
    )
    if told(proof) and load["peak_open"] >= SOCKETS:
        opened = load["peak_open"] / slowest(proof, "handshake_ms")
        answered = load["messages"] / slowest(proof, "answer_ms")
        each = 1024 * (load["max_rss_mib"] - before) / load["connections"]
        print(f"  {opened:.0f} sockets/s opened, {answered:.0f} messages/s, {each:.0f} KiB a socket")
        return True
    return False


def ask(url: str) -> bool:
    """3 lanes x 200 messages, each broadcast to all sockets."""
    proof = prove(url, connections=10, messages=20, max_load=5000, timeout=60, negative_cases=False, rate=0)
    broadcasts = sum(case["counts"]["broadcasts"] for case in proof["cases"])
    print(
        f"3 lanes x 200 messages, {broadcasts} broadcasts: {proof['seconds']:.1f} s (limit {SECONDS:g} s), "
        f"{proof['load']['cpu_seconds']:.1f} s of CPU"
    )
    return told(proof) and proof["seconds"] <= SECONDS


def told(proof: dict[str, Any]) -> bool:
    """Print what must be said about a proof; whether it passed."""
    for line in [proof["message"], *proof["warnings"]]:
        print(f"  {line}" if line else "", end="\n" if line else "")
    return bool(proof["passed"])


def slowest(proof: dict[str, Any], what: str) -> float:
    """Seconds until the last of all; everything is begun at once."""
    return max(case["timings"][what]["max"] for case in proof["cases"]) / 1000


def resident() -> float:
    """MiB of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def raise_limit() -> None:
    """A thousand sockets are a thousand files."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def server(*options: str) -> Iterator[str]:
    """A server in a process of its own."""
    command = [sys.executable, __file__, SERVE, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def serve(broadcasts: bool) -> None:
    """Serve until terminated."""
    with servers.serve(servers.App(broadcasts=broadcasts).build()) as url:
        print(url, flush=True)
        while True:
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
