# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the cause lies: objects named, from what was observed, audited and read. Pure.

Evidence of one cause is gathered in one finding. What the drift check knows of the mesh's objects is taken
from there. Its warnings about bodies that ASM does not document count only where requests really went wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._drift import kinds
from .._drift.facts import Object, gateways_of, name_of, spec_of
from .._drift.kinds import Finding as DriftFinding
from .._lanes.model import LaneGroup
from . import judge
from .judge import Chain
from .observe import Answer, Failed, Observations, Spread

LOST_IN_APP, LOST_IN_PROXY = "context_lost_in_application", "context_lost_in_proxy"
LEAK, REWRITTEN = "broadcast_in_lane", "header_rewritten_at_gateway"
WRONG_PODS, WRONG_REPLICA = "label_on_wrong_pods", "replica_differs"
STALE, NOT_STICKY, MISROUTED = "stale_endpoint", "polling_not_sticky", "misrouted"

_REMEDIES = {
    LOST_IN_APP: (
        "Pass the header on in every outgoing call; for the events of a socket.io connection, that of its"
        " handshake"
    ),
    LOST_IN_PROXY: (
        "Look for an EnvoyFilter or a patch that touches the header, and whether the service's"
        " ASMHeaderPropagation selects the pod"
    ),
    LEAK: "Make the calls of a broadcast without any client's context",
    REWRITTEN: "Take the change of the route header out of the route at the gateway",
    WRONG_PODS: "Give the pods the label of the version that they run, or run what the label says",
    WRONG_REPLICA: "Replace this pod: others with the same label run another version",
    STALE: (
        "Restart the proxy that sends there, and see whether the control plane reaches it"
        " (istioctl proxy-status)"
    ),
    NOT_STICKY: (
        "Give the service a DestinationRule with consistentHash (a cookie), or let clients use websocket"
        " only; sessionAffinity of the Service means nothing to the proxies"
    ),
    MISROUTED: "Compare route and subset with what the lanes mean, by asm.lanes.lane_group_drift",
}


@dataclass(frozen=True)
class Evidence:
    """Everything that is looked at.

    failed: what the probe found wrong, in words; empty when it passed or was not made. chains, seen: of the
    audit. drift: of the drift check. virtual_services: as they are, () when the mesh cannot be read.
    """

    group: LaneGroup
    chains: Sequence[Chain] = ()
    seen: Observations = field(default_factory=Observations)
    failed: Sequence[str] = ()
    drift: Sequence[DriftFinding] = ()
    virtual_services: Sequence[Object] = ()

    @property
    def trouble(self) -> bool:
        """Whether any request went another way than it should."""
        return bool(self.failed or self.seen.failed or any(one.broken for one in self.chains))


@dataclass
class Finding:
    """A located cause. object: what to mend, by name."""

    kind: str
    object: str
    words: str
    remedy: str
    evidence: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {**vars(self), "evidence": list(dict.fromkeys(self.evidence))}


def locate(given: Evidence) -> list[Finding]:
    """The causes, each once; none when all is well."""
    found = [
        *_contexts(given),
        *_answers(given.seen.answers, given.group),
        *_stale(given.seen.failed),
        *_spread(given.seen.spread),
    ]
    misrouted = list(_misrouted(given))
    found += _drift(given.drift, bool(found or misrouted or given.trouble))
    merged = _merged(found or misrouted)
    if len(merged) == 1:
        merged[0].evidence += given.failed
    return merged


# --- the audit's chains ------------------------------------------------------------------------


def _contexts(given: Evidence) -> Iterator[Finding]:
    for chain in given.chains:
        if chain.broken:
            evidence = f"{chain.case}, {chain.message_kind}: {chain.broken['words']}"
            kind, subject, words = _cause(chain, chain.broken, given.virtual_services)
            yield Finding(kind, subject, words, _REMEDIES[kind], [evidence])


def _cause(
    chain: Chain, broken: Mapping[str, Any], virtual_services: Sequence[Object]
) -> tuple[str, str, str]:
    """Kind, object and words."""
    if broken["culprit"] == judge.ROUTE:
        editor = _editor(virtual_services, broken["route"] or "")
        subject = (
            f"VirtualService {editor}" if editor else f"gateway {broken['pod']}, route {broken['route']}"
        )
        return REWRITTEN, subject, "changes the route header of requests that come in"
    outbound = broken["direction"] == judge.OUT
    side = broken["from"] if outbound else broken["to"]
    if chain.message_kind == "broadcast":
        return (
            LEAK,
            f"service {side}, its application",
            "makes the calls of its broadcasts in a client's lane",
        )
    way = f"on the way to {broken['to']}" if outbound else "on the way in"
    if broken["culprit"] == judge.APPLICATION:
        return (
            LOST_IN_APP,
            f"service {side}, its application",
            f"does not pass the {broken['what']} on, {way}",
        )
    return LOST_IN_PROXY, f"service {side}, its proxy", f"loses or changes the {broken['what']}, {way}"


def _editor(virtual_services: Sequence[Object], route: str) -> str | None:
    """The VirtualService at a gateway that changes request headers; of several that of the route."""
    at_gateways = [one for one in virtual_services if set(gateways_of(one)) != {"mesh"}]
    editors = {name_of(one): one for one in at_gateways if _edits(one)}
    named = [
        name
        for name, one in editors.items()
        if route.startswith(name) or route in [part.get("name") for part in spec_of(one).get("http") or ()]
    ]
    found = named or list(editors)
    return found[0] if len(found) == 1 else None


def _edits(virtual_service: Object) -> bool:
    routes = spec_of(virtual_service).get("http") or ()
    parts = [part for route in routes for part in (route, *(route.get("route") or ()))]
    return any((part.get("headers") or {}).get("request") for part in parts)


# --- who answered ------------------------------------------------------------------------------


def _answers(answers: Sequence[Answer], group: LaneGroup) -> Iterator[Finding]:
    """Pods that run another version than their label says, as the answers show."""
    wrong: dict[str, list[Answer]] = {}
    right: dict[tuple[str, str], set[str]] = {}
    for one in answers:
        label = _label(one, group)
        if label and one.version == label[1]:
            right.setdefault((one.service, label[1]), set()).add(one.pod.name)
        elif label:
            wrong.setdefault(one.pod.name, []).append(one)
    for pod, told in sorted(wrong.items()):
        first = told[0]
        key, value = _label(first, group) or ("", "")
        others = sorted(right.get((first.service, value), set()) - {pod})
        kind = WRONG_REPLICA if others else WRONG_PODS
        words = f"carries the label {key}={value} and answers as version {first.version}"
        evidence = [
            f"lane {one.lane}: {one.service} answered as {one.version} from pod {pod}" for one in told
        ]
        evidence += [f"pod {name} with the same label answers as {value}" for name in others]
        yield Finding(kind, f"Pod {pod}", words, _REMEDIES[kind], evidence)


def _label(answer: Answer, group: LaneGroup) -> tuple[str, str] | None:
    """The label of the pod by which lanes differ, whose value is the version; None when that is not one."""
    keys = {key for lane in group.lanes or () for key in lane.labels}
    found = [(key, answer.pod.labels[key]) for key in sorted(keys) if key in answer.pod.labels]
    return found[0] if len(found) == 1 else None


def _misrouted(given: Evidence) -> Iterator[Finding]:
    """Calls of a lane that went to pods of none of its, where nothing else explains it."""
    sound = {chain.case for chain in given.chains} - {one.case for one in given.chains if not one.passed}
    for one in given.seen.answers:
        lane = given.group.lane(one.lane)
        if f"lane {one.lane}" not in sound or lane is None or one.service not in map(str, lane.services):
            continue
        if lane.labels.items() <= one.pod.labels.items():
            continue
        wrong = (
            f"the subset {one.subset} selects"
            if one.subset == lane.name
            else f"the route {one.route} leads to"
        )
        words = f"{wrong} pod {one.pod.name}, which is none of lane {lane.name}"
        evidence = [f"lane {one.lane}: {one.service} answered as {one.version}"]
        yield Finding(MISROUTED, f"routing of {one.service}", words, _REMEDIES[MISROUTED], evidence)


# --- what failed -------------------------------------------------------------------------------


def _stale(failed: Sequence[Failed]) -> Iterator[Finding]:
    for one in failed:
        if one.gone:
            words = f"the proxy of {one.pod} sends to {one.address}, which is the address of no pod"
            evidence = (
                f"lane {one.lane}: {one.service} {one.subset}: {one.code} {one.flags} from {one.address}"
            )
            yield Finding(
                STALE, f"endpoint {one.address} of {one.service}", words, _REMEDIES[STALE], [evidence]
            )


def _spread(spread: Sequence[Spread]) -> Iterator[Finding]:
    for one in spread:
        if len(one.pods) > 1:
            words = f"the requests of one polling client go to {len(one.pods)} pods"
            evidence = [
                f"lane {one.lane}: {', '.join(one.pods)}; {one.refused} requests were refused with 400"
            ]
            yield Finding(NOT_STICKY, f"service {one.service}", words, _REMEDIES[NOT_STICKY], evidence)


# --- the mesh's objects ------------------------------------------------------------------------


def _drift(drift: Iterable[DriftFinding], trouble: bool) -> Iterator[Finding]:
    for one in drift:
        serious = one.level == kinds.ERROR and not one.inferred
        if serious or (trouble and one.level != kinds.INFO):
            inferred = " (what is meant is inferred)" if one.inferred else ""
            words = f"{one.kind.name}: {one.field or 'all of it'}{inferred}"
            evidence = f"{one.field or one.object}: meant {_short(one.wanted)}, found {_short(one.found)}"
            yield Finding(one.kind.name, one.object, words, one.kind.remedy, [evidence])


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _merged(found: Iterable[Finding]) -> list[Finding]:
    """One finding for each kind and object."""
    kept: dict[tuple[str, str], Finding] = {}
    for one in found:
        first = kept.setdefault((one.kind, one.object), one)
        if first is not one:
            first.evidence += one.evidence
    return list(kept.values())
