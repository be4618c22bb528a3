# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may call the lab's OpenAPI, with which keys and rights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal, get_args

Permissions = Literal["all", "readonly", "none"]


@dataclass(frozen=True)
class Credential:
    """One access key.

    security_token: set for STS credentials, which must send it. expires: end of the
    token's life, timezone-aware; None: never. permissions: ``all``; ``readonly``, a mesh
    role that may not write (StatusForbidden); ``none``, refused by RAM (Forbidden.RAM).
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)
    expires: datetime | None = None
    permissions: Permissions = "all"

    @classmethod
    def from_mapping(cls, entry: Mapping[str, Any]) -> Credential:
        """A credential from its JSON or YAML form; ``expires`` is ISO 8601 (UTC when it names no zone).

        Raises ValueError that names the field, never its secret value.
        """
        known = ("access_key_id", "access_key_secret", "security_token", "expires", "permissions")
        strange = sorted(set(entry) - set(known))
        if strange:
            raise ValueError(f"credential: unknown field {', '.join(strange)}; known are {', '.join(known)}")
        for name in known[:2]:
            if not isinstance(entry.get(name), str) or not entry[name]:
                raise ValueError(f"credential: {name} must be a text that is not empty")
        permissions = entry.get("permissions", "all")
        if permissions not in get_args(Permissions):
            raise ValueError(f"credential: permissions must be one of {', '.join(get_args(Permissions))}")
        return cls(
            access_key_id=entry["access_key_id"],
            access_key_secret=entry["access_key_secret"],
            security_token=entry.get("security_token") or None,
            expires=_time(entry.get("expires")),
            permissions=permissions,
        )


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        when = (
            value
            if isinstance(value, datetime)
            else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
        )
    except ValueError:
        raise ValueError("credential: expires must be a time such as 2030-01-31T12:00:00Z") from None
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)


class CredentialStore:
    """Credentials by access key id; may be replaced while the API runs."""

    def __init__(self, credentials: Iterable[Credential]) -> None:
        self._by_id: dict[str, Credential] = {}
        self.replace(credentials)

    def replace(self, credentials: Iterable[Credential]) -> None:
        """Take these credentials in the place of all that were there; ValueError on a repeated id."""
        entries = list(credentials)
        by_id = {credential.access_key_id: credential for credential in entries}
        if len(by_id) != len(entries):
            raise ValueError("credentials: an access_key_id is given twice")
        self._by_id = by_id

    def find(self, access_key_id: str) -> Credential | None:
        return self._by_id.get(access_key_id)
