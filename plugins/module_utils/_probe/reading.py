# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which versions an answer names: by a pattern, by a place in JSON, or by a response header. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: As the sample's helloworld says it: ``Hello version: v2, instance: ...``.
DEFAULT_PATTERN = r"version: (?P<version>[^,\s]+)"

#: The (service, version) pairs that an answer names, in its order.
Reading = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reader:
    """Finds (service, version) pairs in answers.

    services: those to be judged, ``namespace/name``. Exactly one of: pattern, a regular expression with a
    group ``version`` and, where answers name several services, a group ``service``, which holds ``name`` or
    ``namespace/name``; path, keys and list indexes separated by dots that lead to the version in a JSON
    answer or, where answers name several services, to an object of versions by service; header, the name
    of a response header that holds the version.
    """

    services: tuple[str, ...]
    pattern: re.Pattern[str] | None = None
    path: tuple[str, ...] = ()
    header: str = ""

    @classmethod
    def parse(cls, pattern: str, services: Sequence[str], option: str = "answer_pattern") -> Reader:
        """Return a reader by pattern; raises ValueError saying what is wrong with pattern or services."""
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{option} {pattern!r} is not a regular expression: {error}") from error
        if "version" not in compiled.groupindex:
            raise ValueError(f"{option} {pattern!r} has no group named version: write (?P<version>...)")
        if "service" not in compiled.groupindex and len(services) != 1:
            raise ValueError(
                f"answered_by names {len(services)} services, but {option} {pattern!r} has no group "
                "named service that could tell them apart: name one service, or add (?P<service>...)"
            )
        return cls(_distinct(services), pattern=compiled)

    @classmethod
    def at(cls, path: str, services: Sequence[str], option: str = "answer_path") -> Reader:
        """Return a reader by a place in JSON; raises ValueError for a path with an empty step."""
        steps = tuple(path.split("."))
        if not all(steps):
            raise ValueError(
                f"{option} {path!r}: write keys and list indexes with dots between, as data.0.version"
            )
        return cls(_distinct(services), path=steps)

    @classmethod
    def in_header(cls, name: str, services: Sequence[str], option: str = "answer_header") -> Reader:
        """Return a reader of a response header; raises ValueError unless exactly one service is judged."""
        if len(services) != 1:
            raise ValueError(
                f"{option} {name!r} holds one version, but answered_by names {len(services)} services"
            )
        return cls(tuple(services), header=name.lower())

    def read(self, answer: str, headers: Mapping[str, str] | None = None) -> Reading:
        """Return what *answer* names. headers: of the response, names in lower case."""
        if self.header:
            value = (headers or {}).get(self.header)
            return ((self.services[0], value),) if value else ()
        if self.pattern is None:
            return self._in_json(answer)
        return tuple((self._service(match), match["version"]) for match in self.pattern.finditer(answer))

    def judged(self, reading: Reading) -> bool:
        """Whether a reading names a version of every service that is judged."""
        return set(self.services) <= {service for service, _version in reading}

    def _service(self, match: re.Match[str]) -> str:
        if self.pattern is None or "service" not in self.pattern.groupindex:
            return self.services[0]
        return self._full_name(str(match["service"]))

    def _full_name(self, name: str) -> str:
        judged = (service for service in self.services if name in (service, service.partition("/")[2]))
        return next(judged, name)

    def _in_json(self, answer: str) -> Reading:
        try:
            place, _end = json.JSONDecoder().raw_decode(answer.strip())
            for step in self.path:
                place = place[int(step)] if isinstance(place, list) else place[step]
        except (ValueError, LookupError, TypeError):  # no JSON, or no such place in it
            return ()
        if isinstance(place, dict):
            return tuple((self._full_name(str(name)), str(value)) for name, value in place.items())
        return ((self.services[0], str(place)),) if _plain(place) and len(self.services) == 1 else ()


def _plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _distinct(services: Sequence[str]) -> tuple[str, ...]:
    names = [service.partition("/")[2] for service in services]
    if len(set(names)) != len(names):
        raise ValueError("answered_by names two services of one name: answers could not tell them apart")
    return tuple(services)
