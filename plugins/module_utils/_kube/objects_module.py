# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules that bring a set of objects to its desired state, from their parameters to their result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from . import objects
from .client import Api
from .errors import KubeError
from .module import connect_module
from .rollout import Rollout, rollout
from .wait import await_rollouts
from .wanted import problems

Object = dict[str, Any]


def run_module(
    module: AnsibleModule,
    wanted: Sequence[Object],
    labels: Mapping[str, str],
    first: Callable[[Api], Sequence[objects.Step]] = lambda _api: (),
    together: Callable[[Object], object] = objects.group_of,
) -> None:
    """Bring objects to the state that the module's options wish; ends the module.

    Args:
        module: its options ``state``, ``force_conflicts``, ``expect_new``, ``timeout`` and ``advice`` are
            those of ``kube_objects``, and so is ``wait`` where Deployments are among the objects.
        wanted: the objects, as manifests.
        labels: that all of them carry.
        first: what is to be done before, where the objects shall exist; it may raise KubeError.
        together: see `objects.present`.
    """
    outcome = objects.Outcome()
    rollouts: list[Rollout] = []
    try:
        _check(wanted)
        api = connect_module(module)
        if module.params["state"] == "present":
            objects.present(
                api,
                wanted,
                labels,
                module.check_mode,
                outcome,
                force=module.params["force_conflicts"],
                expect_new=module.params["expect_new"],
                first=first(api),
                together=together,
            )
        else:
            kinds, timeout = objects.groups(wanted), module.params["timeout"]
            objects.absent(api, kinds, labels, module.check_mode, timeout, outcome)
        if module.params["state"] == "present" and not module.check_mode:
            rollouts = _rolled_out(api, module, outcome)
    except KubeError as error:
        advice = (module.params["advice"] or {}).get(error.failure, "")
        message = " ".join(part for part in (error.message, advice) if part)
        module.fail_json(msg=message, failure=error.failure, **_facts(module, outcome, rollouts))
    module.exit_json(**_facts(module, outcome, rollouts))


def _check(wanted: Sequence[Object]) -> None:
    """Raises KubeError with ``failure`` ``objects``, all problems in its message."""
    found = problems(wanted)
    if found:
        raise KubeError("; ".join(found) + ".", failure="objects")


def _rolled_out(api: Api, module: AnsibleModule, outcome: objects.Outcome) -> list[Rollout]:
    """Wait for the Deployments among the objects; none is asked about that is known to be ready.

    Raises KubeError with ``failure`` ``missing``, ``failed`` or ``timeout``, all reasons in its message.
    """
    by_namespace: dict[str, dict[str, Rollout]] = {}
    for step in outcome.steps:
        if step.object["kind"] == "Deployment":
            metadata = step.object["metadata"]
            name, namespace = metadata["name"], metadata["namespace"]
            by_namespace.setdefault(namespace, {})[name] = rollout(name, step.object)
    for namespace, known in by_namespace.items():
        late = [name for name, state in known.items() if not state.ready]
        if module.params["wait"] and late:
            waited = await_rollouts(api, namespace, late, module.params["timeout"])
            known.update({state.name: state for state in waited.rollouts})
            if waited.failure:
                raise KubeError(waited.message(), failure=waited.failure)
    return [state for known in by_namespace.values() for state in known.values()]


def _facts(module: AnsibleModule, outcome: objects.Outcome, rollouts: list[Rollout]) -> Object:
    changes = outcome.changes
    diff = {"diff": [step.diff() for step in changes]} if module._diff else {}
    return {
        "changed": bool(changes if module.check_mode else outcome.written),
        "objects": [step.result() for step in outcome.steps],
        "written": [step.title for step in changes] if module.check_mode else outcome.written,
        "deployments": [state.result() for state in rollouts],
        **diff,
    }
