"""The translation, judged by real Envoys: a gateway, a caller and two versions of a callee."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from unit.lab_mesh.objects import (
    destination_rule,
    gateway,
    gateway_pod,
    istio_gateway,
    pod,
    propagation,
    service,
    to,
    virtual_service,
    when,
)

from .harness import Mesh, Network, back_end, get

NET = Network()
WSK, V1, V2 = NET.pod(11), NET.pod(12), NET.pod(13)
OUT = f"http://{WSK}:15001"
HELLO = "helloworld.default.svc.cluster.local"
ENTRY = f"http://{NET.gateway}:30080"

pytestmark = pytest.mark.asyncio(loop_scope="module")


def base_objects() -> list[dict[str, Any]]:
    return [
        istio_gateway(30080),
        gateway_pod(NET.gateway, f"{NET.pod(9)}:15000"),
        gateway("ws-gateway", 30080),
        virtual_service("ws", ["*"], {"route": [to("wsk-svc")]}, gateways=["ws-gateway"]),
        service("wsk-svc")
        | {"spec": {"selector": {"app": "wsk"}, "ports": [{"name": "http-ws", "port": 5000}]}},
        service("helloworld"),
        pod("wsk-1", WSK, {"app": "wsk", "version": "v1"}),
        pod("hello-v1", V1, {"app": "helloworld", "version": "v1"}),
        pod("hello-v2", V2, {"app": "helloworld", "version": "v2"}),
        destination_rule("hello", "helloworld", "v1", "v2", "v3"),
        propagation("carry", "version", labels={"app": "wsk"}),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    """Four proxies with three apps, for all tests."""
    mesh = Mesh(Path(tmp_path_factory.mktemp("mesh")), NET)
    async with contextlib.AsyncExitStack() as stack:
        for name, number in (("wsk", 11), ("v1", 12), ("v2", 13)):
            await stack.enter_async_context(back_end(name, NET.app(number)))
        assert mesh.apply(*base_objects()).findings == []
        stack.push_async_callback(mesh.stop)
        await mesh.start()
        yield mesh


@pytest_asyncio.fixture(loop_scope="module")
async def mesh(running: Mesh) -> AsyncIterator[Mesh]:
    """The running mesh with the objects that every test starts from."""
    yield running
    running.start_over(*base_objects())
    await running.in_force()


async def hello(headers: Any = None, path: str = "/hello") -> str:
    """Which version answers a call to helloworld from wsk's side."""
    status, body = await get(f"http://helloworld:5000{path}", headers=headers, proxy=OUT)
    return body["app"] if status == 200 else str(status)


def lanes(*routes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return virtual_service("hello", ["helloworld"], *routes, **more)


async def test_gateway_to_app(mesh: Mesh) -> None:
    status, body = await get(f"{ENTRY}/x?a=1", headers={"host": "any.example"})
    assert (status, body["app"], body["path"]) == (200, "wsk", "/x?a=1")


async def test_call_to_service_is_balanced_over_all_versions(mesh: Mesh) -> None:
    assert {await hello() for _unused in range(20)} == {"v1", "v2"}


async def test_unknown_host_is_named(mesh: Mesh) -> None:
    status, body = await get("http://nowhere:5000/", proxy=OUT)
    assert status == 502
    assert "nowhere:5000" in body


async def test_lanes_by_header(mesh: Mesh) -> None:
    rule = lanes(
        {"match": when("version", exact="v2"), "route": [to("helloworld", "v2")]},
        {"match": when("version", prefix="pre-"), "route": [to("helloworld", "v2")]},
        {"match": when("version", regex="r[0-9]+"), "route": [to("helloworld", "v2")]},
        {"route": [to("helloworld", "v1")]},
    )
    assert mesh.apply(rule).findings == []
    await mesh.in_force()
    cases = {
        None: "v1", "v2": "v2", "v22": "v1", "v2,v1": "v1", "": "v1", "pre-x": "v2", "apre-": "v1",
        "r17": "v2", "r17x": "v1", "V2": "v1",
    }  # fmt: skip
    for value, expected in cases.items():
        assert await hello({"version": value} if value is not None else None) == expected, value


async def test_other_conditions(mesh: Mesh) -> None:
    condition = {
        "uri": {"prefix": "/h"},
        "method": {"exact": "GET"},
        "authority": {"prefix": "helloworld"},
        "queryParams": {"q": {"exact": "1"}, "p": {}},
        "headers": {"x-there": {}},
        "withoutHeaders": {"x-no": {"exact": "1"}, "x-absent": {}},
        "sourceLabels": {"app": "wsk"},
        "sourceNamespace": "default",
        "port": 5000,
    }
    mesh.apply(
        lanes({"match": [condition], "route": [to("helloworld", "v2")]}, {"route": [to("helloworld", "v1")]})
    )
    await mesh.in_force()
    there = {"x-there": ""}
    assert await hello(there, "/hello?q=1&p=") == "v2"
    assert await hello({**there, "x-no": "2"}, "/hello?q=1&p=") == "v2"
    for headers, path in (
        (there, "/other?q=1&p="),
        (there, "/hello?q=2&p="),
        (there, "/hello?q=1"),
        ({}, "/hello?q=1&p="),
        ({**there, "x-no": "1"}, "/hello?q=1&p="),
        ({**there, "x-absent": "any"}, "/hello?q=1&p="),
    ):
        assert await hello(headers, path) == "v1", (headers, path)


async def test_conditions_on_the_caller_exclude_others(mesh: Mesh) -> None:
    mesh.apply(
        lanes(
            {"match": [{"sourceLabels": {"app": "other"}}], "route": [to("helloworld", "v2")]},
            {"match": [{"port": 81}, {"gateways": ["ws-gateway"]}], "route": [to("helloworld", "v2")]},
            {"route": [to("helloworld", "v1")]},
        )
    )
    await mesh.in_force()
    assert {await hello() for _unused in range(6)} == {"v1"}


async def test_weights(mesh: Mesh) -> None:
    mesh.apply(lanes({"route": [to("helloworld", "v1", 90), to("helloworld", "v2", 10)]}))
    await mesh.in_force()
    count = Counter([await hello() for _unused in range(400)])
    # 400 draws of 10 %: 40 expected, standard deviation 6; five of these either way.
    assert 10 <= count["v2"] <= 70
    assert count["v1"] + count["v2"] == 400


async def test_header_edits(mesh: Mesh) -> None:
    def edits(text: str) -> dict[str, Any]:
        return {
            "request": {
                "set": {f"x-set-{text}": f"{text}%%", "x-req": "%REQ(:method)%"},
                "remove": [f"x-gone-{text}"],
            },
            "response": {"add": {f"x-added-{text}": text}, "remove": ["x-app"]},
        }

    mesh.apply(lanes({"route": [to("helloworld", "v2", headers=edits("share"))], "headers": edits("route")}))
    await mesh.in_force()
    sent = {"x-set-route": "old", "x-gone-route": "1", "x-gone-share": "1", "x-stays": "1"}
    async with (
        aiohttp.ClientSession() as session,
        session.get("http://helloworld:5000/", headers=sent, proxy=OUT) as answer,
    ):
        got = (await answer.json())["headers"]
        assert (answer.headers["x-added-route"], answer.headers["x-added-share"]) == ("route", "share")
        assert "x-app" not in answer.headers
    assert (got["x-set-route"], got["x-set-share"], got["x-req"]) == ("route%", "share%", "GET")
    assert got["x-stays"] == "1"
    assert not {"x-gone-route", "x-gone-share"} & got.keys()


async def test_rewrite_redirect_and_direct_response(mesh: Mesh) -> None:
    mesh.apply(
        lanes(
            {
                "match": [{"uri": {"prefix": "/api"}}],
                "rewrite": {"uri": "/v2", "authority": "other.example"},
                "route": [to("helloworld", "v2")],
            },
            {
                "match": [{"uri": {"exact": "/moved"}}],
                "redirect": {"uri": "/new", "authority": "there.example", "redirectCode": 307},
            },
            {
                "match": [{"uri": {"regex": "/t+ea"}}],
                "directResponse": {"status": 418, "body": {"string": "pot"}},
            },
        )
    )
    await mesh.in_force()
    _unused, body = await get("http://helloworld:5000/api/x?y=1", proxy=OUT)
    assert (body["path"], body["headers"]["host"]) == ("/v2/x?y=1", "other.example")
    async with (
        aiohttp.ClientSession() as session,
        session.get("http://helloworld:5000/moved", proxy=OUT, allow_redirects=False) as answer,
    ):
        assert (answer.status, answer.headers["location"]) == (307, "http://there.example/new")
    assert await get("http://helloworld:5000/ttea", proxy=OUT) == (418, "pot")
    assert await hello(path="/else") == "404"


async def test_fallback_follows_the_endpoints(mesh: Mesh) -> None:
    ready, down = (
        pod("hello-v2", V2, {"app": "helloworld", "version": "v2"}, ready=state) for state in (True, False)
    )
    rule = lanes({"route": [to("helloworld", "v2", fallback="v1")]})
    for current, expected in ((ready, "v2"), (down, "v1"), (ready, "v2")):
        mesh.apply(rule, current)
        await mesh.in_force()
        assert {await hello() for _unused in range(4)} == {expected}


async def test_missing_destinations_answer_503(mesh: Mesh) -> None:
    remarks = mesh.apply(
        lanes(
            {"match": [{"uri": {"prefix": "/subset"}}], "route": [to("helloworld", "v9")]},
            {"match": [{"uri": {"prefix": "/host"}}], "route": [to("nobody")]},
            {"route": [to("helloworld", "v3")]},
        )
    ).findings
    await mesh.in_force()
    assert [(item.reason, item.blocking) for item in remarks] == [("UnknownDestination", False)] * 2
    assert [await hello(path=path) for path in ("/subset", "/host", "/empty")] == ["503"] * 3


async def test_consistent_hash_by_header(mesh: Mesh) -> None:
    policy = {"loadBalancer": {"consistentHash": {"httpHeaderName": "x-user"}}}
    mesh.apply(destination_rule("hello", "helloworld", "v1", "v2", "v3", policy=policy))
    await mesh.in_force()
    by_user = {user: {await hello({"x-user": user}) for _unused in range(4)} for user in "abcdefghij"}
    assert all(len(answers) == 1 for answers in by_user.values())
    assert set.union(*by_user.values()) == {"v1", "v2"}


async def test_route_change_keeps_open_socket(mesh: Mesh) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{ENTRY}/ws") as socket:
        await socket.send_str("one")
        assert await socket.receive_str(timeout=2) == "wsk:one"
        direct = {"directResponse": {"status": 418}}
        mesh.apply(
            virtual_service("ws", ["*"], direct, gateways=["ws-gateway"]),
            lanes({"route": [to("helloworld", "v2")]}),
            propagation("carry", "version", "x-lane", labels={"app": "wsk"}),
            pod("wsk-1", WSK, {"app": "wsk", "version": "v1"}, ready=False),
        )
        await mesh.in_force()
        assert (await get(ENTRY))[0] == 418
        await socket.send_str("two")
        assert await socket.receive_str(timeout=2) == "wsk:two"
    assert "listener_modified: 0" in await mesh.admin("default.wsk-1", "/stats?filter=listener_manager")


async def test_refused_object_keeps_its_last_good_form(mesh: Mesh) -> None:
    mesh.apply(lanes({"route": [to("helloworld", "v2")]}))
    remarks = mesh.apply(
        lanes({"route": [to("helloworld", "v1")], "fault": {"abort": {"httpStatus": 500}}})
    ).findings
    await mesh.in_force()
    assert [(item.ref.name, item.field) for item in remarks] == [("hello", "spec.http[0].fault")]
    assert {await hello() for _unused in range(4)} == {"v2"}


# --- baggage ------------------------------------------------------------------------------


async def seen_by_app(*headers: tuple[str, str]) -> str | None:
    """The baggage that reaches the app behind wsk's sidecar."""
    from multidict import CIMultiDict

    _unused, body = await get(f"http://{WSK}:5000/", headers=CIMultiDict(headers))
    return body["headers"].get("baggage")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([("version", "v2")], "version=v2"),
        ([("VERSION", "v2")], "version=v2"),
        ([("version", "")], None),
        ([("version", "a b,c;d=e%ü")], "version=a%20b%2Cc%3Bd%3De%25%C3%BC"),
        ([("version", "v2"), ("baggage", "user=1;p=2 , other=x%20y")], "user=1;p=2,other=x%20y,version=v2"),
        ([("version", "v2"), ("baggage", "a=1"), ("baggage", "b=2")], "a=1,b=2,version=v2"),
        ([("version", "v2"), ("baggage", "Version = v2 ;p=1")], "Version = v2 ;p=1"),
        ([("version", "v2"), ("baggage", "version=v1,a=1,version=v3")], "a=1,version=v2"),
        ([("version", "v2"), ("baggage", "garbage,,=,;x")], "garbage,=,;x,version=v2"),
        ([("baggage", "version=v1")], "version=v1"),
    ],
)
async def test_inbound_header_becomes_baggage(
    mesh: Mesh, headers: list[tuple[str, str]], expected: str | None
) -> None:
    assert await seen_by_app(*headers) == expected


async def test_oversize_baggage_passes(mesh: Mesh) -> None:
    big = ",".join(f"k{index}={'x' * 100}" for index in range(70))
    assert await seen_by_app(("version", "v2"), ("baggage", big)) == f"{big},version=v2"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"baggage": "version=v2"}, "v2"),
        ({"baggage": "user=1, VERSION = v%32 ;p=1,x=y"}, "v2"),
        ({"baggage": "version=v1,version=v2"}, "v2"),
        ({"baggage": "version=v2", "version": "v9"}, "v1"),
        ({"baggage": "version=v9", "version": "v2"}, "v2"),
        ({"baggage": "version=v22"}, "v1"),
        ({"baggage": "xversion=v2,version2=v2,a=version=v2"}, "v1"),
        ({"baggage": "version=v2%0d%0aversion:v2"}, "v1"),
        ({"baggage": "version"}, "v1"),
        ({"baggage": "version="}, "v1"),
        ({"baggage": ""}, "v1"),
    ],
)
async def test_outbound_baggage_chooses_the_lane(mesh: Mesh, headers: dict[str, str], expected: str) -> None:
    mesh.apply(
        lanes(
            {"match": when("version", exact="v2"), "route": [to("helloworld", "v2")]},
            {"route": [to("helloworld", "v1")]},
        )
    )
    await mesh.in_force()
    assert await hello(headers) == expected


async def test_baggage_chooses_even_where_nothing_else_matches(mesh: Mesh) -> None:
    mesh.apply(lanes({"match": when("version", exact="v2"), "route": [to("helloworld", "v2")]}))
    await mesh.in_force()
    assert [await hello({"baggage": "version=v2"}), await hello()] == ["v2", "404"]


async def test_whole_chain_and_its_access_log(mesh: Mesh) -> None:
    mesh.apply(
        lanes(
            {"match": when("version", exact="v2"), "route": [to("helloworld", "v2")]},
            {"route": [to("helloworld", "v1")]},
        )
    )
    await mesh.in_force()
    url = f"{ENTRY}/call?url=http://helloworld:5000/hello"
    for sent, expected in (({"version": "v2"}, "v2"), ({"version": "v9"}, "v1"), ({}, "v1")):
        _unused, body = await get(
            url, headers={**sent, "authorization": "Bearer hidden", "cookie": "hidden=1"}
        )
        assert (body["app"], body["called"]["app"]) == ("wsk", expected)
    await asyncio.sleep(0.1)
    inbound, outbound = (
        [
            line
            for line in mesh.access_log("default.wsk-1")
            if line["direction"] == side and line["version"] == "v2" and "hello" in line["path"]
        ][-1]
        for side in ("inbound", "outbound")
    )
    assert (inbound["header_to_baggage"], inbound["baggage"]) == ("version", "version=v2")
    assert (outbound["baggage_to_header"], outbound["upstream_cluster"]) == (
        "version",
        f"outbound|5000|v2|{HELLO}",
    )
    assert (outbound["route_name"], outbound["response_code"]) == ("default/hello#0", 200)
    assert "hidden" not in mesh.log("default.wsk-1") + mesh.log("istio-system.istio-ingressgateway-1")


async def test_watches_do_not_grow_with_the_lanes(mesh: Mesh) -> None:
    """Linux grants a user 128 inotify instances, for all Envoys together."""
    mesh.apply(destination_rule("hello", "helloworld", *(f"v{index}" for index in range(100))))
    await mesh.in_force()
    held = {proxy: mesh.inotify_instances(proxy) for proxy in mesh.names}
    # One for each of LDS, CDS and RDS (outbound, inbound; the gateway's port), and no more than one beside.
    assert all(3 <= count <= 5 for count in held.values()), held


async def test_no_envoy_rejected_anything(running: Mesh) -> None:
    for proxy in running.names:
        stats = await running.admin(proxy, "/stats?filter=update_rejected")
        assert all(line.endswith(": 0") for line in stats.splitlines()), (proxy, running.log(proxy))
