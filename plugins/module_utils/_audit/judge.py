# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From the way of a request to a chain of hops, each with a verdict, and the first that broke. Pure.

Every hop is looked at twice: as the proxy of the caller sent it (``outbound``) and as the proxy of the called
passed it on to its application (``inbound``). What is missing outbound, and was there inbound before, was
lost in between: by the application, or by its proxy where that still set the route header. What the log does
not show is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .access_log import Entry
from .context import Carrier, Unlogged
from .trace import Arrival, Hop, Journey, Pod

OK, LOST, CHANGED, UNKNOWN = "ok", "lost", "changed", "unknown"
IN, OUT = "inbound", "outbound"
CLIENT, GATEWAY = "client", "gateway"
APPLICATION, PROXY, ROUTE = "application", "proxy", "gateway"


@dataclass(frozen=True)
class Wanted:
    """What a request has to carry.

    lane: value of the route header. asked: what the client sent for it, in words. at_gateway: whether the
    gateway has to send it on with this lane (not where weights choose). services: ``namespace/name`` of those
    whose proxies translate the header and baggage. trace: value of a trace header other than baggage, None
    when it does not matter.
    """

    lane: str
    carrier: Carrier
    services: frozenset[str]
    version_label: str = "version"
    asked: str = ""
    at_gateway: bool = True
    trace: str | None = None

    def following(self, journey: Journey) -> Wanted:
        """The same, with the trace header's value as the first service received it."""
        received = next((one.received for one in journey.arrivals if one.received), None)
        found = self.carrier.carried(received.headers) if received else None
        return replace(self, trace=found if isinstance(found, str) else None)


@dataclass
class Chain:
    """Hops as dictionaries, with what is known of the first break and of what cannot be known."""

    case: str
    message_kind: str
    hops: list[dict[str, Any]] = field(default_factory=list)
    broken: dict[str, Any] | None = None
    unknown: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool | None:
        """None when nothing broke but something is unknown."""
        return False if self.broken else None if self.unknown else True

    def as_dict(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "message_kind": self.message_kind,
            "passed": self.passed,
            "hops": self.hops,
            "broken": self.broken,
            "unknown": self.unknown,
        }


@dataclass(frozen=True)
class _Fault:
    """What is wrong at one side of a hop."""

    direction: str
    what: str
    how: str
    culprit: str
    words: str


def to_service(chain: Chain, arrivals: Sequence[Arrival], wanted: Wanted) -> Chain:
    """Add the hops client -> gateway -> first service, of every HTTP request of the client."""
    for one in _told_apart(arrivals, wanted):
        fault = _at_gateway(one.passed, wanted) if wanted.at_gateway else None
        _add(chain, wanted, CLIENT, GATEWAY, one.gateway, one.passed, fault, by="path")
        service = one.passed.service
        if not service:
            chain.unknown.append(
                f"the gateway answered itself, with {one.passed.code} {one.passed.flags}".rstrip()
            )
            continue
        fault = None if fault else _received(one.received, service, wanted)
        _add(
            chain,
            wanted,
            GATEWAY,
            service,
            one.pod,
            one.received or one.passed,
            fault,
            one.passed.subset,
            "path",
        )
        _note_unseen(chain, one.pod, one.received, service)
    return chain


def between_services(
    chain: Chain,
    hops: Sequence[Hop],
    wanted: Wanted,
    arrivals: Sequence[Arrival] = (),
    into: Entry | None = None,
) -> Chain:
    """Add calls from service to service, and those that followed from them, depth first.

    What came into the pod that calls is told by ``into``, for the first calls by the arrivals there.
    """
    came = {one.pod.name: one.received for one in arrivals if one.pod}
    for hop in hops:
        _call(chain, hop, wanted, into or came.get(hop.source.name))
        between_services(chain, hop.hops, wanted, into=hop.received)
    return chain


def without_lane(chain: Chain, hops: Sequence[Hop], wanted: Wanted) -> Chain:
    """Add the calls of a broadcast, which belongs to no client and must not carry a lane."""
    for hop in hops:
        for one in hop.walk():
            source, carried = service_of(one.source), wanted.carrier.carried(one.sent.headers)
            leak = None
            if wanted.carrier.by_baggage and isinstance(carried, str) and not one.doubt:
                words = (
                    f"{source} calls {one.service} for a broadcast with the lane {carried} of one client:"
                    " what goes to all belongs to none"
                )
                leak = _Fault(OUT, wanted.carrier.what, CHANGED, APPLICATION, words)
            _add(
                chain,
                wanted,
                source,
                one.service,
                one.pod,
                one.sent,
                leak,
                one.sent.subset,
                one.by,
                one.source,
                bool(one.doubt),
            )
            if isinstance(carried, Unlogged):
                chain.unknown.append(_unlogged(wanted.carrier.trace_header, source))
    return chain


def expect_calls(chain: Chain, services: Sequence[str], journey: Journey) -> Chain:
    """Say of which services, that an answer named, no call was seen."""
    seen = {one.passed.service for one in journey.arrivals} | {hop.service for hop in journey.walk()}
    chain.unknown += [
        f"{service} answered, but no proxy that sends to it has a line of the call"
        for service in services
        if service not in seen
    ]
    return chain


def service_of(pod: Pod) -> str:
    """The Service of a pod, or the pod itself."""
    return pod.services[0] if pod.services else pod.name


def _told_apart(arrivals: Sequence[Arrival], wanted: Wanted) -> Iterator[Arrival]:
    """Requests of one client that were treated alike are told once."""
    told = set()
    for one in arrivals:
        seen = [
            (entry and wanted.carrier.lane(entry.headers), entry and wanted.carrier.carried(entry.headers))
            for entry in (one.passed, one.received)
        ]
        key = (one.pod and one.pod.name, one.passed.code >= 400, tuple(seen))
        if key not in told:
            told.add(key)
            yield one


def _at_gateway(passed: Entry, wanted: Wanted) -> _Fault | None:
    lane = wanted.carrier.lane(passed.headers)
    if isinstance(lane, Unlogged) or lane == wanted.lane:
        return None
    header, found = wanted.carrier.route_header, f"{wanted.carrier.route_header}: {lane}" if lane else "none"
    words = (
        f"the client sent {wanted.asked or f'{header}: {wanted.lane}'}, the gateway passes on {found}:"
        f" its route {passed.route or '(unnamed)'}, or something in front of it, changes the header"
    )
    return _Fault(IN, "header", CHANGED if lane else LOST, ROUTE, words)


def _received(entry: Entry | None, service: str, wanted: Wanted, came: bool = True) -> _Fault | None:
    """What a proxy passed on to its application, of a request that was well until there."""
    if entry is None:
        return None
    carrier = wanted.carrier
    lane, carried = carrier.lane(entry.headers), carrier.carried(entry.headers)
    if isinstance(lane, Unlogged):
        return None
    if came and lane != wanted.lane:
        words = f"{carrier.route_header}: {wanted.lane} was sent to {service}, its proxy has {lane or 'none'}"
        return _Fault(IN, "header", CHANGED if lane else LOST, PROXY, words)
    if not carrier.by_baggage or isinstance(carried, Unlogged) or carried == wanted.lane:
        return None
    if service not in wanted.services:
        return None  # nobody is to translate there; what the application makes of it shows on the next hop
    words = (
        f"the proxy of {service} gives its application {f'the lane {carried}' if carried else 'no lane'}"
        f" in baggage for a request with {carrier.route_header}: {wanted.lane}"
    )
    return _Fault(IN, carrier.what, CHANGED if carried else LOST, PROXY, words)


def _call(chain: Chain, hop: Hop, wanted: Wanted, into: Entry | None) -> None:
    source = service_of(hop.source)
    fault = None if chain.broken else _sent(hop, source, wanted, into)
    side = hop.sent
    if fault is None and not chain.broken and hop.received is not None:
        came = isinstance(wanted.carrier.lane(hop.sent.headers), str)
        fault = _received(hop.received, hop.service, wanted, came)
        side = hop.received if fault else side
    if fault and hop.doubt:
        chain.unknown.append(
            f"{source} -> {hop.service}: {hop.doubt}, so that this call may not be the audit's"
        )
        fault = None
    doubtful = bool(hop.doubt) and not chain.broken
    _add(
        chain,
        wanted,
        source,
        hop.service,
        hop.pod,
        side,
        fault,
        hop.sent.subset,
        hop.by,
        hop.source,
        doubtful,
    )
    if not hop.doubt:
        _note_unseen(chain, hop.pod, hop.received, hop.service)


def _sent(hop: Hop, source: str, wanted: Wanted, into: Entry | None) -> _Fault | None:
    """What left the pod of the caller, which had got this."""
    carrier = wanted.carrier
    lane, carried = carrier.lane(hop.sent.headers), carrier.carried(hop.sent.headers)
    if carrier.by_baggage and not isinstance(carried, Unlogged) and carried != wanted.lane:
        how = CHANGED if carried else LOST
        if lane == wanted.lane:  # its proxy took the lane from the baggage that the application sent
            words = f"the proxy of {source} takes the lane off baggage on the way to {hop.service}"
            return _Fault(OUT, carrier.what, how, PROXY, words)
        if into is None or wanted.carrier.carried(into.headers) != wanted.lane:
            return _never_had(source, into, wanted)
        found = f"the lane {carried}" if carried else "no lane"
        words = (
            f"the application of {source} received the lane {wanted.lane} in baggage and calls {hop.service}"
            f" with {found} in it"
        )
        return _Fault(OUT, carrier.what, how, APPLICATION, words)
    if (
        wanted.trace
        and not carrier.by_baggage
        and isinstance(carried, str | None)
        and carried != wanted.trace
    ):
        words = (
            f"the application of {source} does not pass {carrier.trace_header} on to {hop.service} as it came"
        )
        return _Fault(OUT, "header", CHANGED if carried else LOST, APPLICATION, words)
    if isinstance(lane, Unlogged) or lane == wanted.lane or source not in wanted.services:
        return None
    how = CHANGED if lane else LOST
    if carrier.trace_header == carrier.route_header:
        words = f"the application of {source} does not pass {carrier.route_header} on to {hop.service}"
        return _Fault(OUT, "header", how, APPLICATION, words)
    words = (
        f"the proxy of {source} does not turn the {carrier.what} into {carrier.route_header}: {wanted.lane}"
        f" on the way to {hop.service}"
    )
    return _Fault(OUT, "header", how, PROXY, words)


def _never_had(source: str, into: Entry | None, wanted: Wanted) -> _Fault | None:
    """An application that never got the lane cannot have lost it; None where it is not known what it got."""
    if (
        into is None
        or isinstance(wanted.carrier.carried(into.headers), Unlogged)
        or source in wanted.services
    ):
        return None
    words = f"{source} is no service of the lane group, so that its proxy puts no lane into baggage"
    return _Fault(OUT, wanted.carrier.what, LOST, PROXY, words)


def _add(
    chain: Chain,
    wanted: Wanted,
    source: str,
    target: str,
    pod: Pod | None,
    entry: Entry,
    fault: _Fault | None,
    lane: str = "",
    by: str = "",
    source_pod: Pod | None = None,
    doubtful: bool = False,
) -> None:
    carrier = wanted.carrier
    status = fault.how if fault else _status(chain, wanted, entry)
    if doubtful:
        status = UNKNOWN
    header = carrier.lane(entry.headers)
    chain.hops.append(
        {
            "from": source,
            "to": target,
            "pod": pod.name if pod else entry.upstream_ip,
            "service": target if "/" in target else None,
            "version": pod.labels.get(wanted.version_label) if pod else None,
            "lane": lane or None,
            "header": header if isinstance(header, str) else None,
            "baggage": carrier.shown(entry.headers),
            "status": status,
            "by": by,
        }
    )
    if fault and chain.broken is None:
        culprit = source_pod if fault.direction == OUT else pod
        chain.broken = {
            "hop": len(chain.hops) - 1,
            "from": source,
            "to": target,
            "direction": fault.direction,
            "what": fault.what,
            "how": fault.how,
            "words": fault.words,
            "culprit": fault.culprit,
            "pod": culprit.name if culprit else None,
            "route": entry.route or None,
        }


def _status(chain: Chain, wanted: Wanted, entry: Entry) -> str:
    """Of a hop where nothing broke anew: downstream of a break it shows what is left of the lane."""
    carrier = wanted.carrier
    seen = [carrier.lane(entry.headers)]
    seen += [carrier.carried(entry.headers)] if carrier.by_baggage else []
    if any(isinstance(one, Unlogged) for one in seen):
        return UNKNOWN
    if chain.broken is None or wanted.lane in seen:
        return OK
    return LOST if not any(seen) else CHANGED


def _note_unseen(chain: Chain, pod: Pod | None, received: Entry | None, service: str) -> None:
    if pod and pod.proxied and received is None:
        chain.unknown.append(
            f"{pod.name} of {service}: its proxy has no line of the request in its access log"
        )


def _unlogged(header: str, where: str) -> str:
    return f"the access log of {where} does not show the header {header}"


def note_unlogged(chain: Chain, wanted: Wanted, journey: Journey) -> Chain:
    """Say which headers the logs of which pods do not show."""
    entries = [(one.gateway.name, one.passed) for one in journey.arrivals]
    entries += [(one.pod.name, one.received) for one in journey.arrivals if one.pod and one.received]
    entries += [(hop.source.name, hop.sent) for hop in journey.walk()]
    needed = [wanted.carrier.route_header, wanted.carrier.trace_header]
    notes = [
        _unlogged(header, pod) for pod, entry in entries for header in needed if header not in entry.headers
    ]
    chain.unknown += [note for note in dict.fromkeys(notes) if note not in chain.unknown]
    return chain
