"""The store's history: what a watcher can still learn, and what it cannot."""

from __future__ import annotations

from asm_lanes_lab.kube.store import Event, Store


def obj(name: str) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "n"}}


def test_history_replays_everything_since_a_version() -> None:
    store = Store()
    store.put("things", ("n", "a"), obj("a"))
    seen = store.version
    store.put("things", ("n", "b"), obj("b"))
    store.put("others", ("n", "x"), obj("x"))
    store.remove("things", ("n", "a"))
    events = store.since("things", seen)
    assert events is not None
    assert [(event.obj["metadata"]["name"], event.new is None) for event in events] == [
        ("b", False),
        ("a", True),
    ]
    assert [event.version for event in events] == [seen + 1, seen + 3]
    assert events[-1].obj["metadata"]["resourceVersion"] == str(store.version)


def test_too_old_and_future_versions_are_unknown() -> None:
    store = Store(history=2)
    store.put("things", ("n", "a"), obj("a"))
    oldest = store.version
    for _unused in range(3):
        store.put("things", ("n", "a"), obj("a"))
    assert store.since("things", oldest) is None
    assert store.since("things", store.version + 1) is None
    assert len(store.since("things", store.version - 2) or []) == 2
    assert Store().since("things", oldest - 10_000_000) is None


def test_listeners_hear_until_they_stop() -> None:
    store, heard = Store(), list[Event]()
    stop = store.listen(heard.append)
    store.put("things", ("n", "a"), obj("a"))
    stop()
    store.remove("things", ("n", "a"))
    assert [event.new is not None for event in heard] == [True]
    assert store.writes == 2
