"""The file: who may be replaced, what is written when, and that nobody else can read it at any moment."""

from __future__ import annotations

import os
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.kubeconfig import Kubeconfig, Wish, from_answer
from ansible_collections.asm.lanes.plugins.module_utils._asm.kubeconfig_file import (
    FileError,
    ensure_absent,
    ensure_present,
    read_file,
    write_file,
)
from unit.mesh.kubeconfigs import TOKEN, with_certificate, with_token

WISH = Wish("m-1")


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "mesh"


def identity(path: Path) -> tuple[int, int]:
    """What a write would change."""
    return path.stat().st_ino, path.stat().st_mtime_ns


class Asm:
    """Hands out kubeconfigs; counts how many."""

    def __init__(self, text: str | None = None, days: int = 365) -> None:
        self.text = text or with_token()
        self.expires = f"{datetime.now(timezone.utc) + timedelta(days=days):%Y-%m-%d %H:%M:%S}"
        self.handed_out = 0

    def get(self, wish: Wish = WISH) -> Kubeconfig:
        self.handed_out += 1
        return from_answer({"Kubeconfig": self.text, "ExpireTime": self.expires}, wish)


def run(dest: Path, asm: Asm, wish: Wish = WISH, check_mode: bool = False) -> bool:
    before, after = ensure_present(dest, wish, lambda: asm.get(wish), check_mode)
    if not check_mode:
        assert read_file(dest) == after
    return before != after


def test_made_kept_and_removed(dest):
    asm = Asm()
    assert run(dest, asm, check_mode=True)
    assert not dest.exists()
    assert run(dest, asm)
    made = identity(dest)
    assert oct(dest.stat().st_mode) == "0o100600"
    assert not run(dest, asm)
    assert (identity(dest), asm.handed_out) == (made, 2)
    assert ensure_absent(dest, False, check_mode=True)
    assert dest.exists()
    assert ensure_absent(dest, False, check_mode=False)
    assert not dest.exists()
    assert ensure_absent(dest, False, check_mode=False) is None
    assert list(dest.parent.iterdir()) == []


def test_renewed_before_it_expires(dest):
    assert run(dest, Asm(with_certificate(20)), Wish("m-1", renew_before=timedelta(hours=1)))
    later = Asm(with_certificate(9000))
    assert not run(dest, later, Wish("m-1", renew_before=timedelta(hours=19)))
    assert later.handed_out == 0
    assert run(dest, later)
    assert not run(dest, later)
    assert later.handed_out == 1


def test_what_asm_cannot_renew_yet_is_not_written_again(dest):
    asm = Asm(with_certificate(20))
    assert run(dest, asm)
    made = identity(dest)
    assert not run(dest, asm)
    assert (identity(dest), asm.handed_out) == (made, 2)


@pytest.mark.parametrize("other", [Wish("m-2"), Wish("m-1", private_ip=True)])
def test_another_wish_replaces_what_we_made(dest, other):
    asm = Asm()
    assert run(dest, asm)
    assert run(dest, asm, other)
    assert not run(dest, asm, other)


def test_a_mode_that_is_too_wide_is_corrected_without_a_call(dest):
    asm = Asm()
    assert run(dest, asm)
    dest.chmod(0o644)
    assert run(dest, asm, check_mode=True)
    assert dest.stat().st_mode & 0o777 == 0o644
    assert run(dest, asm)
    assert dest.stat().st_mode & 0o777 == 0o600
    assert asm.handed_out == 1


@pytest.mark.parametrize(
    "text", ["my notes", with_token("some-other-token"), "", b"\xff\xfe\x00".decode("latin1")]
)
def test_a_file_of_others_stays_unless_forced(dest, text):
    dest.write_text(text, encoding="latin1")
    asm = Asm()
    with pytest.raises(FileError, match=r"not made by this module\. Give another path, or set force"):
        run(dest, asm)
    with pytest.raises(FileError, match="was not made by this module"):
        ensure_absent(dest, False, check_mode=False)
    assert (dest.read_text(encoding="latin1"), asm.handed_out) == (text, 0)
    assert run(dest, asm, Wish("m-1", force=True))
    dest.write_text(text, encoding="latin1")
    assert ensure_absent(dest, True, check_mode=False)
    assert not dest.exists()


def test_force_mends_an_edited_file_and_writes_no_equal_one(dest):
    asm, forced = Asm(), Wish("m-1", force=True)
    assert run(dest, asm)
    dest.write_text(dest.read_text().replace("203.0.113.7", "203.0.113.8"))
    assert not run(dest, asm)
    assert run(dest, asm, forced)
    made = identity(dest)
    assert not run(dest, asm, forced)
    assert identity(dest) == made


def test_where_no_file_can_be(dest, tmp_path):
    asm = Asm()
    with pytest.raises(FileError, match=rf"there is no folder {tmp_path}/no\. Create the folder first"):
        run(tmp_path / "no" / "mesh", asm)
    assert ensure_absent(tmp_path / "no" / "mesh", False, check_mode=False) is None
    dest.write_text("")
    with pytest.raises(FileError, match="there is no folder"):
        run(dest / "mesh", asm)
    for path in (tmp_path, tmp_path / "link"):
        if path != tmp_path:
            path.symlink_to(dest)
        with pytest.raises(FileError, match=r"is not a regular file\. Give the path of the file itself"):
            run(path, asm, Wish("m-1", force=True))
        with pytest.raises(FileError, match="is not a regular file"):
            ensure_absent(path, True, check_mode=False)
    assert asm.handed_out == 0


def test_nothing_is_left_behind_when_writing_fails(dest):
    with pytest.raises(FileError, match=r"File name too long\. Check the permissions"):
        write_file(dest.with_name("x" * 250), TOKEN)
    dest.mkdir()
    with pytest.raises(FileError, match="Is a directory"):
        write_file(dest, TOKEN)
    assert list(dest.parent.iterdir()) == [dest]


def test_nobody_else_can_read_it_at_any_moment_and_it_is_never_half_there(dest):
    text = with_token() * 200
    write_file(dest, text)
    seen, stop = [], threading.Event()

    def watch() -> None:
        while not stop.is_set():
            for entry in os.scandir(dest.parent):
                try:
                    seen.append(entry.stat().st_mode & 0o777)
                except FileNotFoundError:
                    continue
            seen.append(0o600 if dest.read_text() == text else -1)

    watcher = threading.Thread(target=watch)
    umask = os.umask(0)
    try:
        watcher.start()
        for _round in range(300):
            write_file(dest, text)
    finally:
        os.umask(umask)
        stop.set()
        watcher.join()
    assert len(seen) > 50
    assert set(seen) == {0o600}


def test_facts_show_what_a_file_is_and_nothing_secret(dest):
    run(dest, Asm())
    found = read_file(dest)
    assert TOKEN not in f"{found} {found.facts()}"
    assert found.facts()["mode"] == "0600"
    assert found.facts()["server"] == "https://203.0.113.7:6443"
    dest.write_text("my notes")
    facts = read_file(dest).facts()
    assert {facts[key] for key in ("mesh_id", "server", "expires", "private_ip")} == {None}
