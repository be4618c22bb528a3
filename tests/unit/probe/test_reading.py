"""Reading versions from answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._probe.reading import DEFAULT_PATTERN, Reader

from .groups import CHAIN, HELLO


def test_answers_of_a_chain() -> None:
    reader = Reader.parse(CHAIN, ["shop/orders", "shop/stock"])
    reading = reader.read("Hello version: v3, instance: x [orders=v3 stock=v1 price=v4]")
    assert reading == (("shop/orders", "v3"), ("shop/stock", "v1"), ("price", "v4"))
    assert reader.judged(reading)
    assert not reader.judged(reading[:1])


@pytest.mark.parametrize(
    ("path", "answer", "found"),
    [
        ("version", '{"version": "v2"}', "v2"),
        ("data.1.version", '{"data": [{}, {"version": 3}]}', "3"),
        ("0", '["v2", "v3"]', "v2"),
        ("version", '{"version": "v2"} and more', "v2"),
        ("version", '{"version": null}', None),
        ("version", '{"version": true}', None),
        ("data.1", '{"data": []}', None),
        ("data.x", '{"data": []}', None),
        ("a.b", '{"a": 1}', None),
        ("version", "no JSON", None),
        ("version", "", None),
    ],
)
def test_places_in_json(path: str, answer: str, found: str | None) -> None:
    assert Reader.at(path, [HELLO]).read(answer) == (((HELLO, found),) if found else ())


def test_an_object_of_versions() -> None:
    reader = Reader.at("by", ["shop/orders", "shop/stock"])
    assert reader.read('{"by": {"orders": "v3", "shop/stock": "v1", "price": 4}}') == (
        ("shop/orders", "v3"),
        ("shop/stock", "v1"),
        ("price", "4"),
    )
    assert reader.read('{"by": "v1"}') == ()


def test_a_response_header() -> None:
    reader = Reader.in_header("X-Version", [HELLO])
    assert reader.read("", {"x-version": "v2"}) == ((HELLO, "v2"),)
    assert reader.read("version: v2", {}) == reader.read("version: v2") == ()


@pytest.mark.parametrize(
    ("make", "text", "services", "said"),
    [
        (Reader.parse, "(", [HELLO], "answer_pattern '(' is not a regular expression"),
        (Reader.parse, "v1", [HELLO], "has no group named version"),
        (Reader.parse, DEFAULT_PATTERN, [HELLO, "default/x"], "no group named service"),
        (Reader.parse, CHAIN, ["a/x", "b/x"], "two services of one name"),
        (Reader.at, "a..b", [HELLO], "answer_path 'a..b': write keys"),
        (Reader.in_header, "x-version", [HELLO, "default/x"], "answer_header 'x-version' holds one version"),
    ],
)
def test_unusable_ones(make: Any, text: str, services: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        make(text, services)
