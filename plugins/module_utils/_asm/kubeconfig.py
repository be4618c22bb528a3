# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubeconfig of a mesh's control plane: for which mesh it was fetched, and how long it is good.

It carries a record of ours (mesh, address, expiry) in ``extensions``, which kubeconfigs have for such
things: clients pass over it and kubectl keeps it when it edits the file (verified with kubectl 1.32). So a
file can be judged without a call.

The expiry is the end of the client certificate where there is one, since that is what a server looks at, and
it has a time zone. Else it is ``ExpireTime`` of the answer (documented: "expiration time of the kubeconfig
certificate", without a time zone), read as UTC (assumed).
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from .errors import AsmError, Kind

try:
    import yaml

    YAML_IMPORT_ERROR: ImportError | None = None
except ImportError as error:  # reported by the module with missing_required_lib
    YAML_IMPORT_ERROR = error

if TYPE_CHECKING:
    from .client import AsmClient

RECORD = "asm.lanes"  # name of our entry in `extensions`
_SECRET_FIELDS = ("client-key-data", "token", "password")


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig and what is known of it; its text and secrets stay out of its repr.

    server: of its first cluster. expires: None when that cannot be told. mesh_id: of the mesh that it was
    fetched for, None when it carries no record of ours. private_ip: by which address it reaches that mesh.
    """

    text: str = field(repr=False)
    secrets: frozenset[str] = field(repr=False)
    server: str
    expires: datetime | None
    mesh_id: str | None = None
    private_ip: bool = False

    def ends_within(self, margin: timedelta, now: datetime) -> bool:
        """Whether it expires so soon, or may do so."""
        return self.expires is None or self.expires - now <= margin


@dataclass(frozen=True)
class Wish:
    """What the task asks for. force: take nothing that is there for granted."""

    mesh_id: str
    private_ip: bool = False
    renew_before: timedelta = timedelta(hours=24)
    force: bool = False


def parse(text: str) -> Kubeconfig:
    """A kubeconfig. Raises ValueError, which does not quote the text, when it is none."""
    return _understand(_load(text), text)


def from_answer(answer: Mapping[str, Any], wish: Wish) -> Kubeconfig:
    """The kubeconfig in an answer of DescribeServiceMeshKubeconfig, with our record. Raises ValueError."""
    document = _load(str(answer.get("Kubeconfig") or ""))
    others = [entry for entry in _entries(document, "extensions") if entry.get("name") != RECORD]
    expires = _certificates_end(document) or parse_time(answer.get("ExpireTime"))
    record = {"mesh_id": wish.mesh_id, "private_ip": wish.private_ip, "expires": written_time(expires)}
    document["extensions"] = [*others, {"name": RECORD, "extension": record}]
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    return _understand(document, text)


def _load(text: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:  # its words quote the text
        raise ValueError("it is not YAML") from None
    if not isinstance(document, dict) or not _inner(document, "clusters", "cluster"):
        raise ValueError("it is not a kubeconfig with a cluster")
    return document


def _understand(document: Mapping[str, Any], text: str) -> Kubeconfig:
    users = _inner(document, "users", "user")
    records = [entry for entry in _entries(document, "extensions") if entry.get("name") == RECORD]
    record = (_inner({"extensions": records}, "extensions", "extension") or [{}])[0]
    return Kubeconfig(
        text=text,
        secrets=frozenset(str(user[key]) for user in users for key in _SECRET_FIELDS if user.get(key)),
        server=str(_inner(document, "clusters", "cluster")[0].get("server")),
        expires=_certificates_end(document) or parse_time(record.get("expires")),
        mesh_id=record.get("mesh_id"),
        private_ip=bool(record.get("private_ip")),
    )


def _entries(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The entries in one of a kubeconfig's lists; what is of another form is passed over."""
    entries = document.get(key)
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _inner(document: Mapping[str, Any], key: str, inner: str) -> list[dict[str, Any]]:
    """What the named entries in such a list hold."""
    found = [entry.get(inner) for entry in _entries(document, key)]
    return [value for value in found if isinstance(value, dict)]


def _certificates_end(document: Mapping[str, Any]) -> datetime | None:
    """When the first of the client certificates ends; None without any that can be read."""
    try:
        from cryptography import x509  # comes with the SDK; late, because it takes 0.1 s
    except ImportError:
        return None
    ends = []
    for user in _inner(document, "users", "user"):
        try:
            data = base64.b64decode(str(user.get("client-certificate-data")))
            certificate = x509.load_pem_x509_certificate(data)
        except (ValueError, x509.InvalidVersion):
            continue
        end = getattr(certificate, "not_valid_after_utc", None)  # from cryptography 42 on
        ends.append(end or certificate.not_valid_after.replace(tzinfo=timezone.utc))
    return min(ends, default=None)


def parse_time(text: object) -> datetime | None:
    """``YYYY-MM-DD hh:mm:ss`` and ISO 8601, as UTC unless it says otherwise; None for anything else."""
    try:
        time = datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def written_time(time: datetime | None) -> str | None:
    """``2027-01-31T12:00:00Z``."""
    return f"{time.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}" if time else None


def is_good(known: Kubeconfig, wish: Wish, now: datetime) -> bool:
    """Whether a kubeconfig is what is wished for and need not be renewed yet."""
    same = (known.mesh_id, known.private_ip) == (wish.mesh_id, wish.private_ip)
    return same and not known.ends_within(wish.renew_before, now) and not wish.force


def fetch(client: AsmClient, wish: Wish) -> Kubeconfig:
    """The kubeconfig that ASM hands out now. Raises AsmError."""
    action, subject = "DescribeServiceMeshKubeconfig", f"mesh {client.mesh_id}"
    answer = client.call(action, subject, private_ip_address=wish.private_ip)
    try:
        return from_answer(answer, wish)
    except ValueError as error:
        hint = "Download the kubeconfig in the ASM console, and see there whether the mesh is running."
        raise AsmError(
            Kind.UNREADABLE, action, subject, f"the Kubeconfig is of no use: {error}", hint=hint
        ) from None
