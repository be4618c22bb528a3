"""Names and labels: the boundaries, and Kubernetes' words."""

from __future__ import annotations

import pytest
from asm_lanes_lab.kube import names


@pytest.mark.parametrize("text", ["a", "a-b", "a.b.c", "1", "a" * 253])
def test_subdomains(text: str) -> None:
    assert names.subdomain(text) == []


@pytest.mark.parametrize("text", ["A", "-a", "a-", "a..b", "a_b", "", "a/b", "ä"])
def test_no_subdomains(text: str) -> None:
    (problem,) = names.subdomain(text)
    assert problem.startswith(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters"
    )


def test_lengths() -> None:
    assert names.subdomain("a" * 254) == ["must be no more than 253 characters"]
    assert names.label("a" * 64) == ["must be no more than 63 characters"]
    assert names.label_value("a" * 64) == ["must be no more than 63 characters"]
    assert names.label_value("a" * 63) == []


def test_services_must_not_begin_with_a_digit() -> None:
    assert names.label("1a") == []
    assert names.label_1035("a1") == []
    (problem,) = names.label_1035("1a")
    assert problem.startswith("a DNS-1035 label must consist of")


@pytest.mark.parametrize(
    ("key", "good"), [("a", True), ("x.io/a_B.c", True), ("/a", False), ("x.io/", False), ("X.io/a", False)]
)
def test_label_keys(key: str, good: bool) -> None:
    assert (names.qualified_name(key) == []) is good


@pytest.mark.parametrize(
    ("value", "good"), [("", True), ("a.B_c-1", True), ("-a", False), ("a b", False), ("v2,v1", False)]
)
def test_label_values(value: str, good: bool) -> None:
    assert (names.label_value(value) == []) is good
