"""What each program is built from. The versions are those of the go.mod files; nothing is pinned here."""

from __future__ import annotations

import hashlib
import platform
import re
from dataclasses import dataclass
from pathlib import Path

#: Folder of the go.mod and go.sum files, one folder for each family of programs.
MODULES = Path(__file__).parents[2] / "go"

_STAMP = "k8s.io/component-base/version"


@dataclass(frozen=True)
class Recipe:
    """One program."""

    name: str
    #: Folder of its go.mod, below ``MODULES``.
    family: str
    #: Go package of its main function.
    package: str
    #: Module whose version the program has.
    module: str

    @property
    def folder(self) -> Path:
        """Where its go.mod is."""
        return MODULES / self.family

    @property
    def version(self) -> str:
        """The version in its go.mod, such as ``v1.36.3``."""
        pattern = rf"^\s+{re.escape(self.module)} (v\S+)"
        found = re.search(pattern, (self.folder / "go.mod").read_text(), re.MULTILINE)
        assert found, f"{self.folder}/go.mod does not name {self.module}"
        return found[1]

    @property
    def linking(self) -> str:
        """Flags for the linker: no symbols, and for Kubernetes the version that it tells its clients."""
        flags = "-s -w"
        if self.module == "k8s.io/kubernetes":
            major, minor, _patch = self.version.removeprefix("v").split(".", 2)
            stamps = {
                "gitVersion": self.version,
                "gitMajor": major,
                "gitMinor": minor,
                "gitTreeState": "clean",
            }
            flags += "".join(f" -X {_STAMP}.{name}={value}" for name, value in stamps.items())
        return flags

    @property
    def key(self) -> str:
        """Names what the program is made of: another pin, flag or processor is another key."""
        digest = hashlib.sha256()
        for part in (self.package, self.linking, platform.machine()):
            digest.update(part.encode() + b"\0")
        for name in ("go.mod", "go.sum"):
            digest.update((self.folder / name).read_bytes())
        return digest.hexdigest()[:12]


ETCD = Recipe("etcd", "kubernetes", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3")
API_SERVER = Recipe(
    "kube-apiserver", "kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes"
)
CONTROLLERS = Recipe(
    "kube-controller-manager",
    "kubernetes",
    "k8s.io/kubernetes/cmd/kube-controller-manager",
    "k8s.io/kubernetes",
)

#: Istio's control plane, which is asked for apart. It has no release of its own in the module proxy.
ISTIOD = Recipe("pilot-discovery", "istio", "istio.io/istio/pilot/cmd/pilot-discovery", "istio.io/istio")

#: What a real control plane needs.
CONTROL_PLANE = (ETCD, API_SERVER, CONTROLLERS)
