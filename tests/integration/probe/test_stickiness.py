"""Polling through a gateway that knows no sessions, to a server of several replicas."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

import pytest
from aiohttp import ClientSession, web

from . import servers
from .probing import prove


def balancer(replicas: list[str], cookie: str = "") -> web.Application:
    """Gives every request to the next replica; with a cookie, as Envoy's hashing sets one, it sticks."""
    turns = itertools.cycle(range(len(replicas)))

    async def forward(request: web.Request) -> web.Response:
        number = int(request.cookies.get(cookie, next(turns)))
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with (
            ClientSession() as session,
            session.request(
                request.method, replicas[number] + request.path_qs, headers=headers, data=await request.read()
            ) as answer,
        ):
            response = web.Response(status=answer.status, body=await answer.read(), content_type="text/plain")
        if cookie:
            response.set_cookie(cookie, str(number))
        return response

    app = web.Application(handler_args={"access_log": None, "logger": servers.QUIET})
    app.router.add_route("*", "/{path:.*}", forward)
    return app


@contextlib.contextmanager
def two_replicas(cookie: str = "") -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        urls = [stack.enter_context(servers.serve(servers.App().build())) for _replica in range(2)]
        yield stack.enter_context(servers.serve(balancer(urls, cookie)))


@pytest.mark.parametrize("messages", [1, 3])
def test_the_trap_is_seen_and_explained(messages: int) -> None:
    with two_replicas() as url:
        proof = prove(url, transports=["polling"], negative_cases=False, messages=messages)
    assert proof["passed"] is False
    assert "the polling requests of one session reached different replicas (HTTP 400" in proof["message"]
    assert "Invalid session" in proof["message"]
    assert "consistentHash" in proof["message"]
    assert {kind for case in proof["cases"] for kind in case["failure_kinds"]} == {"unsticky"}


def test_with_a_cookie_that_sticks_all_is_well() -> None:
    with two_replicas("replica") as url:
        proof = prove(url, transports=["polling"], negative_cases=False, timeout=30)
    assert proof["passed"], proof["message"]
