"""What istiod, its proxies and the cluster are told of the lab's pods; no istiod is needed for that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asm_lanes_lab.fields import SettingsError
from asm_lanes_lab.istio import binary, programs
from asm_lanes_lab.istio.controller import needed
from asm_lanes_lab.istio.crds import istio_crds
from asm_lanes_lab.istio.world import World, world_of
from asm_lanes_lab.mesh.options import Options
from asm_lanes_lab.mesh.snapshot import Inputs
from asm_lanes_lab.mesh.workloads import DROP_HEADERS_ANNOTATION, ENDPOINTS_ANNOTATION
from asm_lanes_lab.settings import Settings
from unit.lab_mesh.objects import Obj, by_kind, gateway_pod, pod, propagation, service

ISTIOD = ("127.0.0.1", 15010)
WSK = pod("wsk", "127.100.0.11", {"app": "wsk", "version": "v1"})
GATEWAY = gateway_pod("127.0.0.9", "127.100.0.12:15000")


def world(*objects: Obj) -> World:
    snapshot, refused = Inputs().read(by_kind(*objects))
    assert not refused
    return world_of(snapshot, Options(Path("/lab/xds"), "127.0.0.9"), ISTIOD)


def of_kind(found: World, file: str, kind: str) -> Any:
    return next(obj["spec"] for obj in found.files[file] if obj["kind"] == kind)


def patches(found: World, file: str) -> dict[tuple[str, str], Any]:
    spec = of_kind(found, file, "EnvoyFilter")
    return {
        (item["applyTo"], item["match"]["context"]): item["patch"]["value"] for item in spec["configPatches"]
    }


def test_istio_needs_a_real_control_plane(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'istio' needs control_plane 'real'"):
        Settings.parse({"mesh": "istio"}, tmp_path)
    assert Settings.parse({"mesh": "istio", "control_plane": "real"}, tmp_path).mesh == "istio"


def test_a_missing_program_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with pytest.raises(binary.MissingError, match=r"mesh istio needs pilot-discovery.*binaries --mesh istio"):
        binary.program()


def test_ready_pods_are_endpoints(tmp_path: Path) -> None:
    waiting = pod("late", "127.100.0.13", {"app": "wsk"}, ready=False)
    [entry] = world(WSK, waiting, GATEWAY).entries
    assert (entry["metadata"]["name"], entry["metadata"]["namespace"]) == ("wsk", "default")
    assert entry["spec"] == {
        "address": "127.100.0.11",
        "labels": {"app": "wsk", "version": "v1"},
        "ports": {"web": 5000},
    }


def test_a_service_with_stale_endpoints_has_those_and_no_pods() -> None:
    faulty = service("wsk")
    claimed = [{"ip": "127.100.0.99", "labels": {"app": "wsk"}}]
    faulty["metadata"]["annotations"] = {ENDPOINTS_ANNOTATION: json.dumps(claimed)}
    assert [entry["spec"]["address"] for entry in world(WSK, faulty).entries] == ["127.100.0.99"]


def test_a_sidecar_listens_at_the_pod_and_leads_to_the_app() -> None:
    found = world(WSK, service("wsk"))
    spec = of_kind(found, "default.wsk.yaml", "Sidecar")
    [inbound], [outbound] = spec["ingress"], spec["egress"]
    assert inbound["bind"] == outbound["bind"] == "127.100.0.11"
    assert inbound["port"] == {"number": 5000, "protocol": "HTTP", "name": "http-5000"}
    assert outbound["port"]["protocol"] == "HTTP_PROXY"
    node = found.bootstraps["default.wsk"]["node"]
    assert node["id"] == "sidecar~127.100.0.11~wsk.default~default.svc.cluster.local"
    assert node["metadata"]["INSTANCE_IPS"] == "127.101.0.11"
    [(label, value)] = spec["workloadSelector"]["labels"].items()
    assert node["metadata"]["STATIC_LABELS"][label] == value


def test_a_gateway_is_a_router_with_an_address_of_its_own() -> None:
    found = world(WSK, GATEWAY)
    [router] = [boot for name, boot in found.bootstraps.items() if name.startswith("istio-system.")]
    assert router["node"]["id"].startswith("router~127.0.0.9~istio-ingressgateway-1.istio-system~")
    assert router["admin"]["address"]["socket_address"] == {"address": "127.100.0.12", "port_value": 15000}
    bound = patches(found, "lab.yaml")["LISTENER", "GATEWAY"]
    assert bound["address"]["socket_address"]["address"] == "127.0.0.9"
    assert found.files.keys() == {"lab.yaml", "default.wsk.yaml"}


def test_baggage_and_faults_come_with_the_routes() -> None:
    faulty = pod("wsk", "127.100.0.11", {"app": "wsk"})
    faulty["metadata"]["annotations"][DROP_HEADERS_ANNOTATION] = "inbound=baggage"
    found = patches(world(faulty, propagation("p", "version")), "default.wsk.yaml")
    inbound = found["ROUTE_CONFIGURATION", "SIDECAR_INBOUND"]
    assert inbound["request_headers_to_remove"] == ["baggage"]
    [lua] = found["ROUTE_CONFIGURATION", "SIDECAR_OUTBOUND"]["typed_per_filter_config"].values()
    assert lua["filter_context"] == {"direction": "outbound", "headers": ["version"], "prefixes": []}


def test_services_can_be_called_without_their_port() -> None:
    """Which istiod does for port 80 alone."""
    found = world(WSK, service("a"), service("b", 80))
    spec = of_kind(found, "default.wsk.yaml", "EnvoyFilter")
    [vhost] = [item for item in spec["configPatches"] if item["applyTo"] == "VIRTUAL_HOST"]
    names = vhost["match"]["routeConfiguration"]
    assert names == {"name": "15001", "vhost": {"name": "a.default.svc.cluster.local:5000"}}
    assert "a" in vhost["patch"]["value"]["domains"]


def test_a_sidecar_waits_until_istiod_knows_it() -> None:
    found = world(WSK, GATEWAY)
    assert ("Sidecar", "default", "wsk") in needed(found.files, "default.wsk")
    of_gateway = needed(found.files, "istio-system.istio-ingressgateway-1")
    assert ("EnvoyFilter", "istio-system", "lab") in of_gateway
    assert ("Sidecar", "default", "wsk") not in of_gateway


def test_virtual_services_keep_asms_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    route = {"items": {"properties": {"weight": {}}}}
    schema = {"properties": {"spec": {"properties": {"http": {"items": {"properties": {"route": route}}}}}}}
    crds = [
        {
            "metadata": {"name": f"{kind.lower()}s.example"},
            "spec": {
                "names": {"kind": kind},
                "versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}],
            },
        }
        for kind in ("VirtualService", "WorkloadEntry")
    ]
    file = tmp_path / "crds.yaml"
    file.write_text("\n---\n".join(json.dumps(crd) for crd in crds))
    monkeypatch.setattr("asm_lanes_lab.istio.crds.crds_file", lambda: file)
    ours = [{"metadata": {"name": name}} for name in ("virtualservices.example", "asmswimlanes.example")]
    found = istio_crds(ours)
    names = [crd["metadata"]["name"] for crd in found["mesh"]]
    assert names == ["virtualservices.example", "workloadentrys.example", "asmswimlanes.example"]
    assert [crd["spec"]["names"]["kind"] for crd in found["cluster"]] == ["WorkloadEntry"]
    versions = found["mesh"][0]["spec"]["versions"]
    spec = versions[0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    destination = spec["http"]["items"]["properties"]["route"]["items"]["properties"]
    assert destination.keys() == {"weight", "fallback"}


def test_istiod_listens_only_where_it_is_told(tmp_path: Path) -> None:
    argv = programs.istiod(
        Path("/pilot"), tmp_path, tmp_path / "mesh.kubeconfig", "127.0.0.1:1", "127.0.0.1:2"
    )
    listening = {arg for arg in argv if "Addr" in arg or "_port" in arg}
    assert listening == {
        "--grpcAddr=127.0.0.1:1",
        "--httpAddr=127.0.0.1:2",
        "--monitoringAddr=",
        "--httpsAddr=",
        "--secureGRPCAddr=",
        "--ctrlz_port=0",
    }
