# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``lane_audit``, from its parameters to its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._asm.backend import LaneBackend
from .._asm.deadline import Deadline
from .._asm.errors import AsmError, Kind
from .._asm.lane_options import given_option
from .._drift import report
from .._drift.facts import VIRTUAL_SERVICE, Object
from .._drift.kinds import Finding as DriftFinding
from .._drift.reads import Server, Sources, read
from .._kube.client import IMPORT_ERROR, KubeError, connect
from .._lanes import rules
from .._lanes.model import LaneGroup
from .._lanes.problems import SpecError
from .._probe import client_options
from .._probe import module as probe_module
from .._probe.expect import Oracle
from . import document, findings, options, run, ways
from .experiment import WEBSOCKET, Settings
from .options import BROADCAST, HTTP
from .reads import Place

#: Seconds that the drift check gets.
DRIFT_LIMIT = 30.0


def argument_spec() -> dict[str, Any]:
    """The module's options."""
    return {
        **given_option(),
        **client_options.ARGUMENTS,
        **options.ARGUMENTS,
        "proof": {"type": "dict"},
        "fail_on_findings": {"type": "bool", "default": True},
    }


@dataclass(frozen=True)
class Read:
    """What the drift check told. problem: why it could not be made, empty when it was."""

    drift: Sequence[DriftFinding] = ()
    virtual_services: Sequence[Object] = ()
    problem: str = ""


def run_module(module: AnsibleModule) -> None:
    """Run the module; ends it."""
    probe_module.check(module)
    if IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("kubernetes"), exception=str(IMPORT_ERROR))
    params = module.params
    try:
        client_options.check(params)
        options.check(params)
        plan, settings = plan_of(params), settings_of(params)
    except (SpecError, ValueError) as error:
        module.fail_json(msg=str(error))
    if module.check_mode:
        told: dict[str, Any] = {
            "audit": None,
            "findings": [],
            "not_tested": [{"what": "audit", "why": "check mode"}],
        }
        module.exit_json(changed=False, **_result(told, params["proof"], [], "not audited (check mode)"))
    try:
        told, lines = tell(plan, settings, params)
    except KubeError as error:
        module.fail_json(msg=f"The audit cannot read the cluster: {error}")
    passed = told["audit"]["passed"]
    message = document.message(passed, told["findings"], told["not_tested"])
    result = _result(told, params["proof"], lines, message)
    if params["fail_on_findings"] and (told["findings"] or passed is False):
        module.fail_json(msg=message, **result)
    module.exit_json(changed=False, **result)


def of_proof(client: dict[str, Any], stated: dict[str, Any], proof: dict[str, Any]) -> dict[str, Any]:
    """The audit that belongs to a proof.

    Args:
        client: how clients talk, by the options of ``lane_client``, and ``lane_group``.
        stated: the options of `options.ARGUMENTS`, complete.
        proof: that has been made.

    Returns:
        What the module returns; only ``message`` where the audit could not be made.
    """
    if IMPORT_ERROR is not None:
        return {"message": f"not audited: {missing_required_lib('kubernetes')}"}
    names = (*given_option(), *client_options.ARGUMENTS)
    params = {**{name: client[name] for name in names}, **stated, "proof": proof}
    try:
        told, lines = tell(plan_of(params), settings_of(params), params)
    except (SpecError, ValueError) as error:
        return {"message": f"not audited: {error}"}
    except KubeError as error:
        return {"message": f"not audited: the cluster cannot be read: {error}"}
    message = document.message(told["audit"]["passed"], told["findings"], told["not_tested"])
    return _result(told, proof, lines, message)


def tell(plan: run.Plan, settings: Settings, params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """``audit``, ``findings`` and ``not_tested``, and a table. Raises KubeError."""
    api = connect(params["cluster_kubeconfig"], params["cluster_context"])
    result = run.audit(api, place_of(plan, params), plan, settings)
    mesh = _read_mesh(plan.group, params)
    evidence = findings.Evidence(
        plan.group,
        result.chains,
        result.seen,
        document.failures(params["proof"]),
        mesh.drift,
        mesh.virtual_services,
    )
    not_tested = list(result.not_tested)
    if mesh.problem:
        not_tested.append({"what": "the mesh's objects", "why": mesh.problem})
    told: dict[str, Any] = {
        "audit": result.as_dict(),
        "findings": [one.as_dict() for one in findings.locate(evidence)],
        "not_tested": not_tested,
    }
    return told, document.table(told["audit"]["chains"])


def plan_of(params: dict[str, Any]) -> run.Plan:
    """Raises SpecError or ValueError for options that cannot be meant."""
    group = client_options.group(params)
    rules.validate(group)
    if not group.permissive:
        raise ValueError(
            "lane_group.mode: in strict mode no header carries the lane; there is nothing to audit"
        )
    known = [lane.name for lane in group.lanes or ()]
    lanes: list[str] = params["lanes"] or known
    unknown = [name for name in lanes if name not in known]
    if unknown or not lanes:
        raise ValueError(
            f"lanes: {', '.join(unknown) or 'none'}: name lanes of the group: {', '.join(known)}"
        )
    kinds = [kind for kind in params["messages"] if kind != BROADCAST or params["broadcast_event"]]
    via, name = client_options.entry(params)
    oracle = Oracle(group, params["version_label"], client_options.host(params))
    paths = {WEBSOCKET: f"/{params['path'].strip('/')}/", HTTP: params["http_path"].partition("?")[0]}
    used = {HTTP if kind == HTTP else WEBSOCKET for kind in kinds}
    found = {kind: ways.into_lanes(oracle, paths[kind], via, name, lanes) for kind in sorted(used)}
    left_out = dict.fromkeys(one for _into, left in found.values() for one in left)
    return run.Plan(
        group,
        tuple(lanes),
        tuple(kinds),
        tuple(params["answered_by"]),
        client_options.reader(params).read,
        {kind: into for kind, (into, _left) in found.items()},
        params["version_label"],
        params["log_timeout"],
        tuple(left_out),
    )


def place_of(plan: run.Plan, params: dict[str, Any]) -> Place:
    """Where pods and logs are."""
    services = [
        *(plan.group.services or ()),
        *(one for lane in plan.group.lanes or () for one in lane.services),
    ]
    return Place(
        tuple(sorted({one.namespace for one in services})),
        params["gateway_namespace"],
        {key: str(value) for key, value in params["gateway_selector"].items()},
        params["proxy_container"],
    )


def settings_of(params: dict[str, Any]) -> Settings:
    """How the clients talk. Raises ValueError for a file of certificates that is none."""
    group = params["lane_group"]
    return Settings(
        url=params["url"],
        route_header=group["route_header"],
        trace_header=group["trace_header"].lower(),
        headers=client_options.headers(params),
        path=params["path"],
        http_path=params["http_path"],
        emit_event=params["emit_event"],
        answer_event=params["answer_event"],
        broadcast_event=params["broadcast_event"],
        timeout=params["timeout"],
        tls=client_options.tls(params),
        tag_baggage=params["tag_baggage"],
    )


def _read_mesh(group: LaneGroup, params: dict[str, Any]) -> Read:
    """The drift check; without it causes are found by the audit alone."""
    if not params["mesh_kubeconfig"]:
        return Read(problem="mesh_kubeconfig is not given")
    mesh = Server(params["mesh_kubeconfig"], params["mesh_context"])
    cluster = Server(params["cluster_kubeconfig"], params["cluster_context"])
    sources = Sources(_no_openapi, mesh, cluster, Deadline(DRIFT_LIMIT), 5.0)
    try:
        facts, _calls = read(sources, group.name)
    except AsmError as error:
        return Read(problem=str(error))
    objects = facts.mesh.of(VIRTUAL_SERVICE) if facts.mesh else ()
    return Read(report.check(group, facts).findings, objects, facts.no_mesh)


def _no_openapi() -> LaneBackend:
    raise AsmError(Kind.UNREADABLE, "read", "lane group", "it could not be read with mesh_kubeconfig")


def _result(
    told: dict[str, Any], proof: dict[str, Any] | None, table: list[str], message: str
) -> dict[str, Any]:
    merged = {"proof": document.merge(proof, told)} if proof else {}
    return {**told, **merged, "table": table, "message": message}
