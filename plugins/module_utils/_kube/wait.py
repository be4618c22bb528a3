# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait for a set of Deployments with one deadline, and collect the reasons when it is missed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import _elsewhere
from .client import Api
from .errors import KubeError
from .rollout import Rollout, explain, rollout

Object = dict[str, Any]

SOON = 3.0
"""Seconds of waiting that need no words."""


@dataclass(frozen=True)
class Outcome:
    """What came of waiting.

    Attributes:
        namespace: of the Deployments.
        kubeconfig: path of the file that was used.
        timeout: seconds that were allowed.
        rollouts: the last state of each Deployment, in the order asked for.
        failure: empty when all are ready, else ``missing``, ``failed`` (a controller gave up) or ``timeout``.
        reasons: lines by name of each Deployment that is not ready.
    """

    namespace: str
    kubeconfig: str
    timeout: float
    rollouts: tuple[Rollout, ...]
    failure: str = ""
    reasons: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def message(self) -> str:
        """Everything a reader needs, in lines."""
        late = [item for item in self.rollouts if not item.ready]
        when = f"after {self.timeout:g} s" if self.failure == "timeout" else "and waiting is of no use"
        lines = [
            f"{len(late)} of {len(self.rollouts)} Deployments in namespace {self.namespace} "
            f"are not ready, {when}:"
        ]
        for item in late:
            lines.append(f"- {item.name}: {item.message}")
            lines.extend(f"    {reason}" for reason in self.reasons.get(item.name, []))
        lines.append(self._advice(late))
        return "\n".join(lines)

    def _advice(self, late: Sequence[Rollout]) -> str:
        """What to do next."""
        kubectl = f"kubectl --kubeconfig {self.kubeconfig} --namespace {self.namespace}"
        if self.failure == "missing":
            return f"Check the names and the namespace: {kubectl} get deployments"
        return f"See more with: {kubectl} describe deployment {late[0].name}"


def await_rollouts(api: Api, namespace: str, names: Sequence[str], timeout: float) -> Outcome:
    """Wait until all Deployments are ready, one does not exist, one has failed, or time is up.

    Args:
        api: the cluster.
        namespace: of the Deployments.
        names: of the Deployments.
        timeout: seconds for all of them together.

    Raises:
        KubeError: the server cannot be read.
    """
    known: dict[str, Object] = {}
    states: tuple[Rollout, ...] = ()
    failure = ""
    began, told = time.monotonic(), ""
    for known in api.snapshots("apps/v1", "Deployment", namespace, timeout=timeout):
        states = tuple(rollout(name, known.get(name)) for name in names)
        failure = _failure(states)
        if failure != "timeout":
            break
        line = next(f"Deployment {item.name}: {item.message}" for item in states if not item.ready)
        if time.monotonic() - began > SOON and line != told:
            _elsewhere.say(told := line)
    late = {item.name: known[item.name] for item in states if item.exists and not item.ready}
    return Outcome(
        namespace=namespace,
        kubeconfig=api.kubeconfig,
        timeout=timeout,
        rollouts=states,
        failure=failure,
        reasons=_reasons(api, namespace, late) if late else {},
    )


def _failure(states: Sequence[Rollout]) -> str:
    """Empty when all are ready; ``timeout`` is what it will be if nothing changes any more."""
    if all(item.ready for item in states):
        return ""
    if not all(item.exists for item in states):
        return "missing"
    return "failed" if any(item.failed for item in states) else "timeout"


def _reasons(api: Api, namespace: str, late: Mapping[str, Object]) -> dict[str, list[str]]:
    """Why each Deployment is not ready, as far as it can be seen."""
    unseen: list[str] = []
    replica_sets, pods, events = (
        _readable(api, api_version, kind, namespace, unseen)
        for api_version, kind in (("apps/v1", "ReplicaSet"), ("v1", "Pod"), ("v1", "Event"))
    )
    return {
        name: [*explain(deployment, replica_sets, pods, events), *unseen] for name, deployment in late.items()
    }


def _readable(api: Api, api_version: str, kind: str, namespace: str, unseen: list[str]) -> list[Object]:
    """All objects of a kind; none where they may not be read, for a poorer explanation beats none."""
    try:
        return api.list(api_version, kind, namespace)
    except KubeError as error:
        unseen.append(f"{kind}s could not be looked at: {error.message}")
        return []
