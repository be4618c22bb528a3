# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``lane_group_drift``, from its parameters to its result."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._asm.client import AsmClient, Record
from .._asm.deadline import Deadline
from .._asm.errors import AsmError, Kind
from .._asm.lane_options import lane_group_options, stated
from .._asm.module import connect_module, fail
from .._asm.openapi import OpenApiLanes
from .._kube.client import IMPORT_ERROR
from .._lanes.model import LaneGroup
from .._lanes.problems import SpecError
from .._lanes.words import parse
from . import kinds, report
from .reads import Server, Sources, read

REQUIRED_BY = {"mesh_context": "mesh_kubeconfig", "cluster_context": "cluster_kubeconfig"}


def argument_spec() -> dict[str, Any]:
    """The options besides those of every module that talks to ASM."""
    return {
        **lane_group_options(),
        "mesh_kubeconfig": {"type": "path"},
        "mesh_context": {"type": "str"},
        "cluster_kubeconfig": {"type": "path"},
        "cluster_context": {"type": "str"},
        "ignore": {"type": "list", "elements": "str", "choices": list(kinds.NAMES), "default": []},
        "fail_on": {"type": "str", "choices": list(report.FAIL_ON), "default": report.NEVER},
    }


class Task:
    """One task: what it wants, and the calls that it makes."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._params = module.params
        self._deadline = Deadline(module.params["timeout"])
        self._client: AsmClient | None = None
        self._records: list[Record] = []

    def facts(self) -> dict[str, Any]:
        """The calls made so far, for the result."""
        records = [*(self._client.calls if self._client else ()), *self._records]
        return {"api_calls": [record.as_dict() for record in records]}

    def compare(self, wanted: LaneGroup) -> tuple[report.Drift, str]:
        """What differs, and where the group was read. Raises AsmError."""
        facts, self._records = read(self._sources(), wanted.name)
        for reason in (facts.no_mesh, facts.no_cluster):
            if "could not be read" in reason:
                self._module.warn(reason)
        return report.check(wanted, facts, self._params["ignore"]), facts.source

    def _sources(self) -> Sources:
        params = self._params
        mesh = Server(params["mesh_kubeconfig"], params["mesh_context"])
        cluster = Server(params["cluster_kubeconfig"], params["cluster_context"])
        if IMPORT_ERROR is not None and (mesh.kubeconfig or cluster.kubeconfig):
            self._module.fail_json(
                msg=missing_required_lib("kubernetes"),
                exception=str(IMPORT_ERROR),
                failure={"kind": Kind.LIBRARY, "message": str(IMPORT_ERROR)},
            )
        return Sources(self._openapi, mesh, cluster, self._deadline, params["request_timeout"])

    def _openapi(self) -> OpenApiLanes:
        self._client = connect_module(self._module, self._deadline)
        return OpenApiLanes(self._client)


def run_module(module: AnsibleModule) -> None:
    """Run the module; ends it."""
    task = Task(module)
    try:
        wanted = parse(stated(module.params))
        drift, source = task.compare(wanted)
    except SpecError as error:
        problems = [{"path": p.path, "message": p.message, "remedy": p.remedy} for p in error.problems]
        module.fail_json(msg=str(error), failure={"kind": "specification", "problems": problems})
    except AsmError as error:
        fail(module, error, **task.facts())
    result = {
        "drift": report.as_dict(drift),
        "message": report.message(wanted.name, drift),
        "source": source,
        **task.facts(),
    }
    fatal = drift.at(module.params["fail_on"])
    if fatal:
        words = report.message(wanted.name, drift, fatal)
        module.fail_json(msg=words, failure={"kind": "drift", "message": words}, **result)
    module.exit_json(changed=False, **result)
