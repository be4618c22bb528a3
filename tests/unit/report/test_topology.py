"""The picture: who is drawn, which way messages go, and that nothing covers anything."""

from __future__ import annotations

import itertools
from typing import Any
from xml.etree import ElementTree

import pytest
import report_proofs
from ansible_collections.asm.lanes.plugins.plugin_utils._report import (
    layout,
    mermaid,
    page,
    parsing,
    topology,
)
from hypothesis import given
from hypothesis import strategies as st


def picture(document: dict[str, Any]) -> topology.Topology:
    return topology.topology(parsing.parse(document))


def ways(drawn: topology.Topology, **wanted: str) -> dict[tuple[str, str], list[str]]:
    chosen = (e for e in drawn.edges if all(getattr(e, key) == value for key, value in wanted.items()))
    return {(edge.source, edge.target): edge.lanes for edge in chosen if edge.source.find("in|") != 0}


def test_lanes_without_a_service_go_through_the_baseline() -> None:
    drawn = picture(report_proofs.passed())
    assert ways(drawn, kind="own") == {
        ("others", "gateway"): [],
        ("gateway", "base|default/wsk-svc"): ["base", "v1", "v2"],
        ("base|default/wsk-svc", "base|default/helloworld"): ["base"],
        ("base|default/wsk-svc", "v1|default/helloworld"): ["v1"],
        ("base|default/wsk-svc", "v2|default/helloworld"): ["v2"],
    }
    assert ways(drawn, kind="broadcast") == {("base|default/wsk-svc", "base|default/helloworld"): ["base"]}
    assert {node.id: node.version for node in drawn.nodes}["v2|default/helloworld"] == "v2"
    assert drawn.assumed_order


def test_what_went_wrong_is_drawn_to_where_it_went() -> None:
    drawn = picture(report_proofs.failed())
    assert ways(drawn, state="wrong", kind="own") == {
        ("base|default/wsk-svc", "base|default/helloworld"): ["v2"]
    }
    assert ways(drawn, state="wrong", kind="broadcast") == {
        ("base|default/wsk-svc", "v2|default/helloworld"): ["base"]
    }
    assert not drawn.assumed_order, "the audit shows who calls whom"


def test_a_version_of_no_lane_is_drawn_as_a_stranger() -> None:
    document = report_proofs.passed()
    document["cases"][2]["observed"]["own"]["default/helloworld"] = {"v7": 4}
    drawn = picture(document)
    (stranger,) = [node for node in drawn.nodes if node.lane == topology.STRANGERS]
    assert (stranger.version, stranger.state) == ("v7", "wrong")
    assert ("base|default/wsk-svc", stranger.id) in ways(drawn, state="wrong")


def test_a_service_fallback_beats_the_baseline() -> None:
    document = report_proofs.many(4)
    document["lane_group"]["service_fallback"] = {"shop/orders": "feature-3"}
    way = ways(picture(document), kind="own")
    assert way["base|shop/front", "feature-3|shop/orders"] == [
        "feature-1", "feature-2", "feature-3"
    ]  # fmt: skip


def test_calls_that_the_audit_saw_make_the_layers() -> None:
    document = report_proofs.many(2)
    hop = {"pod": None, "status": "ok"}
    hops = [{"from": "gateway", "to": "stock", **hop}, {"from": "stock", "to": "front", **hop}]
    hops += [{"from": "stock", "to": "orders", **hop}, {"from": "orders", "to": "stock", **hop}]  # a circle
    document["audit"] = {"passed": True, "chains": [{"case": "c", "message_kind": "own", "hops": hops}]}
    document["audit"]["chains"][0]["hops"] = hops[:3]
    assert picture(document).layers == (("shop/stock",), ("shop/front", "shop/orders"))
    document["audit"]["chains"][0]["hops"] = hops
    assert {service for layer in picture(document).layers for service in layer} == {
        "shop/front", "shop/orders", "shop/stock"
    }  # fmt: skip


def test_the_words_say_the_same_as_the_picture() -> None:
    lines = topology.routes(picture(report_proofs.failed()))
    assert lines[2] == (
        "lane v2: version: v2 → gateway → wsk-svc v1 (base) → helloworld v2 (v2) ✓ → helloworld v1 (base) ✗"
    )


@given(st.integers(1, 14), st.integers(1, 6), st.data())
def test_no_two_boxes_meet_and_all_are_inside(lanes: int, services: int, data: st.DataObject) -> None:
    names = [f"shop/s{number}" for number in range(services)]
    stated = report_proofs.group(["base", *(f"l{number}" for number in range(1, lanes))], names)
    for lane in stated["lanes"][1:]:
        lane["services"] = data.draw(st.lists(st.sampled_from(names), unique=True))
    cases = [report_proofs.case(lane["name"], lane["name"], services=names[-1:]) for lane in stated["lanes"]]
    drawn = picture(report_proofs.proof(cases, lane_group=stated))
    placed = layout.layout(drawn)
    boxes = list(placed.boxes.values())
    assert len(boxes) == len(drawn.doors) + 1 + len(drawn.nodes)
    for one, other in itertools.combinations(boxes, 2):
        apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
        apart_y = one.y + one.height <= other.y or other.y + other.height <= one.y
        assert apart_x or apart_y, (one, other)
    for box in boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= placed.width
        assert box.y + box.height <= placed.height
    assert len(placed.lines) == len(drawn.edges)
    for line in placed.lines:
        source, target = placed.boxes[line.edge.source], placed.boxes[line.edge.target]
        assert source.y <= line.y1 <= source.y + source.height
        assert target.y <= line.y2 <= target.y + target.height
        assert line.x1 < line.x2, "from left to right"


@pytest.mark.parametrize("name", report_proofs.ALL)
def test_the_picture_is_well_formed_and_shows_every_lane(name: str) -> None:
    document = report_proofs.ALL[name]()
    root = ElementTree.fromstring(page.svg(parsing.parse(document)))
    text = " ".join("".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text"))
    for lane in document["lane_group"]["lanes"]:
        assert f"lane {lane['name'][:20]}" in text
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg", "title", "desc", "style", "rect", "path", "text", "tspan", "g"
    }  # fmt: skip


@pytest.mark.parametrize("name", report_proofs.ALL)
def test_mermaid_names_every_node_once_and_quotes_what_others_wrote(name: str) -> None:
    drawn = picture(report_proofs.ALL[name]())
    lines = mermaid.render(drawn).splitlines()
    assert lines[0] == "flowchart LR"
    assert sum(line.strip().startswith("n") and '["' in line for line in lines) == len(drawn.nodes)
    assert sum(line == "  end" for line in lines) == sum(line.startswith("  subgraph") for line in lines)
    for line in lines:
        assert line.count('"') in (0, 2), line
        assert line.replace("<br/>", "").count("<") == 0, line
