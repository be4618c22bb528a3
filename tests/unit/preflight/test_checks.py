"""Preflight checks on facts that the lab cannot produce, and the report."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._preflight import checks, finding, instance, workloads
from ansible_collections.asm.lanes.plugins.module_utils._preflight.finding import Finding, Reading
from ansible_collections.asm.lanes.plugins.module_utils._preflight.wanted import Facts, Wanted

WANTED = Wanted("m")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("v1.22.6.90-g0000000-aliyun", (1, 22, 6, 90)),
        ("1.18.2.111", (1, 18, 2, 111)),
        ("v1.18", (1, 18)),
        ("latest", None),
        ("", None),
    ],
)
def test_versions(text: str, numbers: tuple[int, ...] | None) -> None:
    assert instance.parse_version(text) == numbers


def test_a_version_that_is_not_understood_is_a_warning() -> None:
    facts = Facts(mesh=Reading({"ServiceMeshInfo": {"Version": "next"}}))
    assert instance.version(facts, WANTED).status == finding.WARNING
    assert instance.baggage(facts, WANTED).status == finding.WARNING


@pytest.mark.parametrize(
    ("clusters", "wanted", "status", "found"),
    [
        ([], "", "failed", "the mesh has no cluster"),
        ([("a", "running"), ("b", "running")], "", "failed", "a (c-a), b (c-b)"),
        ([("a", "running"), ("b", "running")], "b", "ok", "b (c-b), running"),
        ([("a", "running"), ("b", "running")], "c-b", "ok", "b (c-b), running"),
        ([("a", "initial")], "", "failed", "a (c-a), initial"),
    ],
)
def test_clusters(clusters: list[tuple[str, str]], wanted: str, status: str, found: str) -> None:
    read = [{"Name": name, "ClusterId": f"c-{name}", "State": state} for name, state in clusters]
    result = instance.cluster(Facts(clusters=Reading(read)), Wanted("m", cluster=wanted))
    assert (result.status, result.found) == (status, found)


def test_the_mesh_may_inject_everywhere() -> None:
    def injection(**labels: str) -> str:
        config: dict[str, Any] = {"SidecarInjector": {"EnableNamespacesByDefault": True}}
        mesh = Reading({"Spec": {"MeshConfig": config}})
        namespace = Reading({"metadata": {"name": "default", "labels": labels}})
        return workloads.injection(Facts(mesh=mesh, namespace=namespace), WANTED).status

    assert injection() == finding.OK
    assert injection(**{"istio-injection": "disabled"}) == finding.FAILED


def test_what_may_not_be_listed_is_told_once() -> None:
    forbidden: Reading[list[dict[str, Any]]] = Reading(problem="forbidden", remedy="Grant it")
    facts = Facts(
        gateways=Reading([]), virtual_services=forbidden, services=Reading([]), deployments=Reading([])
    )
    failed = [one.check for one in checks.run(facts, WANTED) if one.status == finding.FAILED]
    assert failed == ["gateway_rule_namespace"]


def test_nothing_read_is_nothing_approved() -> None:
    approved = {one.check for one in checks.run(Facts(), Wanted("m", trace_header="x")) if one.status == "ok"}
    assert approved == {"baggage_propagation"}  # needs no reading with another trace header


def test_the_report_names_every_finding_with_its_remedy() -> None:
    findings = [
        Finding("a", "ok", "x", "y"),
        Finding("b", "failed", "ports 80", "port 30080", "Add it"),
        Finding("c", "warning", "w", "n", "r"),
    ]
    assert finding.failure_message(findings, ("failed",)).splitlines() == [
        "1 of 3 prerequisites are not met:",
        "  - b (failed)",
        "      found:  ports 80",
        "      needed: port 30080",
        "      remedy: Add it",
    ]
    assert finding.summary(findings) == "3 checks: 1 ok, 1 warning, 1 failed, 0 skipped"
    assert finding.table(findings)[2:] == [
        "a      ok       x         y",
        "b      failed   ports 80  port 30080",
        "c      warning  w         n",
    ]
