# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the access log of a proxy says, line by line. Pure.

Documented by ASM: JSON lines with the default fields ``start_time``, ``duration``, ``request_id``,
``method``, ``path``, ``authority_for``, ``route_name``, ``upstream_cluster``, ``upstream_host``,
``response_code`` and ``response_flags``; request headers only as custom fields, whose names the user chooses.
Read here: a field named like the header, in any case, with ``-`` or ``_``. Envoy writes what a request has
not as null or ``-``, and headers as they are when the request is done, with what this proxy changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .context import TRACEPARENT, trace_of

INBOUND, OUTBOUND, GATEWAY = "inbound", "outbound", "gateway"
#: What every line must have to be of use; without the rest less is known.
NEEDED = ("start_time", "path", "request_id", "upstream_cluster", "upstream_host")
_OPENED = "DownstreamTunnelSuccessfullyEstablished"  # Envoy's event for a WebSocket that has opened
_NOTHING = (None, "", "-")


@dataclass(frozen=True)
class Entry:
    """One request, as one proxy saw it.

    pod: ``namespace/name``. start, end: seconds since the epoch, by the clock of the pod's node. direction:
    into the pod (``inbound``), out of it (``outbound``), or through a gateway. headers: by name in lower
    case; a name that is missing is not logged, None means that the request did not have it. open: not done
    yet.
    """

    pod: str
    start: float
    end: float
    direction: str
    path: str = ""
    request_id: str = ""
    cluster: str = ""
    upstream: str = ""
    route: str = ""
    code: int = 0
    flags: str = ""
    headers: Mapping[str, str | None] = field(default_factory=dict)
    open: bool = False

    @property
    def subset(self) -> str:
        """Subset of the Service to which it went: the name of a lane (documented); empty for none."""
        parts = self.cluster.split("|")
        return parts[2] if len(parts) == 4 else ""

    @property
    def service(self) -> str:
        """The Service to which it went, ``namespace/name``; another host as it stands; empty for none."""
        parts = self.cluster.split("|")
        if len(parts) != 4 or not parts[3]:
            return ""
        labels = parts[3].split(".")
        return f"{labels[1]}/{labels[0]}" if len(labels) > 2 and labels[2] == "svc" else parts[3]

    @property
    def upstream_ip(self) -> str:
        return self.upstream.rpartition(":")[0].strip("[]")

    @property
    def trace(self) -> str:
        """Its trace id by W3C trace context; empty for none, or when it is not logged."""
        return trace_of(self.headers.get(TRACEPARENT) or "")


@dataclass(frozen=True)
class Log:
    """The access log of one pod. missing: fields that no line has, so that nothing can be said of them."""

    entries: tuple[Entry, ...]
    missing: tuple[str, ...] = ()


def parse(pod: str, gateway: bool, lines: Iterable[str], headers: Sequence[str]) -> Log:
    """Read the lines that are access log entries; others (Envoy's own messages) are passed over.

    headers: names of the request headers to look for, in lower case.
    """
    records = [record for line in lines if (record := _record(line))]
    keys = {key for record in records for key in record}
    names = {name: key for name in headers if (key := _field_of(name, keys))}
    found = [_entry(pod, gateway, record, names) for record in records]
    missing = [name for name in (*NEEDED, *headers) if records and name not in keys and name not in names]
    return Log(tuple(sorted(_done(one for one in found if one), key=lambda one: one.start)), tuple(missing))


def _record(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    nested = record.get("headers")
    return {
        key.lower(): value
        for key, value in {**record, **(nested if isinstance(nested, dict) else {})}.items()
    }


def _field_of(header: str, keys: Iterable[str]) -> str | None:
    wanted = header.replace("-", "_")
    return next((key for key in sorted(keys) if key.replace("-", "_") == wanted), None)


def _entry(pod: str, gateway: bool, record: Mapping[str, Any], names: Mapping[str, str]) -> Entry | None:
    start = _time(record.get("start_time"))
    if start is None:
        return None
    cluster = _text(record.get("upstream_cluster"))
    inbound = cluster.lower().startswith("inbound")
    return Entry(
        pod=pod,
        start=start,
        end=start + (_number(record.get("duration")) + 1) / 1000,  # written in whole milliseconds
        direction=GATEWAY if gateway else INBOUND if inbound else OUTBOUND,
        path=_text(record.get("path")),
        request_id=_text(record.get("request_id")),
        cluster=cluster,
        upstream=_text(record.get("upstream_host")),
        route=_text(record.get("route_name")),
        code=int(_number(record.get("response_code"))),
        flags=_text(record.get("response_flags")),
        headers={name: _text(record.get(key)) or None for name, key in names.items()},
        open=record.get("event") == _OPENED,
    )


def _done(entries: Iterable[Entry]) -> list[Entry]:
    """One entry for each request: of a WebSocket's two lines the later."""
    kept: dict[tuple[object, ...], Entry] = {}
    for one in entries:
        key = (one.direction, one.request_id, one.path, one.start, one.cluster)
        if key not in kept or (kept[key].open and not one.open):
            kept[key] = one
    return list(kept.values())


def _text(value: Any) -> str:
    return "" if value in _NOTHING else str(value)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _time(value: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(value).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None
