"""Report files: as a whole, with their mode, only when they differ."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.asm.lanes.plugins.plugin_utils._report import files, versions


def put(folder: Path, text: str, mode: int = 0o644) -> list[files.Change]:
    changes = files.plan(folder, {"a.html": text}, mode)
    files.execute(folder, changes)
    return changes


def test_a_file_is_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "reports"
    assert put(folder, "one")[0].changed
    before = (folder / "a.html").stat()
    assert not put(folder, "one")[0].changed
    assert (folder / "a.html").stat().st_ino == before.st_ino
    assert put(folder, "two")[0].before == "one"
    assert (folder / "a.html").read_text() == "two"
    assert [path.name for path in folder.iterdir()] == ["a.html"], "nothing temporary is left"


def test_the_mode_is_kept_whatever_the_umask(tmp_path: Path) -> None:
    put(tmp_path, "one", 0o640)
    assert (tmp_path / "a.html").stat().st_mode & 0o777 == 0o640
    assert put(tmp_path, "one", 0o604)[0].changed
    assert (tmp_path / "a.html").stat().st_mode & 0o777 == 0o604


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.html").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(files.FileError, match="not a regular file"):
        files.plan(tmp_path, {"a.html": "x"}, 0o644)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(files.FileError, match=r"reports.*cannot be written: .*Choose another dest"):
        put(tmp_path / "reports", "one")


@pytest.mark.parametrize("mode", ["644", "420", "rw-r--r--", "00644", ""])
def test_other_modes_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="four octal digits in quotes"):
        files.parse_mode(mode)


@pytest.mark.parametrize("name", ["a/b", "..", "", "a\\b", "a\x00"])
def test_names_that_are_paths_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        files.parse_name(name)


def test_the_versions_are_those_of_here() -> None:
    found = versions.versions()
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", found["asm.lanes"])
    assert found["ansible-core"]
    assert found["Python"]


def test_an_installed_collection_knows_its_version(tmp_path: Path) -> None:
    assert versions.collection_version(tmp_path) == "unknown"
    (tmp_path / "MANIFEST.json").write_text('{"collection_info": {"version": "4.5.6"}}')
    assert versions.collection_version(tmp_path) == "4.5.6"
