"""One container: its process, its restarts, its readiness."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..objects import Obj, timestamp
from . import probe
from .process import Process

LOG = logging.getLogger("asm_lanes_lab.kubelet")

#: Seconds before the first, second, third … restart; the last one repeats. A real kubelet: 0, 10, 20 … 300.
BACKOFF = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
#: A container that ran so many seconds starts again with the first pause.
SETTLED = 30.0
#: Seconds between two looks for a file that the container needs.
FILE_POLL = 0.02

#: Bytes of a log that are searched for the reason of an end.
_LOG_READ = 1 << 16

#: Called with (normal or warning, reason, message).
Tell = Callable[[bool, str, str], Awaitable[None]]


@dataclass(frozen=True)
class Launch:
    """How to run a container."""

    name: str
    image: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    probe: probe.Probe
    #: File without which it cannot start: the mesh's configuration of a proxy.
    needs: Path | None = None


@dataclass
class State:
    """What is known of a container, in the words of a containerStatus."""

    name: str
    image: str
    state: Obj = field(default_factory=lambda: waiting("ContainerCreating"))
    last_state: Obj = field(default_factory=dict)
    ready: bool = False
    #: Why it is not ready, in words.
    reason: str = ""
    restarts: int = 0
    #: Whether it has ended for good.
    final: bool = False
    process: Process | None = None
    log: Path | None = None

    @property
    def running(self) -> bool:
        """Whether it has a process now."""
        return "running" in self.state

    def as_status(self) -> Obj:
        """The containerStatus."""
        status: Obj = {
            "name": self.name,
            "image": self.image,
            "imageID": f"asm-lanes.lab/stand-in/{self.image}" if self.process else "",
            "ready": self.ready,
            "started": self.running,
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last_state,
        }
        return status | ({"containerID": f"process://{self.process.pid}"} if self.process else {})


def last_words(log: Path, start: int) -> str:
    """Why a process ended, from its log after byte *start*: an assertion of Envoy, or the last line."""
    with log.open("rb") as file:
        file.seek(start)
        lines = [
            line.strip()
            for line in file.read(_LOG_READ).decode(errors="replace").splitlines()
            if line.strip()
        ]
    telling = [line.partition("assert failure: ")[2] for line in lines if "assert failure: " in line]
    return (telling or lines or [""])[-1][:300]


def waiting(reason: str, message: str = "") -> Obj:
    """The state of a container that has no process."""
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


class Container:
    """Runs one container for ever, or as long as the restart policy says."""

    def __init__(self, launch: Launch, policy: str, changed: Callable[[], None], tell: Tell) -> None:
        self.state = State(launch.name, launch.image, log=launch.log)
        self._launch = launch
        self._policy = policy
        self._changed = changed
        self._tell = tell

    async def run(self) -> None:
        """Start, watch, start again; returns when the restart policy says so."""
        await self._need()
        pauses = 0
        while True:
            began = time.monotonic()
            code = await self._once()
            if self._policy == "Never" or (self._policy == "OnFailure" and code == 0):
                self.state.final = True
                self._changed()
                return
            pauses = 1 if time.monotonic() - began > SETTLED else pauses + 1
            await self._back_off(BACKOFF[min(pauses, len(BACKOFF)) - 1])
            self.state.restarts += 1

    async def stop(self, grace: float) -> None:
        """End the process, within *grace* seconds; run must have been cancelled before."""
        if self.state.process:
            await self.state.process.stop(grace)

    async def _need(self) -> None:
        needed = self._launch.needs
        if needed is None or needed.exists():
            return
        self._set(waiting("PodInitializing", f"waiting for the mesh to configure the proxy ({needed})"))
        while not needed.exists():
            await asyncio.sleep(FILE_POLL)

    async def _once(self) -> int:
        launch, started = self._launch, timestamp()
        logged = launch.log.stat().st_size if launch.log.exists() else 0
        try:
            process = await Process.start(launch.argv, launch.env, launch.log)
        except OSError as error:
            return await self._not_started(started, f"{launch.argv[0]}: {error.strerror or error}")
        self.state.process = process
        self._set({"running": {"startedAt": started}})
        asking = asyncio.create_task(self._ask())
        try:
            code = await process.wait()
        finally:
            asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asking
        await process.stop(0)  # what the leader left behind in its group
        self._ended(started, code, last_words(launch.log, logged) if code else "")
        return code

    async def _not_started(self, started: str, why: str) -> int:
        await self._tell(False, "Failed", f"Error: cannot start container {self._launch.name}: {why}")
        self._ended(started, 127, why)
        return 127

    async def _ask(self) -> None:
        wanted, failed = self._launch.probe, 0
        self.state.reason = "not asked yet"
        await asyncio.sleep(wanted.delay)
        while True:
            wrong = await wanted.check()
            failed = failed + 1 if wrong else 0
            ready = not wrong or (self.state.ready and failed < wanted.failures)
            if self.state.ready and not ready:
                await self._tell(False, "Unhealthy", f"Readiness probe failed: {wrong}")
            if (ready, wrong or "") != (self.state.ready, self.state.reason):
                self._set(self.state.state, ready=ready, reason=wrong or "")
            await asyncio.sleep(wanted.period if self.state.ready else probe.EAGER)

    def _ended(self, started: str, code: int, message: str = "") -> None:
        ended = {
            "terminated": {
                "exitCode": code,
                "reason": "Completed" if code == 0 else "Error",
                "startedAt": started,
                "finishedAt": timestamp(),
                **({"message": message} if message else {}),
            }
        }
        LOG.info("container %s (%s) ended with %d", self._launch.name, self._launch.log.parent.name, code)
        self.state.process = None
        self.state.last_state = ended
        words = f": {message}" if message else ""
        self._set(ended, reason=f"exited with {code}{words}; see {self._launch.log}")

    async def _back_off(self, seconds: float) -> None:
        name = self._launch.name
        await self._tell(
            False, "BackOff", f"Back-off restarting failed container {name}: {self.state.reason}"
        )
        if seconds:
            self._set(
                waiting("CrashLoopBackOff", f"back-off {seconds:g}s restarting failed container={name}")
            )
            await asyncio.sleep(seconds)

    def _set(self, state: Obj, *, ready: bool = False, reason: str | None = None) -> None:
        self.state.state = state
        self.state.ready = ready
        if reason is not None:
            self.state.reason = reason
        self._changed()
