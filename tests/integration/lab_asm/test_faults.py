# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults as the official SDK meets them."""

from __future__ import annotations

import time

import aiohttp
import pytest
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from asm_lanes_lab.asm import AsmApi, Fault
from Tea.exceptions import TeaException

from .conftest import TOKEN, Sdk

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize(
    ("kind", "exception", "code"),
    [
        ("throttled", ClientException, "Throttling.User"),
        ("internal_error", ServerException, "InternalError"),
        ("unavailable", ServerException, "ServiceUnavailable"),
        ("clock_skew", ClientException, "InvalidTimeStamp.Expired"),
        ("expired_token", ClientException, "InvalidSecurityToken.Expired"),
    ],
)
async def test_faults_with_a_reply_of_the_platform(
    api: AsmApi, sdk: Sdk, kind: str, exception: type[Exception], code: str
) -> None:
    api.faults.set([Fault(kind)])
    with pytest.raises(exception) as caught:
        await sdk.create_group()
    assert getattr(caught.value, "code", None) == code
    assert await sdk.groups() == []


async def test_throttling_names_its_pause(api: AsmApi, sdk: Sdk) -> None:
    api.faults.set([Fault("throttled", retry_after=700)])
    with pytest.raises(ThrottlingException) as caught:
        await sdk.groups()
    assert caught.value.retry_after == 700


@pytest.mark.parametrize(
    ("kind", "took_effect"),
    [
        ("reset_before", False),
        ("reset_after", True),
        ("timeout_before", False),
        ("timeout_after", True),
        ("half_json", True),
        ("html", False),
    ],
)
async def test_faults_without_a_proper_reply(api: AsmApi, sdk: Sdk, kind: str, took_effect: bool) -> None:
    api.faults.set([Fault(kind, delay=0.1)])
    with pytest.raises((TeaException, RuntimeError)):
        await sdk.create_group()
    assert bool(await sdk.groups()) is took_effect
    assert api.stats.writes == int(took_effect)


async def test_latency(api: AsmApi, sdk: Sdk) -> None:
    api.faults.set([Fault("latency", delay=0.3)])
    begin = time.monotonic()
    await sdk.create_group()
    assert time.monotonic() - begin >= 0.3
    assert len(await sdk.groups()) == 1


async def test_a_fault_hits_the_calls_it_is_meant_for(api: AsmApi, sdk: Sdk) -> None:
    api.faults.set([Fault("unavailable", action="GetSwimLaneGroupList", skip=1, times=2)])
    await sdk.create_group()
    outcomes = []
    for _unused in range(4):
        try:
            await sdk.groups()
            outcomes.append("ok")
        except ServerException:
            outcomes.append("fault")
    assert outcomes == ["ok", "fault", "fault", "ok"]
    assert api.faults.as_list() == []


async def test_a_fault_for_all_calls_stays(api: AsmApi, sdk: Sdk) -> None:
    api.faults.set([Fault("internal_error", times=0)])
    for _unused in range(3):
        with pytest.raises(ServerException):
            await sdk.groups()
    assert len(api.faults.as_list()) == 1


async def test_faults_over_http(api: AsmApi, sdk: Sdk) -> None:
    token = {"x-lab-token": TOKEN}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{api.port}") as session:
        assert (await session.put("/lab/faults", json=[{"kind": "html"}])).status == 403
        for entry in ({"kind": "fire"}, {}, {"kind": "html", "times": -1}, {"kind": "html", "x": 1}):
            reply = await session.put("/lab/faults", json=[entry], headers=token)
            assert (reply.status, (await reply.text())[:5]) == (400, "fault")
        reply = await session.put("/lab/faults", json=[{"kind": "throttled"}], headers=token)
        assert (await reply.json())[0] == {
            "kind": "throttled",
            "action": "*",
            "skip": 0,
            "times": 1,
            "delay": 0.0,
            "retry_after": 0,
        }
        with pytest.raises(ClientException):
            await sdk.groups()
        assert await (await session.get("/lab/faults", headers=token)).json() == []
    assert await sdk.groups() == []
