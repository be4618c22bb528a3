# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubeconfig of a mesh as a file: judged, fetched when needed, never readable for anybody else."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .client import Record
from .errors import AsmError, Kind
from .kubeconfig import YAML_IMPORT_ERROR, Kubeconfig, Wish, fetch, is_good, parse, written_time
from .module import connect_module, fail

MODE = 0o600
LONGEST_MARGIN = 876_000  # hours, a hundred years
SHORTEST_SECRET = 8  # characters; blanking out shorter ones would spoil innocent words


class FileError(Exception):
    """Something is wrong with the file ``path``. hint: what to do next."""

    def __init__(self, path: Path, message: str, hint: str) -> None:
        super().__init__(f"dest: {path} {message}. {hint}.")
        self.failure = {"kind": "file", "path": str(path), "message": message, "hint": hint}


@dataclass(frozen=True)
class File:
    """A file that is there. mode: permission bits. kubeconfig: None when it holds something else."""

    text: str = field(repr=False)
    mode: int
    kubeconfig: Kubeconfig | None

    @property
    def ours(self) -> bool:
        """Whether this module made it."""
        return self.kubeconfig is not None and self.kubeconfig.mesh_id is not None

    def facts(self) -> dict[str, Any]:
        """What a diff shows: nothing secret. digest: tells two contents apart."""
        known = self.kubeconfig
        return {
            "mode": f"{self.mode:04o}",
            "mesh_id": known.mesh_id if known else None,
            "private_ip": known.private_ip if known else None,
            "server": known.server if known else None,
            "expires": written_time(known.expires) if known else None,
            "digest": hashlib.sha256(self.text.encode()).hexdigest()[:16],
        }


def ensure_present(
    path: Path, wish: Wish, get: Callable[[], Kubeconfig], check_mode: bool
) -> tuple[File | None, File]:
    """Have a good kubeconfig at a path; ``get`` is called only when the one there is not good.

    Returns the file before and after, in check mode as it would be. Raises FileError, and what ``get``
    raises.
    """
    before = read_file(path)
    known = before.kubeconfig if before else None
    if known is None or not is_good(known, wish, datetime.now(timezone.utc)):
        check_replaceable(path, before, wish.force)
        check_folder(path)
        known = get()
    after = File(known.text, MODE, known)
    if not check_mode:
        if before is None or before.text != after.text:
            write_file(path, after.text)
        elif before.mode != MODE:
            correct_mode(path)
    return before, after


def ensure_absent(path: Path, force: bool, check_mode: bool) -> File | None:
    """Have no file at a path. Returns the one that was there. Raises FileError."""
    before = read_file(path)
    check_replaceable(path, before, force)
    if before and not check_mode:
        remove_file(path)
    return before


def read_file(path: Path) -> File | None:
    """What is at a path, None when nothing is. Raises FileError when it cannot be read as a file."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise FileError(path, "is not a regular file", "Give the path of the file itself")
        text = path.read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _refused(path, error) from None
    try:
        kubeconfig = parse(text)
    except ValueError:
        kubeconfig = None
    return File(text, stat.S_IMODE(status.st_mode), kubeconfig)


def check_replaceable(path: Path, found: File | None, force: bool) -> None:
    """Raises FileError when there is a file that is not ours to replace or remove."""
    if found and not found.ours and not force:
        raise FileError(
            path,
            "is there and was not made by this module",
            "Give another path, or set force to true if this file may go",
        )


def check_folder(path: Path) -> None:
    """Raises FileError when no file can be made there."""
    folder = path.parent
    if not folder.is_dir():
        raise FileError(path, f"cannot be made, there is no folder {folder}", "Create the folder first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileError(
            path,
            f"cannot be made, this user may not write to the folder {folder}",
            "Choose another folder, or run the task as the owner of this one",
        )


def write_file(path: Path, text: str) -> None:
    """Put a new file, readable for its owner only, in the place of what was there. Raises FileError."""
    temporary: Path | None = None
    try:
        # mkstemp makes it with mode 0600, so that there is no moment at which others could open it.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        temporary.replace(path)
    except OSError as error:
        raise _refused(path, error) from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def correct_mode(path: Path) -> None:
    """Make a file readable for its owner only. Raises FileError."""
    try:
        path.chmod(MODE)
    except OSError as error:
        raise _refused(path, error) from None


def remove_file(path: Path) -> None:
    """Remove a file. Raises FileError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, error) from None


def _refused(path: Path, error: OSError) -> FileError:
    hint = "Check the permissions of the file and of its folder, or run the task as their owner"
    return FileError(path, f"cannot be used: {error.strerror}", hint)


def run_module(module: AnsibleModule) -> None:
    """The module ``mesh_kubeconfig``, from its parameters to its result."""
    if YAML_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("PyYAML"), exception=str(YAML_IMPORT_ERROR))
    calls: list[Record] = []
    hours = module.params["renew_before"]
    if not 0 <= hours <= LONGEST_MARGIN:
        words = f"renew_before: {hours} is not allowed, give 0 to {LONGEST_MARGIN} hours"
        module.fail_json(msg=words, failure={"kind": Kind.INVALID, "message": words}, api_calls=[])
    renew_before = timedelta(hours=hours)
    wish = Wish(module.params["mesh_id"], module.params["private_ip"], renew_before, module.params["force"])

    def get() -> Kubeconfig:
        nonlocal calls
        client = connect_module(module)
        calls = client.calls
        found = fetch(client, wish)
        if found.expires and found.ends_within(wish.renew_before, datetime.now(timezone.utc)):
            module.warn(_too_short(found, wish))
        return found

    try:
        result = _carry_out(module, wish, get)
    except FileError as error:
        module.fail_json(msg=str(error), failure=error.failure, api_calls=_as_dicts(calls))
    except AsmError as error:
        fail(module, error, api_calls=_as_dicts(calls))
    module.exit_json(**result, api_calls=_as_dicts(calls))


def _carry_out(module: AnsibleModule, wish: Wish, get: Callable[[], Kubeconfig]) -> dict[str, Any]:
    """The module's result. Raises FileError and AsmError."""
    dest, check_mode = module.params["dest"], module.check_mode
    if dest is None:
        found = get()
        return {"changed": False, "file": None, **_known(found), "kubeconfig": found.text}
    path = Path(dest)
    after: File | None = None
    if module.params["state"] == "absent":
        before = ensure_absent(path, wish.force, check_mode)
    else:
        before, after = ensure_present(path, wish, get, check_mode)
    known = after.kubeconfig if after else None
    # The result has none of them; should a message ever have one, Ansible blanks it out.
    module.no_log_values.update(s for s in (known.secrets if known else ()) if len(s) >= SHORTEST_SECRET)
    diff = {
        "before": before.facts() if before else {},
        "after": after.facts() if after else {},
        "before_header": dest,
        "after_header": dest,
    }
    return {"changed": before != after, "file": dest, **_known(known), "diff": diff}


def _known(kubeconfig: Kubeconfig | None) -> dict[str, Any]:
    return {
        "server": kubeconfig.server if kubeconfig else None,
        "expires": written_time(kubeconfig.expires) if kubeconfig else None,
    }


def _too_short(found: Kubeconfig, wish: Wish) -> str:
    hours = wish.renew_before.total_seconds() / 3600
    return (
        f"The kubeconfig of mesh {wish.mesh_id} expires at {written_time(found.expires)}, sooner than "
        f"{hours:g} hours from now (renew_before), and ASM has no later one: every run fetches it again. "
        "Lower renew_before, or revoke this kubeconfig in the ASM console to get a new one."
    )


def _as_dicts(calls: list[Record]) -> list[dict[str, Any]]:
    return [record.as_dict() for record in calls]
