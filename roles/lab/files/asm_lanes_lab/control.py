"""Handling of a lab from outside: find it, start it, wait for it, ask it, end it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from .checks import check
from .errors import LabError
from .files import Lock, read_json, remove, write_json
from .kubelet.environment import PACKAGE_ROOT
from .kubelet.process import alive, memory
from .settings import Settings, StateDir

#: Seconds between two looks at what the daemon tells.
LOOK = 0.03
#: Seconds that a daemon gets to end itself and its children.
STOP_SECONDS = 15.0
RESET_SECONDS = 30.0
#: Lines of the log that are shown when a lab does not come up.
TAIL = 15


class Handle:
    """The lab of one state folder, running or not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.files: StateDir = settings.files

    def pid(self) -> int | None:
        """The daemon's pid; None when no lab runs, whatever stale files say."""
        return Lock(self.files).holder()

    def told(self) -> dict[str, Any]:
        """What the daemon tells of itself; empty when it has not yet."""
        data = read_json(self.files.status)
        return data if isinstance(data, dict) else {}

    def check_same(self, wanted: dict[str, Any]) -> None:
        """Raise LabError when the running lab has other settings than those *wanted*; the rest may differ."""
        asked = self._settings.as_dict()
        running = read_json(self.files.settings) or {}
        names = [name for name in wanted if name != "state_dir" and asked[name] not in (0, running.get(name))]
        if names:
            other = "; ".join(f"{name}: {running.get(name)!r}, asked for {asked[name]!r}" for name in names)
            raise LabError(
                f"a lab runs in {self.files.root} with other settings ({other}); stop it first,"
                " or use another --state-dir"
            )

    def spawn(self) -> None:
        """Start the daemon, in a session of its own."""
        check(self._settings)
        try:
            self.files.root.mkdir(parents=True, exist_ok=True)
            remove(*self.files.runtime())
            write_json(self.files.settings, self._settings.as_dict())
            log = self.files.log.open("wb")
        except OSError as error:
            raise LabError(f"state folder {self.files.root}: {error.strerror}; choose another one") from error
        with log:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-m", "asm_lanes_lab", "run"),
                    *("--state-dir", str(self.files.root), "--config", str(self.files.settings)),
                ],
                cwd=self.files.root,
                env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # The daemon takes its lock within the time that Python needs to start.
        self._wait(lambda: self.pid() is not None or child.poll() is not None, 30, "start")

    def wait_ready(self, seconds: float, show: Callable[[dict[str, Any]], None]) -> None:
        """Wait until the lab is ready, showing each step; LabError with the reason when it is not."""
        shown = 0

        def ready() -> bool:
            nonlocal shown
            told = self.told()
            steps = told.get("steps", [])
            for step in steps[shown:]:
                show(step)
            shown = len(steps)
            if self.pid() is None:
                raise self._failure(told)
            return bool(told.get("ready"))

        self._wait(ready, seconds, "become ready")

    def _failure(self, told: dict[str, Any]) -> LabError:
        reason = told.get("error")
        tail = self._tail()
        remove(*self.files.runtime())
        if reason:
            return LabError(str(reason))
        return LabError(f"the lab has ended; the end of {self.files.log}:\n{tail}")

    def _tail(self) -> str:
        try:
            lines = self.files.log.read_text(errors="replace").splitlines()
        except OSError:
            return "  (no log)"
        return "\n".join(f"  {line}" for line in lines[-TAIL:])

    def _wait(self, check: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not check():
            if time.monotonic() > deadline:
                end = f"the end of {self.files.log}:\n{self._tail()}"
                raise LabError(f"the lab did not {what} within {seconds:g} s; {end}")
            time.sleep(LOOK)

    def stop(self) -> bool:
        """End the lab and remove its runtime files; whether there was one."""
        pid = self.pid()
        if pid:
            self._end(pid)
        remove(*self.files.runtime())
        return bool(pid)

    def _end(self, pid: int) -> None:
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5.0)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if not alive(pid):
                    return
                time.sleep(LOOK)
        raise LabError(f"process {pid} does not end; see {self.files.log}")

    def purge(self) -> None:
        """Remove the state folder of a lab that has ended."""
        shutil.rmtree(self.files.root, ignore_errors=True)

    def reset(self) -> float:
        """Make the lab as new; the seconds that it took."""
        pid = self.pid()
        if not pid:
            raise LabError(f"no lab runs in {self.files.root}; start one")
        resets, began = self.told().get("resets", 0), time.monotonic()
        os.kill(pid, signal.SIGHUP)

        def done() -> bool:
            told = self.told()
            if self.pid() is None:
                raise self._failure(told)
            return bool(told.get("resets", 0) > resets and told.get("ready"))

        self._wait(done, RESET_SECONDS, "reset")
        return time.monotonic() - began

    def describe(self) -> dict[str, Any]:
        """Everything there is to know of the lab, for people and for programs."""
        pid, files = self.pid(), self.files
        if not pid:
            return {"running": False, "ready": False, "state_dir": str(files.root)}
        told, settings = self.told(), read_json(files.settings) or {}
        processes = [{"name": "lab", "pid": pid, "log": str(files.log), "rss": memory(pid)}]
        for item in told.get("processes", []):
            name = f"{item['pod']} {item['container']}"
            processes.append(
                {"name": name, "pid": item["pid"], "log": item["log"], "rss": memory(item["pid"])}
            )
        return {
            "running": True,
            "ready": bool(told.get("ready")),
            "state_dir": str(files.root),
            "pid": pid,
            "endpoints": {step["name"]: step["detail"] for step in told.get("steps", [])},
            "files": {
                "cluster_kubeconfig": str(files.cluster_kubeconfig),
                "mesh_kubeconfig": str(files.mesh_kubeconfig),
                "credentials": str(files.credentials),
                "inventory": str(files.inventory),
                "log": str(files.log),
            },
            "settings": settings,
            "processes": processes,
            "parts": told.get("parts", []),
            "resets": told.get("resets", 0),
        }


def run(settings: Settings) -> int:
    """Run a lab in this process until it is told to stop; the exit code."""
    from .daemon import Lab, forget_proxies  # heavy: only the daemon needs it

    forget_proxies()
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(Lab(settings).run())
    remove(*settings.files.runtime())
    return 0
