# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module ``lane_group_info``, from its parameters to its result."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._lanes.words import as_spec
from .backend import Observed
from .errors import AsmError
from .module import fail
from .transforms import Objection
from .ways import AUTO, CUSTOM_RESOURCE, OPENAPI, Ways


def describe(observed: Observed) -> dict[str, Any]:
    """A lane group with what is known beyond its specification."""
    spec = as_spec(observed.group)
    lanes = [
        {**lane, "messages": _messages(observed.objections.get(lane["name"], ()))} for lane in spec["lanes"]
    ]
    status = {"state": observed.status, "messages": _messages(observed.errors), "managed": observed.ours}
    return {**spec, "lanes": lanes, "status": status}


def _messages(objections: tuple[Objection, ...]) -> list[dict[str, Any]]:
    return [{"text": objection.text, "serious": objection.serious} for objection in objections]


def unknown_fields(observed: Observed) -> list[str]:
    """Notes on what this way to the mesh cannot show, so that a specification lacks it."""
    group = observed.group
    missing = [
        f"{field} of lane {lane.name}"
        for lane in group.lanes or ()
        for field in ("ingress_rules", "ingress_weight")
        if getattr(lane, field) is None
    ]
    missing += ["ingress_routing"] if group.ingress_routing is None else []
    rule = group.gateway_rule
    missing += ["gateway_rule.namespace"] if rule and rule.namespace is None else []
    return [f"lane group {group.name}: not known is {', '.join(missing)}"] if missing else []


def run_module(module: AnsibleModule) -> None:
    """Run the module; ends it."""
    params = module.params
    ways = Ways(module)
    automatic = CUSTOM_RESOURCE if ways.has_kubeconfig else OPENAPI
    backend = automatic if params["backend"] == AUTO else params["backend"]

    def calls() -> list[dict[str, Any]]:
        return [record.as_dict() for record in ways.records]

    try:
        found = ways.to(backend).observe(params["name"] or None)
    except AsmError as error:
        fail(module, error, api_calls=calls(), backend=backend)
    groups = [as_spec(one.group) if params["as_spec"] else describe(one) for one in found]
    notes = [note for one in found for note in unknown_fields(one)]
    module.exit_json(changed=False, lane_groups=groups, notes=notes, backend=backend, api_calls=calls())
