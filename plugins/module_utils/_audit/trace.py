# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From access logs to the way that one tagged request took, pod by pod. Pure.

The way of recognition, the surest first, is told with every hop (``by``):

- ``path``: the audit's query parameter in the path, at the gateway and at the first service.
- ``request id``: between two proxies, the one that sends and the one that receives; exact. Within a pod it
  counts where the application passes ``x-request-id`` on.
- ``baggage``: the audit's own member, where the application passes baggage on.
- ``trace``: the trace id, where the application passes ``traceparent`` on.
- ``time``: a call that leaves a pod while the audit's request is open there. The audit sends one request at a
  time, and both times are of one clock. A call in the time of somebody else's request as well, or to a
  service that the application also calls when no request is open, cannot be told from others: ``doubt`` says
  so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .access_log import GATEWAY, INBOUND, OUTBOUND, Entry
from .context import BAGGAGE, TAG, is_tagged, members


@dataclass(frozen=True)
class Pod:
    """A pod. name: ``namespace/name``. services: of the cluster that select it. proxied: has a sidecar."""

    name: str
    ip: str
    labels: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    proxied: bool = False
    gateway: bool = False


@dataclass(frozen=True)
class Hop:
    """One call between services, as the proxy of the caller and that of the called saw it, and what followed.

    pod, received: None when the address is no pod's, or the pod has no proxy or no line of it.
    """

    source: Pod
    sent: Entry
    pod: Pod | None
    received: Entry | None
    by: str
    doubt: str = ""
    hops: tuple[Hop, ...] = ()

    @property
    def service(self) -> str:
        return self.sent.service or self.sent.upstream

    def walk(self) -> Iterable[Hop]:
        """This hop and all that followed, in the order of their calls."""
        yield self
        for hop in self.hops:
            yield from hop.walk()


@dataclass(frozen=True)
class Arrival:
    """One HTTP request of the audit at a gateway, and at the pod to which that sent it."""

    gateway: Pod
    passed: Entry
    pod: Pod | None
    received: Entry | None


@dataclass(frozen=True)
class Journey:
    """Everything that one experiment caused. Polling arrives with several requests, others with one."""

    tag: str
    arrivals: tuple[Arrival, ...]
    hops: tuple[Hop, ...]

    def walk(self) -> Iterable[Hop]:
        """All calls between services."""
        for hop in self.hops:
            yield from hop.walk()

    @property
    def waiting(self) -> bool:
        """Whether lines are still to come: of requests that are open, or that a proxy surely has seen."""
        pairs = [(one.passed, one.pod, one.received) for one in self.arrivals]
        pairs += [(hop.sent, hop.pod, hop.received) for hop in self.walk()]
        unseen = any(pod and pod.proxied and received is None for _sent, pod, received in pairs)
        return (
            not self.arrivals or unseen or any(e and e.open for sent, _pod, got in pairs for e in (sent, got))
        )


class Traces:
    """The entries of all pods."""

    def __init__(self, pods: Iterable[Pod], entries: Iterable[Entry]) -> None:
        self._pods = {pod.name: pod for pod in pods}
        self._by_ip = {pod.ip: pod for pod in self._pods.values() if pod.ip and not pod.gateway}
        self._entries = sorted(entries, key=lambda one: one.start)

    def journey(self, tag: str) -> Journey:
        """What the request with this tag caused."""
        arrivals = tuple(
            self._arrival(one)
            for one in self._entries
            if one.direction == GATEWAY and f"{TAG}={tag}" in one.path
        )
        hops: list[Hop] = []
        for pod in dict.fromkeys(one.pod.name for one in arrivals if one.pod):
            received = [one.received for one in arrivals if one.pod and one.pod.name == pod and one.received]
            hops += self._calls(self._pods[pod], received, tag)
        return Journey(tag, arrivals, tuple(sorted(hops, key=lambda hop: hop.sent.start)))

    def _arrival(self, passed: Entry) -> Arrival:
        pod = self._by_ip.get(passed.upstream_ip)
        return Arrival(self._pods[passed.pod], passed, pod, self._receipt(passed, pod))

    def _receipt(self, sent: Entry, pod: Pod | None) -> Entry | None:
        """The line of the called pod's proxy for a request that another proxy sent to it."""
        if pod is None or not sent.request_id:
            return None
        found = [
            one
            for one in self._entries
            if one.pod == pod.name and one.direction == INBOUND and one.request_id == sent.request_id
        ]
        return min(found, key=lambda one: abs(one.start - sent.start), default=None)

    def _calls(self, pod: Pod, received: Sequence[Entry], tag: str) -> list[Hop]:
        """The calls that a pod made because of these requests, which are of one client."""
        if not received:
            return []
        start, end = min(one.start for one in received), max(one.end for one in received)
        hops = []
        for sent in self._entries:
            if sent.pod == pod.name and sent.direction == OUTBOUND and start <= sent.start <= end:
                by = _recognised(sent, received, tag)
                if by:
                    doubt = self._doubt(sent, received) if by == "time" else ""
                    hops.append(self._hop(pod, sent, by, doubt, tag))
        return hops

    def _hop(self, source: Pod, sent: Entry, by: str, doubt: str, tag: str) -> Hop:
        pod = self._by_ip.get(sent.upstream_ip)
        hop = Hop(source, sent, pod, self._receipt(sent, pod), by, doubt)
        if pod is None or hop.received is None or pod.name == source.name:
            return hop
        return replace(hop, hops=tuple(self._calls(pod, [hop.received], tag)))

    def _doubt(self, sent: Entry, received: Sequence[Entry]) -> str:
        """Why a call that only its time tells cannot be called the audit's; empty when it can."""
        mine = {id(one) for one in received}
        here = [one for one in self._entries if one.pod == sent.pod]
        arrived = [one for one in here if one.direction == INBOUND]
        if any(id(one) not in mine and one.start <= sent.start <= one.end for one in arrived):
            return "other requests were open in the pod at the same time"
        open_times = [(one.start, one.end) for one in arrived] + _sessions(arrived)
        alone = (
            one
            for one in here
            if one.direction == OUTBOUND
            and one.service == sent.service
            and not any(start <= one.start <= end for start, end in open_times)
        )
        if any(alone):
            return f"the application also calls {sent.service} when no request of the log is open"
        return ""


def _sessions(arrived: Iterable[Entry]) -> list[tuple[float, float]]:
    """From when to when each client of the audit was there: between two polls no request of it is open."""
    times: dict[str, list[Entry]] = {}
    for one in arrived:
        _before, mark, rest = one.path.partition(f"{TAG}=")
        if mark:
            times.setdefault(rest.partition("&")[0], []).append(one)
    return [(min(one.start for one in some), max(one.end for one in some)) for some in times.values()]


def _recognised(sent: Entry, received: Sequence[Entry], tag: str) -> str:
    """How a call is known to belong to the requests; empty when it is known to belong to others."""
    if is_tagged(sent.headers, tag):
        return "baggage"
    if TAG in members(sent.headers.get(BAGGAGE) or ""):
        return ""
    traces = {one.trace for one in received} - {""}
    if sent.trace and sent.trace in traces:
        return "trace"
    if sent.request_id and sent.request_id in {one.request_id for one in received}:
        return "request id"
    return "time"
