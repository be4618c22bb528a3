"""Whatever the mesh accepts, Envoy accepts: one rejected object would freeze the routes of all others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.lab_mesh.objects import (
    gateway,
    gateway_pod,
    istio_gateway,
    make,
    pod,
    propagation,
    service,
    virtual_service,
)

from .harness import Mesh, Network

pytestmark = pytest.mark.asyncio(loop_scope="module")

NET = Network()
BASE = (
    istio_gateway(30090),
    gateway_pod(NET.gateway, f"{NET.pod(9)}:15000"),
    gateway("gw", 30090, hosts=("*", "*.example", "default/a.example")),
    pod("p", NET.pod(11), {"app": "a"}),
)

# Texts that hurt: separators, format characters, control characters, other scripts, emptiness.
nasty = st.text(alphabet=st.sampled_from(list("ab1-_./%*?:;,=()[]{}\\^$|+<>\"' \n\x7fü")), max_size=12)
expressions = st.one_of(
    nasty,
    st.sampled_from(
        [
            r"(?i)v\d+", r"(?P<n>x)", r"x{2,3}", r"x{,5}", r"[[:alpha:]]+", r"\Ax", r"\bx", r"[\]x]", r"x*?y",
            r"[a-\d]", r"(?s:.)", r"(?a)x", r"(?x) y", r"\012", r"\x41", r"(a|)", r"\N{BULLET}",
            r"\Z", r"x{1000}", r"(?L)x", r"[\w-a]", r"\-", r"\ ", r"(x{500}){500}", "\U0001F600+",
        ]
    ),
)  # fmt: skip
string_match = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"exact": nasty}),
    st.fixed_dictionaries({"prefix": nasty}),
    st.fixed_dictionaries({"regex": expressions}),
)
names = st.one_of(st.sampled_from(["version", "X-A", ":method", "host", "cookie"]), nasty)
maps = st.dictionaries(names, string_match, max_size=2)
header_edits = st.fixed_dictionaries(
    {},
    optional={
        "set": st.dictionaries(names, nasty, max_size=2),
        "add": st.dictionaries(names, nasty, max_size=2),
        "remove": st.lists(names, max_size=2),
    },
)
headers = st.fixed_dictionaries({}, optional={"request": header_edits, "response": header_edits})
destination = st.fixed_dictionaries(
    {"host": st.sampled_from(["a", "b", "a.default", "nowhere.example"])},
    optional={"subset": st.sampled_from(["v1", "v2", "v-9.x"]), "port": st.just({"number": 5000})},
)
share = st.fixed_dictionaries(
    {"destination": destination, "weight": st.integers(0, 2**31 - 1)},
    optional={"headers": headers, "fallback": st.fixed_dictionaries({"target": destination})},
)
match = st.fixed_dictionaries(
    {},
    optional={
        "uri": string_match, "method": string_match, "authority": string_match, "headers": maps,
        "withoutHeaders": maps, "queryParams": maps, "ignoreUriCase": st.booleans(), "name": nasty,
    },
)  # fmt: skip
durations = st.sampled_from(["0s", "1s", "1.5s", "10ms", "2h"])
outcome = st.one_of(
    st.fixed_dictionaries(
        {"route": st.lists(share, min_size=1, max_size=3)},
        optional={
            "rewrite": st.fixed_dictionaries({}, optional={"uri": nasty, "authority": nasty}),
            "timeout": durations,
            "retries": st.fixed_dictionaries(
                {"attempts": st.integers(0, 5)}, optional={"perTryTimeout": durations, "retryOn": nasty}
            ),
        },
    ),
    st.fixed_dictionaries(
        {
            "redirect": st.fixed_dictionaries(
                {},
                optional={"uri": nasty, "authority": nasty, "scheme": nasty, "port": st.integers(0, 65535)},
            )
        }
    ),
    st.fixed_dictionaries(
        {
            "directResponse": st.fixed_dictionaries(
                {"status": st.integers(200, 599), "body": st.just({"string": "%x%"})}
            )
        }
    ),
)
route = st.builds(
    lambda base, extra: {**base, **extra},
    outcome,
    st.fixed_dictionaries(
        {}, optional={"name": nasty, "match": st.lists(match, max_size=2), "headers": headers}
    ),
)
hosts = st.lists(
    st.sampled_from(["a", "b", "*", "*.example", "a.example", "A.example", "*.local", "x.test"]),
    min_size=1,
    max_size=3,
)
rules = st.builds(
    lambda hosts, routes, gateways, age: (hosts, routes, gateways, age),
    hosts,
    st.lists(route, min_size=1, max_size=2),
    st.sampled_from([["mesh"], ["gw"], ["gw", "mesh"]]),
    st.integers(0, 2),
)
balancing = st.one_of(
    st.fixed_dictionaries(
        {"simple": st.sampled_from(["RANDOM", "ROUND_ROBIN", "LEAST_CONN", "UNSPECIFIED"])}
    ),
    st.fixed_dictionaries(
        {
            "consistentHash": st.one_of(
                st.fixed_dictionaries({"httpHeaderName": names}),
                st.fixed_dictionaries({"httpQueryParameterName": nasty}),
                st.fixed_dictionaries({"useSourceIp": st.booleans()}),
                st.fixed_dictionaries(
                    {"httpCookie": st.fixed_dictionaries({"name": nasty, "path": nasty, "ttl": durations})}
                ),
            )
        }
    ),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    mesh = Mesh(Path(tmp_path_factory.mktemp("mesh")), NET)
    mesh.apply(*BASE)
    try:
        await mesh.start()
        yield mesh
    finally:
        await mesh.stop()


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.large_base_example,
    ],
)
@given(st.lists(rules, min_size=5, max_size=12), balancing, st.lists(names, max_size=3))
async def test_envoy_takes_what_the_mesh_takes(
    mesh: Mesh, drawn: list[Any], policy: dict[str, Any], carried: list[str]
) -> None:
    rules = [
        virtual_service(f"r{index}", hosts, *routes, gateways=gateways, age=age)
        for index, (hosts, routes, gateways, age) in enumerate(drawn)
    ]
    rule = make(
        "DestinationRule",
        "a",
        {"host": "a", "subsets": [{"name": "v1"}], "trafficPolicy": {"loadBalancer": policy}},
    )
    mesh.start_over(*BASE, service("a"), service("b", 80), *rules, rule, propagation("p", *carried))
    await mesh.in_force()
    for proxy in mesh.names:
        rejected = await mesh.admin(proxy, "/stats?filter=update_rejected")
        assert all(line.endswith(": 0") for line in rejected.splitlines()), mesh.log(proxy)[-2000:]
