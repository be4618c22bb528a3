"""Watches: a stream of changes, from now or from a resource version on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from . import errors
from .api import Api, present
from .call import Call
from .store import Event

Obj = dict[str, Any]

BOOKMARK_SECONDS = 30.0
"""How often a watcher that allows bookmarks gets one while nothing happens (clusters: every minute or so)."""
LONGEST_SECONDS = 1800
"""How long a watch lasts that asks for no end."""
_INITIAL_END = "k8s.io/initial-events-end"


async def watch(api: Api, call: Call, bookmark_every: float = BOOKMARK_SECONDS) -> AsyncGenerator[Obj, None]:
    """Events as ``{"type", "object"}``; ends after the query's ``timeoutSeconds`` or an ERROR event."""
    matches = api.selector(call)
    query = call.query
    queue: asyncio.Queue[Event] = asyncio.Queue()
    stop = api.store.listen(
        lambda event: queue.put_nowait(event) if event.table == call.resource.table else None
    )
    try:
        start = query.get("resourceVersion") or "0"
        if start == "0" or call.flag("sendInitialEvents"):
            for obj in api.collection(Call(call.resource, call.namespace, query=_selectors(query)))["items"]:
                yield {"type": "ADDED", "object": obj}
            if call.flag("sendInitialEvents"):
                yield _bookmark(api, call, {_INITIAL_END: "true"})
        else:
            past = api.store.since(call.resource.table, int(start)) if start.isdigit() else None
            if past is None:
                words = f"too old resource version: {start} ({api.store.version})"
                yield {"type": "ERROR", "object": errors.expired(words).status}
                return
            for event in past:
                if (shown := _show(api, call, event, matches)) is not None:
                    yield shown
        async for found in _live(api, call, queue, matches, bookmark_every):
            yield found
    finally:
        stop()


def _selectors(query: dict[str, str]) -> dict[str, str]:
    return {name: query[name] for name in ("labelSelector", "fieldSelector") if name in query}


async def _live(
    api: Api, call: Call, queue: asyncio.Queue[Event], matches: Any, bookmark_every: float
) -> AsyncGenerator[Obj, None]:
    loop = asyncio.get_running_loop()
    end = loop.time() + (call.number("timeoutSeconds") or LONGEST_SECONDS)
    bookmarks = call.flag("allowWatchBookmarks")
    while (left := end - loop.time()) > 0:
        try:
            # Not wait_for: before Python 3.12 it can swallow a cancellation.
            async with asyncio.timeout(min(left, bookmark_every)):
                event = await queue.get()
        except TimeoutError:
            if bookmarks:
                yield _bookmark(api, call, {})
            continue
        if (shown := _show(api, call, event, matches)) is not None:
            yield shown


def _show(api: Api, call: Call, event: Event, matches: Any) -> Obj | None:
    """The event as this watcher sees it: an object that stops to match is deleted for it."""
    namespace = call.namespace if call.resource.namespaced else ""
    if namespace and event.obj["metadata"].get("namespace") != namespace:
        return None
    before = event.old is not None and matches(event.old)
    after = event.new is not None and matches(event.new)
    if not before and not after:
        return None
    obj = event.obj
    kind = "MODIFIED" if before and after else "ADDED" if after else "DELETED"
    if kind == "DELETED" and event.new is not None and event.old is not None:
        metadata = {**event.old["metadata"], "resourceVersion": str(event.version)}
        obj = {**event.old, "metadata": metadata}
    return {"type": kind, "object": present(call.resource, obj)}


def _bookmark(api: Api, call: Call, annotations: dict[str, str]) -> Obj:
    metadata: Obj = {"resourceVersion": str(api.store.version), "creationTimestamp": None}
    if annotations:
        metadata["annotations"] = annotations
    obj = {"kind": call.resource.kind, "apiVersion": call.resource.api_version, "metadata": metadata}
    return {"type": "BOOKMARK", "object": obj}
