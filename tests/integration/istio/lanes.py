"""Random lane groups for the differential test, with what ``routing`` predicts of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

from ansible_collections.asm.lanes.plugins.module_utils._lanes import entry, model, routing
from integration.truth.specs import REQUESTS, star

from .cases import APPS, CALLER, GATEWAY, NAMESPACE, SIDECAR, VERSIONS, Case, Obj, Request, gateway, service

NO_LANE = "no-such-lane"
NOBODY = frozenset({"404"})


def of_lanes(rng: random.Random, name: str) -> Case:
    """A lane group on Services of its own, as ASM's lane controller routes it."""
    group = star(rng, 0, whole=True)[0]
    generated = [
        *routing.destination_rules(group),
        *routing.virtual_services(group),
        *entry.ingress_virtual_services(group),
    ]
    return Case(
        name,
        [gateway(name, [f"*.{name}.example"]), *(_renamed(obj, name) for obj in generated)],
        [service(f"{app}-{name}", app) for app in APPS],
        [*_calls(group, name), *_from_outside(group, name)],
    )


def _renamed(obj: Obj, name: str) -> Obj:
    """The object for the case's own Services, Gateway and hosts, in which ``*`` is all that the case has."""
    text = json.dumps({**obj, "metadata": {**obj["metadata"], "name": f"{obj['metadata']['name']}-{name}"}})
    for app in APPS:
        text = text.replace(f'"{app}.{NAMESPACE}.svc', f'"{app}-{name}.{NAMESPACE}.svc')
    text = text.replace(f'"{NAMESPACE}/gw"', f'"{NAMESPACE}/{name}"').replace(
        '"hosts": ["*"]', f'"hosts": ["*.{name}.example"]'
    )
    renamed: Obj = json.loads(text.replace("shop.example", f"shop.{name}.example"))
    return renamed


def _calls(group: model.LaneGroup, name: str) -> Iterator[Request]:
    """Every row of the truth table that the caller of the test can try."""
    for row in routing.truth_table(group):
        lane = group.lane(row.entry)
        headers: list[dict[str, str]] = [{}]
        if group.permissive:
            header = group.route_header or ""
            headers = [{header: row.entry}] if row.entry else [{}, {header: NO_LANE}]
        elif lane and not lane.labels.items() <= CALLER.items():
            continue
        for sent in headers:
            answering = _pods(row.service.name, row.labels)
            yield Request(SIDECAR, f"{row.service.name}-{name}", headers=sent, expected=answering)


def _from_outside(group: model.LaneGroup, name: str) -> Iterator[Request]:
    """Requests at the gateway, and who has to answer by the lanes' rules and weights."""
    if not entry.ingress_virtual_services(group):
        return
    for host, headers in REQUESTS:
        shares = entry.entry_shares(group, host, "/hello", headers)
        asked = host.replace("shop.example", f"shop.{name}.example").replace(
            "elsewhere.", f"elsewhere.{name}."
        )
        answering = [NOBODY if lane is None else _behind(group, lane) for lane in shares]
        yield Request(GATEWAY, asked, headers=headers, expected=frozenset().union(*answering))


def _behind(group: model.LaneGroup, name: str) -> frozenset[str]:
    """Who answers what enters a lane at the gateway."""
    lane = group.lane(name)
    assert lane
    targets = [rule.destination for rule in lane.ingress_rules or ()]
    targets += [weight.destination for weight in lane.ingress_weight or ()]
    found: frozenset[str] = frozenset()
    for target in targets:
        namespace, _slash, app = target.service.partition("/")
        to = model.ServiceRef(namespace, app)
        answering = group.lane(routing.answering_lane(group, to, name) if group.permissive else name)
        found |= _pods(app, answering.labels if answering else {})
    return found


def _pods(app: str, labels: object) -> frozenset[str]:
    wanted = dict(labels)  # type: ignore[call-overload]
    return frozenset(f"{app}/{v}" for v, its in VERSIONS.items() if wanted.items() <= its.items())
