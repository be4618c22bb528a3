"""Where programs are looked for, in which order, and that what the cache holds is what was put there."""

from __future__ import annotations

from pathlib import Path

import pytest
from asm_lanes_lab.binaries import CONTROL_PLANE, MissingError, check, find
from asm_lanes_lab.binaries.cache import cached, keep, place
from asm_lanes_lab.binaries.make import check_skew
from asm_lanes_lab.binaries.recipes import API_SERVER, CONTROLLERS, ETCD
from asm_lanes_lab.errors import LabError


def program(folder: Path, name: str, version: str = "v1.36.3") -> Path:
    """A program that tells a version, as those of Kubernetes do."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho Kubernetes {version}\n")
    file.chmod(0o755)
    return file


@pytest.fixture(autouse=True)
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has none of the programs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


def test_assets_before_path_before_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(ETCD) is None
    kept = keep(ETCD, program(tmp_path / "made", "etcd"))
    found = find(ETCD)
    assert found and (found.file, found.source) == (kept, "cache")

    on_path = program(tmp_path / "bin", "etcd")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    found = find(ETCD)
    assert found and (found.file, found.source) == (on_path, "PATH")

    assets = program(tmp_path / "assets", "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    found = find(ETCD)
    assert found and (found.file, found.source) == (assets, "KUBEBUILDER_ASSETS")


def test_assets_that_are_named_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "nowhere"))
    with pytest.raises(LabError, match=r"KUBEBUILDER_ASSETS is .*/nowhere, which is no folder"):
        find(ETCD)


def test_a_program_that_assets_lack_is_looked_for_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "assets", "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    keep(CONTROLLERS, program(tmp_path / "made", CONTROLLERS.name))
    found = find(CONTROLLERS)
    assert found and found.source == "cache"


def test_a_changed_program_is_not_run(tmp_path: Path) -> None:
    kept = keep(ETCD, program(tmp_path / "made", "etcd"))
    assert cached(ETCD) == kept
    kept.write_text("#!/bin/sh\necho something else\n")
    with pytest.raises(LabError, match=r"is not the file that was built: its SHA-256 is .*; remove "):
        find(ETCD)


def test_half_a_program_does_not_count(tmp_path: Path) -> None:
    program(place(ETCD).parent, "etcd")  # without its checksum: the move was the last thing that happened
    assert find(ETCD) is None


def test_what_is_missing_is_named_with_the_way_out() -> None:
    with pytest.raises(MissingError) as error:
        check(CONTROL_PLANE)
    for word in ("etcd, kube-apiserver, kube-controller-manager", "KUBEBUILDER_ASSETS", "PATH", "binaries"):
        assert word in str(error.value)


@pytest.mark.parametrize(("server", "controllers"), [("v1.36.2", "v1.36.3"), ("v1.36.0", "v1.35.1")])
def test_controllers_may_be_as_new_or_older(tmp_path: Path, server: str, controllers: str) -> None:
    keep(API_SERVER, program(tmp_path, API_SERVER.name, server))
    keep(CONTROLLERS, program(tmp_path, CONTROLLERS.name, controllers))
    check([API_SERVER, CONTROLLERS])


def test_controllers_may_not_be_newer(tmp_path: Path) -> None:
    keep(API_SERVER, program(tmp_path, API_SERVER.name, "v1.35.9"))
    keep(CONTROLLERS, program(tmp_path, CONTROLLERS.name))
    with pytest.raises(LabError, match=r"is of Kubernetes 1.36, newer than .* of 1.35"):
        check([API_SERVER, CONTROLLERS])


def test_another_program_under_that_name_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", API_SERVER.name, "me not")
    program(tmp_path / "bin", CONTROLLERS.name)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    found = {recipe.name: found for recipe in (API_SERVER, CONTROLLERS) if (found := find(recipe))}
    with pytest.raises(LabError, match=r"kube-apiserver does not tell its version"):
        check_skew(found)
