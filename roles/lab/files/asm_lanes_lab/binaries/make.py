"""All programs of a family: those that are there, then the download, then the build."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

from ..errors import LabError
from .build import build, go
from .cache import Say, place, workshop
from .download import DownloadError, download
from .find import ASSETS, Found, MissingError, find
from .recipes import API_SERVER, CONTROLLERS, Recipe


def provide(recipes: Iterable[Recipe], say: Say) -> dict[str, Found]:
    """Every program, by name; made and kept when there is none. Takes minutes the first time.

    *say* gets a line for each step. Raises LabError when one cannot be had.
    """
    wanted = list(recipes)
    found = _there(wanted)
    if len(found) < len(wanted):
        with workshop(say) as folder:
            found = _there(wanted)  # another process may have made them while we waited
            missing = [recipe for recipe in wanted if recipe.name not in found]
            if missing:
                _make(missing, folder, say)
                found = _there(wanted)
    check_skew(found)
    return found


def check(recipes: Iterable[Recipe]) -> dict[str, Found]:
    """Every program, by name. Raises MissingError, with the way out, when this machine lacks one."""
    wanted = list(recipes)
    found = _there(wanted)
    missing = [recipe.name for recipe in wanted if recipe.name not in found]
    if missing:
        raise MissingError(
            f"a real control plane needs {', '.join(missing)}: not in {ASSETS}, not on PATH, and not in the"
            f" cache {place(wanted[0]).parents[1]}; make them with `python -m asm_lanes_lab binaries`"
        )
    check_skew(found)
    return found


def _there(recipes: list[Recipe]) -> dict[str, Found]:
    return {recipe.name: found for recipe in recipes if (found := find(recipe))}


def _make(missing: list[Recipe], folder: Path, say: Say) -> None:
    say(f"not on this machine: {', '.join(recipe.name for recipe in missing)}")
    reason = "not tried"
    try:
        loaded = download(folder)
        say(f"downloaded: {', '.join(recipe.name for recipe in loaded)}")
    except DownloadError as error:
        reason, loaded = str(error), []
        say(f"no download ({reason})")
    rest = [recipe for recipe in missing if recipe not in loaded]
    if rest and not go():
        names = ", ".join(recipe.name for recipe in rest)
        raise MissingError(
            f"a real control plane needs {names}: not in {ASSETS}, not on PATH, not in the cache; no download"
            f" ({reason}); and there is no Go on PATH to build from {rest[0].folder}. Install Go, or set"
            f" {ASSETS} to a folder that has these programs"
        )
    for recipe in rest:
        build(recipe, folder, say)


def check_skew(found: dict[str, Found]) -> None:
    """Raise LabError when the controllers are newer than the API server, which Kubernetes does not allow."""
    if not {API_SERVER.name, CONTROLLERS.name} <= found.keys():
        return
    server, controllers = (minor(found[name].file) for name in (API_SERVER.name, CONTROLLERS.name))
    if controllers > server:
        raise LabError(
            f"{found[CONTROLLERS.name].file} is of Kubernetes 1.{controllers}, newer than"
            f" {found[API_SERVER.name].file} of 1.{server}; put programs of one release there"
        )


def minor(program: Path) -> int:
    """The minor version that a program of Kubernetes tells of itself. Raises LabError."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60)
        return int(done.stdout.split()[-1].removeprefix("v").split(".")[1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise LabError(f"{program} does not tell its version ({error}); is it the right program?") from error
