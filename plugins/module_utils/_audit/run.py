# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One audit: the experiments, the logs, the verdict; what is seen twice counts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, log
from typing import Any

from .._kube.client import Api
from .._lanes.model import LaneGroup
from . import experiment, judge
from .context import Carrier
from .experiment import WEBSOCKET, Experiment, Outcome, Settings
from .judge import Chain, Wanted
from .observe import Observations, observe, own_calls
from .options import BROADCAST, CALL, HANDSHAKE, HTTP, POLLING
from .reads import Cluster, Place, read_logs, read_pods
from .sharing import Named
from .trace import Journey, Traces
from .ways import Way

_EXPERIMENTS = {HANDSHAKE: HANDSHAKE, CALL: WEBSOCKET, BROADCAST: WEBSOCKET, POLLING: POLLING, HTTP: HTTP}
#: Pause between two looks at the logs: proxies write them every 0.1 s (the lab) or second (Istio).
LOOK = 0.1
#: With this chance at most, one of several replicas is never asked.
MISSED = 1e-6
MOST_SAMPLES = 60


@dataclass(frozen=True)
class Plan:
    """What is audited.

    lanes: names of the lanes, each a case. kinds: some of KINDS. answered_by: services whose versions answers
    name. ways: how clients come in, by lane, for socket.io and for plain calls; a lane without one is left
    out. log_wait: seconds that the logs may take to show everything. left_out: what and why.
    """

    group: LaneGroup
    lanes: tuple[str, ...]
    kinds: tuple[str, ...]
    answered_by: tuple[str, ...]
    named: Named
    ways: Mapping[str, Mapping[str, Way]]
    version_label: str = "version"
    log_wait: float = 5.0
    left_out: tuple[tuple[str, str], ...] = ()

    def way(self, lane: str, kind: str) -> Way | None:
        """How a client of an experiment of that kind comes into a lane."""
        return self.ways[HTTP if kind == HTTP else WEBSOCKET].get(lane)

    @property
    def carrier(self) -> Carrier:
        return Carrier.of(self.group.route_header or "", self.group.trace_header or "")

    def wanted(self, lane: str, way: Way | None = None) -> Wanted:
        """What a request of a lane has to carry."""
        return Wanted(
            lane,
            self.carrier,
            frozenset(str(service) for service in self.group.services or ()),
            self.version_label,
            asked=way.words if way else "",
            at_gateway=way is not None and way.chooses,
        )


@dataclass
class Result:
    """chains, and what else was seen; cluster: as it was read. not_tested: what and why."""

    chains: list[Chain]
    seen: Observations
    cluster: Cluster
    not_tested: list[dict[str, str]] = field(default_factory=list)

    @property
    def passed(self) -> bool | None:
        verdicts = {chain.passed for chain in self.chains}
        return False if False in verdicts else None if None in verdicts or not verdicts else True

    def as_dict(self) -> dict[str, Any]:
        return {"passed": self.passed, "chains": [chain.as_dict() for chain in self.chains]}


def audit(api: Api, place: Place, plan: Plan, settings: Settings) -> Result:
    """Raises KubeError when the pods cannot be read; unreadable logs make hops unknown."""
    return _Audit(api, place, plan, settings).run()


class _Audit:
    def __init__(self, api: Api, place: Place, plan: Plan, settings: Settings) -> None:
        self._api, self._place, self._plan, self._settings = api, place, plan, settings
        self._started = time.monotonic()
        self._cluster = read_pods(api, place)

    def run(self) -> Result:
        plan = self._plan
        wanted = [
            Experiment(f"lane {lane}", lane, kind, way)
            for lane in plan.lanes
            for kind in dict.fromkeys(_EXPERIMENTS[kind] for kind in plan.kinds)
            if (way := plan.way(lane, kind))
        ]
        pairs = self._make(wanted)
        chains = self._judge(pairs)
        again = {(one.case, _EXPERIMENTS[one.message_kind]) for one in chains if one.broken}
        if again:
            repeats = [
                replace(one, tag=experiment.new_tag()) for one in wanted if (one.case, one.kind) in again
            ]
            repeated = self._make(repeats)
            chains = confirmed(chains, self._judge(repeated))
            pairs = [*pairs, *repeated]
        pairs += self._replicas(pairs)
        seen = observe(
            pairs,
            {lane: plan.wanted(lane) for lane in plan.lanes},
            plan.named,
            [pod.ip for pod in self._cluster.pods],
        )
        return Result(chains, seen, self._cluster, self._not_tested(chains))

    def _make(self, experiments: Sequence[Experiment]) -> list[tuple[Outcome, Journey]]:
        """Make the experiments, and read the logs until they show all of it or the time is over."""
        outcomes = experiment.run(experiments, self._settings)
        deadline = time.monotonic() + self._plan.log_wait
        while True:
            pairs = self._journeys(outcomes)
            if all(self._complete(*pair) for pair in pairs) or time.monotonic() > deadline:
                return pairs
            time.sleep(LOOK)

    def _journeys(self, outcomes: Sequence[Outcome]) -> list[tuple[Outcome, Journey]]:
        seconds = time.monotonic() - self._started + 1
        read_logs(self._api, self._place, self._cluster, seconds, self._plan.carrier.headers)
        traces = Traces(self._cluster.pods, self._cluster.entries)
        return [(one, traces.journey(one.experiment.tag)) for one in outcomes]

    def _complete(self, outcome: Outcome, journey: Journey) -> bool:
        return not journey.waiting and not self._without_call(outcome, journey)

    def _without_call(self, outcome: Outcome, journey: Journey) -> list[str]:
        """Services that the texts name more often than calls to them were seen."""
        reached = [one.passed.service for one in journey.arrivals[:1]]
        reached += [hop.service for hop in journey.walk()]
        named = [
            service
            for text in (outcome.answer, outcome.broadcast)
            for service in dict.fromkeys(name for name, _version in self._plan.named(text or ""))
            if service in self._plan.answered_by
        ]
        return [service for service in dict.fromkeys(named) if reached.count(service) < named.count(service)]

    def _judge(self, pairs: Sequence[tuple[Outcome, Journey]]) -> list[Chain]:
        chains = []
        for outcome, journey in pairs:
            made = outcome.experiment
            wanted = self._plan.wanted(made.lane, made.way)
            if not wanted.at_gateway and journey.arrivals:  # the gateway's own choice is what must be kept
                lane = wanted.carrier.lane(journey.arrivals[0].passed.headers)
                wanted = replace(wanted, lane=lane) if isinstance(lane, str) else wanted
            wanted = wanted.following(journey)
            own, others = own_calls(outcome, journey, wanted, self._plan.named)
            kind = CALL if made.kind == WEBSOCKET else made.kind
            if kind in self._plan.kinds:
                chain = judge.to_service(Chain(made.case, kind), journey.arrivals, wanted)
                judge.between_services(chain, own, wanted, journey.arrivals)
                chains.append(self._finish(chain, outcome, journey, wanted))
            if BROADCAST in self._plan.kinds and made.kind == WEBSOCKET and others:
                chain = judge.without_lane(Chain(made.case, BROADCAST), others, wanted)
                chains.append(chain)
        return chains

    def _finish(self, chain: Chain, outcome: Outcome, journey: Journey, wanted: Wanted) -> Chain:
        if not journey.arrivals:
            chain.unknown.append(self._no_arrival(outcome))
            return chain
        judge.note_unlogged(chain, wanted, journey)
        if outcome.failure:
            chain.unknown.append(f"the client got no answer: {outcome.failure}")
        missing = self._without_call(outcome, journey)
        return judge.expect_calls(chain, missing, journey)

    def _no_arrival(self, outcome: Outcome) -> str:
        gateways = [pod.name for pod in self._cluster.pods if pod.gateway]
        if not gateways:
            labels = ", ".join(f"{key}={value}" for key, value in self._place.gateway.items())
            return f"no gateway pod with {labels} in {self._place.gateway_namespace}: set gateway_selector"
        why = "; ".join(self._cluster.problems.get(name, "") for name in gateways).strip("; ")
        failure = f", and the client got no answer ({outcome.failure})" if outcome.failure else ""
        return f"no line of the request in the access log of {', '.join(gateways)}{failure}" + (
            f": {why}" if why else ""
        )

    def _replicas(self, pairs: Sequence[tuple[Outcome, Journey]]) -> list[tuple[Outcome, Journey]]:
        """More of the same where a lane has several pods of a service, until each of them has been asked."""
        made_of = {one.experiment.kind for one, _journey in pairs}
        kind = WEBSOCKET if WEBSOCKET in made_of else HTTP
        more: list[tuple[Outcome, Journey]] = []
        done: set[tuple[str, ...]] = set()
        for lane in self._plan.lanes if kind in made_of else ():
            way = self._plan.way(lane, kind)
            if way is None:
                continue
            pods = self._pods_of(lane)
            most = max(map(len, pods.values()), default=0)
            every = tuple(sorted(name for names in pods.values() for name in names))
            if most < 2 or every in done:
                continue
            done.add(every)
            left = min(MOST_SAMPLES, ceil(log(MISSED) / log(1 - 1 / most)))
            asked: set[str] = set()
            while left > 0 and not asked >= set(every):
                count = min(left, 4 * most)
                left -= count
                made = self._make([Experiment(f"lane {lane}", lane, kind, way) for _number in range(count)])
                more += made
                asked |= {hop.pod.name for _one, journey in made for hop in journey.walk() if hop.pod}
        return more

    def _pods_of(self, lane: str) -> dict[str, list[str]]:
        """Pods by service of those services that a lane contains and that answers name."""
        found = self._plan.group.lane(lane)
        if found is None:
            return {}
        return {
            str(service): [
                pod.name
                for pod in self._cluster.pods
                if str(service) in pod.services and found.labels.items() <= pod.labels.items()
            ]
            for service in found.services
            if str(service) in self._plan.answered_by
        }

    def _not_tested(self, chains: Sequence[Chain]) -> list[dict[str, str]]:
        found = [
            {"what": f"propagation, {chain.case}, {chain.message_kind}", "why": why}
            for chain in chains
            for why in dict.fromkeys(chain.unknown)
        ]
        # Without the gateway's log no chain begins, and that says why.
        gateways = {pod.name for pod in self._cluster.pods if pod.gateway}
        found += [
            {"what": f"the access log of {name}", "why": f"{name}: {self._cluster.problems[name]}"}
            for name in sorted(self._cluster.unread - gateways)
        ]
        found += [{"what": what, "why": why} for what, why in self._plan.left_out]
        if not self._plan.carrier.by_baggage:
            found.append(
                {"what": "propagation of broadcasts", "why": "only baggage says whose lane a call carries"}
            )
        return found


def confirmed(first: Sequence[Chain], second: Sequence[Chain]) -> list[Chain]:
    """The chains, of which what broke once and not again is unknown: something else happened at that time."""
    repeated = {(one.case, one.message_kind): one for one in second}
    for chain in first:
        again = repeated.get((chain.case, chain.message_kind))
        if chain.broken and (again is None or _place(again) != _place(chain)):
            chain.unknown.append(f"seen once and not again: {chain.broken['words']}")
            chain.broken = None
    return list(first)


def _place(chain: Chain) -> tuple[Any, ...]:
    broken = chain.broken or {}
    return tuple(broken.get(key) for key in ("from", "to", "direction", "what", "how"))
