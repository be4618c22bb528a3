# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The topology: gateway → services → versions, lane by lane, from the lane group and from what was observed.

Who calls whom is not in a lane group. Where an audit followed requests, its hops tell; else the services are
taken for a chain in the order in which the group names them, and `Topology.assumed_order` says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .document import Case, Group, Proof, short
from .matrix import sent
from .seen import BROADCAST, OK, SILENT, UNSEEN, UNTRIED, WRONG, Seen
from .text import plural

_WORST_FIRST = (WRONG, SILENT, UNTRIED, UNSEEN, OK)

GATEWAY = "gateway"
OWN = "own"
OTHERS = "others"  # the way in of everything that names no lane
STRANGERS = ""  # the "lane" of versions that answered and belong to no lane


@dataclass(frozen=True)
class Node:
    """Pods of a service in a lane. notes: what was observed, in words."""

    id: str
    lane: str
    service: str
    version: str
    state: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Door:
    """A way in: what a client sends. lane: empty for everything that names none."""

    id: str
    lane: str
    text: str
    state: str


@dataclass
class Edge:
    """From node to node (or door, or gateway). kind: own or broadcast. lanes: whose messages go this way."""

    source: str
    target: str
    kind: str
    state: str
    lanes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Topology:
    """layers: services by their distance from the gateway. nodes: of all lanes, in the lanes' order."""

    gateway: str
    lanes: tuple[str, ...]
    baseline: str | None
    layers: tuple[tuple[str, ...], ...]
    doors: tuple[Door, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    assumed_order: bool


def topology(proof: Proof) -> Topology:
    """What the picture shows."""
    services = list(
        dict.fromkeys([*proof.group.services, *(s for lane in proof.group.lanes for s in lane.services)])
    )
    calls = _calls(proof, services)
    order = calls or list(pairwise(services))
    layers = _layers(services, order)
    seen = Seen(proof)
    edges = _edges(proof.group, layers, order, seen)
    doors = _doors(proof)
    ways_in = [Edge(door.id, GATEWAY, OWN, OK, [door.lane] if door.lane else []) for door in doors]
    return Topology(
        gateway=proof.url,
        lanes=tuple(lane.name for lane in proof.group.lanes),
        baseline=proof.group.baseline,
        layers=tuple(tuple(layer) for layer in layers),
        doors=tuple(doors),
        nodes=tuple(_nodes(proof.group, services, seen)),
        edges=(*ways_in, *edges),
        assumed_order=len(services) > 1 and not calls,
    )


def owner(group: Group, lane: str, service: str) -> str | None:
    """The lane whose pods answer for a lane: its own, else the fallback; None when nobody does."""
    having = {one.name for one in group.lanes if service in one.services}
    candidates = (lane, group.service_fallback.get(service), group.baseline)
    return next((name for name in candidates if name in having), None)


def node_id(lane: str, service: str, version: str = "") -> str:
    return f"{lane}|{service}|{version}" if lane == STRANGERS else f"{lane}|{service}"


def _calls(proof: Proof, services: Sequence[str]) -> list[tuple[str, str]]:
    """(caller, called) as the audit saw them."""
    by_name = {short(service): service for service in services} | {service: service for service in services}
    hops = (hop for chain in (proof.audit.chains if proof.audit else ()) for hop in chain.hops)
    pairs = ((by_name.get(hop.source), by_name.get(hop.target)) for hop in hops)
    return list(dict.fromkeys((a, b) for a, b in pairs if a and b and a != b))


def _layers(services: Sequence[str], order: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Services by their longest distance from the gateway; a circle of calls is cut where it closes."""

    def depth(service: str, after: tuple[str, ...] = ()) -> int:
        callers = [a for a, b in order if b == service and a not in after and a != service]
        return max((depth(a, (*after, service)) + 1 for a in callers), default=0)

    depths = {service: depth(service) for service in services}
    return [[s for s in services if depths[s] == level] for level in sorted(set(depths.values()))]


def _edges(
    group: Group, layers: Sequence[Sequence[str]], order: Sequence[tuple[str, str]], seen: Seen
) -> list[Edge]:
    first = [(None, service) for service in (layers[0] if layers else ())]
    edges: dict[tuple[str, str, str, bool], Edge] = {}
    for lane in group.lanes:
        for caller, service in [*first, *order]:
            counts = seen.own.get((lane.name, service), Counter())
            _connect(edges, group, (lane.name, caller, service), OWN, counts, seen)
    for caller, service in order:
        if service in seen.spoken and group.baseline:
            counts = seen.heard.get(service, Counter())
            _connect(edges, group, (group.baseline, caller, service), BROADCAST, counts, seen)
    return list(edges.values())


def _connect(
    edges: dict[tuple[str, str, str, bool], Edge],
    group: Group,
    way: tuple[str, str | None, str],
    kind: str,
    counts: Counter[str],
    seen: Seen,
) -> None:
    """Add the edges by which a lane's messages come from the caller (None: the gateway) to the service."""
    lane, caller, service = way
    home = owner(group, lane, service)
    source_lane = owner(group, lane, caller) if caller else None
    source = node_id(source_lane, caller) if caller and source_lane else GATEWAY
    wanted = seen.spoken[service] if kind == BROADCAST else seen.version(home or lane, service)
    if caller and source_lane is None:
        return
    if home:
        _add(edges, Edge(source, node_id(home, service), kind, seen.state(counts, service, wanted), [lane]))
    for version in counts:
        if version != wanted:
            _add(edges, Edge(source, _whose(group, service, version, seen), kind, WRONG, [lane]))


def _add(edges: dict[tuple[str, str, str, bool], Edge], new: Edge) -> None:
    """Lanes that go the same way share an edge; what is wrong is drawn on its own."""
    known = edges.setdefault((new.source, new.target, new.kind, new.state == WRONG), new)
    if known is not new:
        known.lanes += [lane for lane in new.lanes if lane not in known.lanes]
        known.state = min(known.state, new.state, key=_WORST_FIRST.index)


def _whose(group: Group, service: str, version: str, seen: Seen) -> str:
    """The node of a version: the baseline's if it is that, else the first lane's, else a stranger's."""
    lanes = [lane.name for lane in group.lanes if service in lane.services]
    lanes.sort(key=lambda name: name != group.baseline)
    lane = next((name for name in lanes if seen.version(name, service) == version), STRANGERS)
    return node_id(lane, service, version)


def _nodes(group: Group, services: Sequence[str], seen: Seen) -> list[Node]:
    nodes = [
        _node(group, lane.name, service, seen)
        for lane in group.lanes
        for service in services
        if service in lane.services
    ]
    known = {node.id for node in nodes}
    for service in services:
        counts: Counter[str] = Counter(seen.heard.get(service, {}))
        for (_lane, name), own in seen.own.items():
            counts.update(own if name == service else {})
        for version, count in counts.items():
            node = _whose(group, service, version, seen)
            if node not in known:
                notes = (f"✗ {plural(count, 'answer')}",)
                nodes.append(Node(node, STRANGERS, service, version, WRONG, notes))
    return nodes


def _node(group: Group, lane: str, service: str, seen: Seen) -> Node:
    version = seen.version(lane, service)
    state, notes = _observed(group, lane, service, version, seen)
    return Node(node_id(lane, service), lane, service, version, state, tuple(notes))


def _observed(group: Group, lane: str, service: str, version: str, seen: Seen) -> tuple[str, list[str]]:
    """State of a node, and what it did in words."""
    if service not in seen.answering:
        return UNSEEN, ["names no version"]
    if not seen.tried:
        return UNTRIED, ["not tried"]
    served = [one.name for one in group.lanes if owner(group, one.name, service) == lane]
    count = sum(seen.own.get((name, service), Counter())[version] for name in served)
    missed = [name for name in served if not seen.own.get((name, service), Counter())[version]]
    notes = [f"✗ no answer for {' '.join(missed)}"] if missed else [f"✓ {plural(count, 'answer')}"]
    if lane == group.baseline and service in seen.spoken:
        notes.append(f"{plural(seen.heard[service][seen.spoken[service]], 'broadcast')} heard")
    strays = _strays(group, service, node_id(lane, service), seen)
    if strays:
        notes.append(f"✗ also for {', '.join(strays)}")
    return (WRONG if strays else SILENT if missed else OK), notes


def _strays(group: Group, service: str, node: str, seen: Seen) -> list[str]:
    """Lanes whose messages, and "broadcast" when broadcasts, ended at a node that is not theirs."""
    found = []
    for lane in group.lanes:
        wanted = seen.version(owner(group, lane.name, service) or lane.name, service)
        versions = seen.own.get((lane.name, service), Counter())
        if any(v != wanted and _whose(group, service, v, seen) == node for v in versions):
            found.append(lane.name)
    heard = seen.heard.get(service, Counter())
    if any(v != seen.spoken.get(service) and _whose(group, service, v, seen) == node for v in heard):
        found.append(BROADCAST)
    return found


def _doors(proof: Proof) -> list[Door]:
    doors = []
    for lane in proof.group.lanes:
        cases = [case for case in proof.cases if case.kind == "lane" and case.lane == lane.name]
        text = sent(cases[0].entry) if cases else f"{proof.group.route_header}: {lane.name}"
        doors.append(Door(f"in|{lane.name}", lane.name, text, _verdict(cases)))
    others = [case for case in proof.cases if case.kind != "lane"]
    if others:
        doors.append(Door(OTHERS, "", f"anything else ({len(others)})", _verdict(others)))
    return doors


def _verdict(cases: Iterable[Case]) -> str:
    verdicts = [case.passed for case in cases]
    if False in verdicts:
        return WRONG
    return OK if verdicts and None not in verdicts else UNTRIED


def routes(picture: Topology) -> list[str]:
    """The picture in words: a line for each lane, for those who cannot see it."""
    by_id = {node.id: node for node in picture.nodes}
    lines = []
    for lane in picture.lanes:
        door = next(door for door in picture.doors if door.lane == lane)
        steps = []
        for edge in picture.edges:
            node = by_id.get(edge.target)
            if node and lane in edge.lanes and edge.kind == OWN:
                mark = {OK: " ✓", WRONG: " ✗", SILENT: " ✗ no answer"}.get(edge.state, "")
                steps.append(f"{short(node.service)} {node.version} ({node.lane or 'no lane'}){mark}")
        lines.append(f"lane {lane}: {door.text} → gateway → {' → '.join(steps)}")
    return lines
