# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the journeys show beside the lane's context: who answered, what failed, where polling went. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .experiment import WEBSOCKET, Outcome
from .judge import Wanted, service_of
from .options import POLLING
from .sharing import Named, share_out
from .trace import Hop, Journey, Pod


@dataclass(frozen=True)
class Answer:
    """A service's part in an answer to a client.

    version: what the answer names; pod: the pod that was asked, according to the proxy of the caller. route:
    the caller's; subset: that of the caller's route.
    """

    lane: str
    service: str
    version: str
    pod: Pod
    source: str
    subset: str
    route: str


@dataclass(frozen=True)
class Failed:
    """A call or a request that a proxy answered itself.

    pod: whose proxy; address: to which it wanted to send.
    """

    lane: str
    pod: str
    service: str
    subset: str
    code: int
    flags: str
    route: str
    address: str = ""
    gone: bool = False


@dataclass(frozen=True)
class Spread:
    """The pods that got the requests of one polling client, with how many were refused."""

    lane: str
    service: str
    pods: tuple[str, ...]
    refused: int


@dataclass
class Observations:
    """All of it."""

    answers: list[Answer] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    spread: list[Spread] = field(default_factory=list)


def observe(
    pairs: Iterable[tuple[Outcome, Journey]],
    wanted: Mapping[str, Wanted],
    named: Named,
    addresses: Iterable[str],
) -> Observations:
    """wanted: by lane. addresses: those of all pods."""
    seen = Observations()
    known = set(addresses)
    for outcome, journey in pairs:
        lane = outcome.experiment.lane
        seen.answers += _answers(outcome, journey, wanted[lane], named)
        seen.failed += _failed(lane, journey, known)
        if outcome.experiment.kind == POLLING:
            seen.spread += _spread(lane, journey)
    return seen


def own_calls(
    outcome: Outcome, journey: Journey, wanted: Wanted, named: Named
) -> tuple[Sequence[Hop], Sequence[Hop]]:
    """The calls for the answer to the client, and those for the broadcast that its message caused."""
    broadcast = outcome.broadcast if outcome.experiment.kind in (WEBSOCKET, POLLING) else None

    def carries(hop: Hop) -> bool:
        return wanted.carrier.carried(hop.sent.headers) == wanted.lane

    return share_out(journey.hops, outcome.answer, broadcast, named, wanted.version_label, carries)


def _answers(outcome: Outcome, journey: Journey, wanted: Wanted, named: Named) -> Iterator[Answer]:
    if outcome.answer is None:
        return
    own, _others = own_calls(outcome, journey, wanted, named)
    calls = {hop.service: hop for top in own for hop in top.walk() if not hop.doubt}
    arrived = {one.passed.service: one for one in journey.arrivals}
    for service, version in named(outcome.answer):
        if service in calls and (pod := calls[service].pod):
            hop = calls[service]
            source, sent = service_of(hop.source), hop.sent
        elif service in arrived and (pod := arrived[service].pod):
            source, sent = "gateway", arrived[service].passed
        else:
            continue
        yield Answer(wanted.lane, service, version, pod, source, sent.subset, sent.route)


def _failed(lane: str, journey: Journey, known: set[str]) -> Iterator[Failed]:
    """Envoy tells with a flag that an answer is its own."""
    sent = [one.passed for one in journey.arrivals] + [hop.sent for hop in journey.walk() if not hop.doubt]
    for entry in sent:
        own = entry.code >= 400 and (entry.flags or not entry.upstream)
        gone = bool(entry.upstream_ip) and entry.upstream_ip not in known
        if own or (gone and entry.code >= 500):
            yield Failed(
                lane,
                entry.pod,
                entry.service,
                entry.subset,
                entry.code,
                entry.flags,
                entry.route,
                entry.upstream_ip,
                gone,
            )


def _spread(lane: str, journey: Journey) -> Iterator[Spread]:
    services = dict.fromkeys(one.passed.service for one in journey.arrivals if one.pod)
    for service in services:
        mine = [one for one in journey.arrivals if one.pod and one.passed.service == service]
        pods = tuple(dict.fromkeys(one.pod.name for one in mine if one.pod))
        yield Spread(lane, service, pods, sum(one.passed.code == 400 for one in mine))
