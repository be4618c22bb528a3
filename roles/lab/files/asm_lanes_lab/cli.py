"""The lab's command line: start, stop, status, reset, and run in the foreground."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from . import control
from .control import Handle
from .errors import LabError
from .fields import SettingsError
from .plane import ISTIO, OWN
from .settings import Settings, default_state_dir, read_settings

#: Exit code of ``status`` when no lab runs, as init scripts have it.
NOT_RUNNING = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 0, or 1 after one line on stderr that says what to do."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m asm_lanes_lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--state-dir",
        type=lambda value: Path(value).expanduser(),
        default=default_state_dir(),
        metavar="DIR",
        help="folder of the lab's files; one lab per folder (default: %(default)s)",
    )
    settings = argparse.ArgumentParser(add_help=False)
    settings.add_argument("--config", type=Path, metavar="FILE", help="settings, YAML or JSON")
    settings.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one setting, VALUE in YAML; may be repeated, and wins over --config",
    )
    settings.add_argument("--timeout", type=float, default=60, help="seconds to wait (default: %(default)g)")

    def add(
        name: str, function: Any, text: str, *parents: argparse.ArgumentParser
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, parents=[common, *parents])
        command.set_defaults(command=function)
        return command

    add("start", _start, "Start a lab in the background and wait until it is ready.", settings)
    stop = add("stop", _stop, "Stop the lab and everything it started.")
    stop.add_argument("--purge", action="store_true", help="remove the state folder too")
    status = add("status", _status, "Show processes, ports, kubeconfigs and log files.")
    status.add_argument("--json", action="store_true", help="for programs")
    add("reset", _reset, "Empty both Kubernetes APIs and begin anew, in about a second.")
    fault = add(
        "fault", _fault, "Make something go wrong, for whoever is to find it; roles/lab/README.md lists what."
    )
    fault.add_argument("verb", choices=["on", "off", "list"])
    fault.add_argument("names", nargs="*", metavar="NAME", help="of faults; off without one: all that are on")
    programs = add("binaries", _binaries, "Find, download or build the programs of a real control plane.")
    programs.add_argument("--mesh", choices=[OWN, ISTIO], default=OWN, help="istio: istiod as well")
    add("run", _run, "Run a lab in the foreground, until SIGTERM or Ctrl-C.", settings)
    return parser


def _wanted(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings asked for: those of the file, then those of the command line."""
    wanted = read_settings(arguments.config) if arguments.config else {}
    for item in arguments.set:
        name, equals, value = item.partition("=")
        if not equals:
            raise SettingsError("--set", "NAME=VALUE", item)
        wanted[name] = yaml.safe_load(value)
    return wanted


def _start(arguments: argparse.Namespace) -> int:
    wanted = _wanted(arguments)
    handle = Handle(Settings.parse(wanted, arguments.state_dir))
    if handle.pid() is not None:
        handle.check_same(wanted)
        print(f"The lab in {handle.files.root} is running already.")
    else:
        print(f"Starting the lab in {handle.files.root}", flush=True)
        handle.spawn()
    handle.wait_ready(arguments.timeout, _show_step)
    print(_hints(handle))
    return 0


def _show_step(step: dict[str, Any]) -> None:
    print(f"  {step['seconds']:5.2f} s  {step['name']:<14} {step['detail']}", flush=True)


def _hints(handle: Handle) -> str:
    files = handle.files
    lines = [
        "The lab is ready. What next:",
        f"  export KUBECONFIG={files.cluster_kubeconfig}   # the cluster",
        f"  export KUBECONFIG={files.mesh_kubeconfig}   # the mesh control plane",
        f"  ansible-playbook -i {files.inventory} asm.lanes.site",
    ]
    return "\n".join(lines)


def _stop(arguments: argparse.Namespace) -> int:
    handle = Handle(Settings.parse({}, arguments.state_dir))
    stopped = handle.stop()
    if arguments.purge:
        handle.purge()
    print(f"The lab in {handle.files.root} {'has been stopped' if stopped else 'is not running'}.")
    return 0


def _reset(arguments: argparse.Namespace) -> int:
    handle = Handle(Settings.parse({}, arguments.state_dir))
    seconds = handle.reset()
    print(f"The lab in {handle.files.root} is as new ({seconds:.1f} s).")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    handle = Handle(Settings.parse({}, arguments.state_dir))
    state = handle.describe()
    print(json.dumps(state, indent=2) if arguments.json else "\n".join(_table(state)))
    return 0 if state["running"] else NOT_RUNNING


def _fault(arguments: argparse.Namespace) -> int:
    from .faults import catalogue  # the Kubernetes client is heavy, and the other commands do without
    from .faults.switch import Switch

    switch = Switch(Settings.parse({}, arguments.state_dir).files)
    if arguments.verb == "on":
        for name in arguments.names:
            switch.turn_on(name)
    elif arguments.verb == "off":
        switch.turn_off(*arguments.names)
    on = switch.on
    width = max(map(len, catalogue.NAMES))
    for fault in catalogue.FAULTS:
        print(f"{'on ' if fault.name in on else 'off'} {fault.name:<{width}}  {fault.what}")
    return 0


def _table(state: dict[str, Any]) -> list[str]:
    if not state["running"]:
        return [f"No lab runs in {state['state_dir']}."]
    lines = [f"The lab in {state['state_dir']} is {'ready' if state['ready'] else 'not ready yet'}.", ""]
    lines += [f"{name:<20} {value}" for name, value in (state["endpoints"] | state["files"]).items()]
    lines += ["", f"{'PID':>8} {'MiB':>5}  {'PROCESS':<52} LOG"]
    for process in state["processes"]:
        size = (process["rss"] or 0) / 2**20
        lines.append(f"{process['pid']:>8} {size:>5.0f}  {process['name']:<52} {process['log']}")
    lines += ["", f"{'PART':<14} {'STATE':<9} RESTARTS"]
    lines += [
        f"{p['name']:<14} {p['state']:<9} {p['restarts']} {p['error']}".rstrip() for p in state["parts"]
    ]
    return lines


def _binaries(arguments: argparse.Namespace) -> int:
    from . import binaries  # only this command makes any

    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)

    for name, found in binaries.provide(binaries.CONTROL_PLANE, say).items():
        print(f"{name:<24} {found.source:<20} {found.file}")
    if arguments.mesh == ISTIO:
        from .istio import binary

        found = binary.provide(say)
        print(f"{found.file.name:<24} {found.source:<20} {found.file}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    settings = Settings.parse(_wanted(arguments), arguments.state_dir)
    form = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    logging.basicConfig(level=settings.log_level, format=form)
    return control.run(settings)
