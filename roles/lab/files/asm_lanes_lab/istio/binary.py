"""Istiod's program and Istio's CRDs: found, or made of Istio's Go modules, which is done once."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

from ..binaries import MissingError, find
from ..binaries.build import build, environment, go
from ..binaries.cache import Say, place, workshop
from ..binaries.find import Found
from ..binaries.recipes import ISTIOD
from ..errors import LabError

#: The module of Istio's API, whose release goes with istiod's, and the file in it that has all CRDs.
API_MODULE, API_FILE = "istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"


def crds_file() -> Path:
    """Where the CRDs are, beside the program in the cache."""
    return place(ISTIOD).with_name("crds.yaml")


def program() -> Path:
    """Istiod. Raises MissingError, with the way out, when this machine lacks it or its CRDs."""
    found = find(ISTIOD)
    if not found or not crds_file().is_file():
        what = "Istio's CRDs" if found else ISTIOD.name
        raise MissingError(
            f"mesh istio needs {what}: not on PATH, and not in the cache {crds_file().parent};"
            " make it with `python -m asm_lanes_lab binaries --mesh istio`"
        )
    return found.file


def provide(say: Say) -> Found:
    """Istiod and the CRDs, made when there are none. *say* gets a line for each step. Raises LabError."""
    if not find(ISTIOD) or not crds_file().is_file():
        with workshop(say) as folder:
            if not find(ISTIOD):  # another process may have made it while we waited
                say(f"not on this machine: {ISTIOD.name}")
                build(ISTIOD, folder, say)
            if not crds_file().is_file():
                _keep_crds(say)
    found = find(ISTIOD)
    assert found
    return found


def _keep_crds(say: Say) -> None:
    tool = go()
    if not tool:
        raise LabError("Istio's CRDs cannot be had: there is no go on PATH that would download their module")
    command = (tool, "mod", "download", "-json", API_MODULE)
    done = subprocess.run(
        command, cwd=ISTIOD.folder, env=environment(), capture_output=True, text=True, check=False
    )
    try:
        source = Path(json.loads(done.stdout)["Dir"], API_FILE)
        crds_file().parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, crds_file())  # not its mode: modules are read-only
    except (ValueError, KeyError, OSError) as error:
        raise LabError(
            f"no CRDs from the Go module {API_MODULE}: {done.stderr or done.stdout or error}"
        ) from error
    say(f"took Istio's CRDs from {API_MODULE}")
