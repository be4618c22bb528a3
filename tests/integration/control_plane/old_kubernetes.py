"""Builds kube-apiserver and kube-controller-manager of Kubernetes 1.20 from their Go module.

Usage: ``python tests/integration/control_plane/old_kubernetes.py FOLDER``; takes Go, network, and six
minutes of processor time. The release is one whose server-side apply refuses a port without its protocol, as
1.20.15 does not.

Three things stand in the way of a plain ``go build`` of a release so old with a Go of today:

- Its go.mod replaces its own libraries by folders beside it; here by the modules of the same release.
- A library of its time reads Go's internals, and crashes since Go 1.18; it is replaced by its next version.
- Its OpenAPI definitions are generated, and not in the module: its own generator makes them first.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

RELEASE, LIBRARIES = "v1.20.2", "v0.20.2"
PROGRAMS = ("k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager")
#: What tells the version on the command line, and to clients.
STAMPED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
GENERATOR = "k8s.io/kube-openapi/cmd/openapi-gen"
DEFINITIONS = "k8s.io/kubernetes/pkg/generated/openapi"
REFLECT = "github.com/modern-go/reflect2"

LIBRARY = re.compile(r"^(\s+)(k8s\.io/\S+) => \./staging/\S+$", re.MULTILINE)


def go(folder: Path, *arguments: str, **environment: str) -> str:
    """Run Go in a folder; its output."""
    env = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod -buildvcs=false", "GOGC": "400", **environment}
    command = ["nice", "go", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **env}, stdout=-1, text=True, check=True
    ).stdout


def module(release: str) -> str:
    """Our go.mod, from that of the release."""
    replaced = release[release.index("replace (") :]
    replaced = LIBRARY.sub(rf"\1\2 => \2 {LIBRARIES}", replaced)
    replaced = re.sub(rf"^(\s+{REFLECT} => {REFLECT}) \S+$", r"\1 v1.0.2", replaced, flags=re.MULTILINE)
    return f"module old\n\ngo 1.15\n\nrequire k8s.io/kubernetes {RELEASE}\n\n{replaced}"


def tagged(vendor: Path) -> list[str]:
    """The packages that ask for OpenAPI definitions."""
    files = (file for file in vendor.glob("k8s.io/**/*.go") if "+k8s:openapi-gen=" in file.read_text())
    packages = {str(file.parent.relative_to(vendor)) for file in files}
    return sorted(package for package in packages if not package.startswith("k8s.io/kube-openapi/"))


def generate(folder: Path) -> None:
    """Make the OpenAPI definitions in ``vendor``; the generator knows packages in GOPATH only."""
    go(folder, "build", "-o", "generator", GENERATOR)
    (folder / "gopath").mkdir()
    (folder / "gopath" / "src").symlink_to("../vendor")
    (folder / "header").write_text("\n")
    command = [folder / "generator", "-h", "header", "-p", DEFINITIONS, "-O", "zz_generated.openapi"]
    command += [
        "--output-base",
        "made",
        "--report-filename",
        "report",
        "-i",
        ",".join(tagged(folder / "vendor")),
    ]
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(folder / "gopath")}
    subprocess.run(command, cwd=folder, env=environment, check=True)
    shutil.copytree(folder / "made" / DEFINITIONS, folder / "vendor" / DEFINITIONS, dirs_exist_ok=True)


def build(target: Path) -> None:
    """Build the programs into *target*."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = json.loads(go(folder, "mod", "download", "-json", f"k8s.io/kubernetes@{RELEASE}"))
        (folder / "go.mod").write_text(module(Path(found["GoMod"]).read_text()))
        imports = "\n".join(f'import _ "{package}"' for package in (*PROGRAMS, GENERATOR))
        (folder / "tools.go").write_text(f"//go:build tools\n\npackage old\n\n{imports}\n")
        go(folder, "list", "-deps", *PROGRAMS, GENERATOR)  # notes their checksums
        go(folder, "mod", "vendor", "-e")  # modules that only other programs need are not to be had any more
        generate(folder)
        version = {"gitVersion": RELEASE, "gitMajor": "1", "gitMinor": "20", "gitTreeState": "clean"}
        stamps = [f"-X {place}.{name}={value}" for place in STAMPED for name, value in version.items()]
        flags = ("-v", "-trimpath", "-tags", "providerless", "-ldflags", " ".join(["-s -w", *stamps]))
        target.mkdir(parents=True, exist_ok=True)
        go(
            folder,
            "build",
            *flags,
            "-o",
            f"{target.resolve()}/",
            *PROGRAMS,
            GOFLAGS="-mod=vendor -buildvcs=false",
        )


if __name__ == "__main__":
    build(Path(sys.argv[1]))
