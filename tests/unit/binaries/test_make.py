"""Programs that a machine lacks: downloaded, or built from their Go modules."""

from __future__ import annotations

import hashlib
import io
import shutil
import socket
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asm_lanes_lab.binaries import MissingError, download, provide, recipes
from asm_lanes_lab.binaries.cache import cached
from asm_lanes_lab.binaries.recipes import API_SERVER, CONTROL_PLANE, CONTROLLERS, ETCD, Recipe
from asm_lanes_lab.errors import LabError

GO = shutil.which("go")
#: Go's own cache, found before a test moves it: Go's libraries need not be compiled for each test.
GO_CACHE = subprocess.check_output([GO, "env", "GOCACHE"], text=True).strip() if GO else ""
HELLO = Recipe("hello", "hello", "lab.test/hello", "lab.test/dependency")

needs_go = pytest.mark.skipif(not GO, reason="there is no Go on PATH")


@pytest.fixture(autouse=True)
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has none of the programs and no network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(download.MIRROR, "")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A web server with an archive as the official one is made; the checksum is that archive's."""
    name = f"envtest-{download.VERSION}-linux-amd64.tar.gz"
    archive = tmp_path / "web" / f"envtest-{download.VERSION}" / name
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w:gz") as tar:
        for program in ("etcd", "kube-apiserver", "kubectl"):
            text = f"#!/bin/sh\necho Kubernetes {download.VERSION}\n".encode()
            item = tarfile.TarInfo(f"controller-tools/envtest/{program}")
            item.size = len(text)
            tar.addfile(item, io.BytesIO(text))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    checksum = hashlib.sha512(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(download, "CHECKSUMS", {"amd64": checksum})
    monkeypatch.setenv(download.MIRROR, f"http://127.0.0.1:{server.server_port}")
    yield archive
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_archive_brings_two_programs(mirror: Path) -> None:
    said: list[str] = []
    found = provide([ETCD, API_SERVER], said.append)
    assert {name: item.source for name, item in found.items()} == {"etcd": "cache", "kube-apiserver": "cache"}
    assert said == ["not on this machine: etcd, kube-apiserver", "downloaded: etcd, kube-apiserver"]
    assert cached(ETCD) and cached(API_SERVER)


def test_an_archive_with_another_checksum_is_not_used(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror.write_bytes(mirror.read_bytes() + b"!")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingError, match=r"has another SHA-512 than the release index names"):
        provide([ETCD, API_SERVER], lambda line: None)
    assert cached(ETCD) is None


@pytest.mark.parametrize("path", ["", "/nowhere"])
def test_without_network_or_go_both_reasons_are_given(
    path: str, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    if not path:
        monkeypatch.setenv(download.MIRROR, f"http://127.0.0.1:{port}")
    else:
        mirror.unlink()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingError) as error:
        provide(CONTROL_PLANE, lambda line: None)
    for words in ("etcd, kube-apiserver, kube-controller-manager", "no download", "no Go on PATH"):
        assert words in str(error.value)
    assert ("File not found" if path else "refused") in str(error.value)


def test_download_and_build_are_of_one_release() -> None:
    minors = {recipe.version.split(".")[1] for recipe in (API_SERVER, CONTROLLERS)}
    assert minors == {download.VERSION.split(".")[1]}
    assert set(download.CHECKSUMS) == {"amd64", "arm64"}
    assert {len(value) for value in download.CHECKSUMS.values()} == {128}


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Go module of a program and a dependency, both on this machine."""
    monkeypatch.setenv("GOCACHE", GO_CACHE)
    monkeypatch.setenv("GOFLAGS", "")
    monkeypatch.setenv("GOPROXY", "off")
    folder = tmp_path / "go" / "hello"
    (folder / "dependency").mkdir(parents=True)
    (folder / "go.mod").write_text(
        "module lab.test/hello\n\ngo 1.20\n\nrequire (\n\tlab.test/dependency v0.1.0\n)\n\n"
        "replace lab.test/dependency => ./dependency\n"
    )
    (folder / "go.sum").write_text("")
    (folder / "main.go").write_text(
        'package main\n\nimport "lab.test/dependency"\n\nfunc main() { println(dependency.Text) }\n'
    )
    (folder / "dependency" / "go.mod").write_text("module lab.test/dependency\n")
    (folder / "dependency" / "text.go").write_text('package dependency\n\nconst Text = "hello"\n')
    monkeypatch.setattr(recipes, "MODULES", folder.parent)
    return folder


@needs_go
def test_a_program_is_built_once(module: Path) -> None:
    said: list[str] = []
    first = provide([HELLO], said.append)["hello"]
    done = subprocess.run([first.file], capture_output=True, text=True, check=True)
    assert done.stderr == "hello\n"
    steps = [line.split(" ")[0] for line in said if not line.startswith(" ")]  # the rest is progress
    assert steps == ["not", "no", "fetching", "building", "built"]
    assert HELLO.version == "v0.1.0"

    said.clear()
    assert provide([HELLO], said.append)["hello"] == first
    assert said == []

    before = HELLO.key
    (module / "go.sum").write_text("\n")
    assert HELLO.key != before, "another pin is another program"


@needs_go
def test_a_build_that_fails_shows_what_go_says(module: Path) -> None:
    (module / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    with pytest.raises(LabError, match=r"(?s)hello v0.1.0 cannot be built in .*undefined: nonsense"):
        provide([HELLO], lambda line: None)
    assert cached(HELLO) is None


@needs_go
def test_a_build_does_not_change_its_pins(module: Path) -> None:
    (module / "main.go").write_text('package main\n\nimport _ "lab.test/other"\n\nfunc main() {}\n')
    before = (module / "go.mod").read_text()
    with pytest.raises(LabError, match=r"lab.test/other"):
        provide([HELLO], lambda line: None)
    assert (module / "go.mod").read_text() == before
