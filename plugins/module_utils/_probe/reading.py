# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which versions an answer names, by a pattern of the user's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: As the sample's helloworld says it: ``Hello version: v2, instance: ...``.
DEFAULT_PATTERN = r"version: (?P<version>[^,\s]+)"


@dataclass(frozen=True)
class Reader:
    """Finds (service, version) pairs in answers.

    pattern: a regular expression with a group ``version`` and, where answers name several services, a group
    ``service``, which holds ``name`` or ``namespace/name``. services: those to be judged, ``namespace/name``.
    """

    pattern: re.Pattern[str]
    services: tuple[str, ...]

    @classmethod
    def parse(cls, pattern: str, services: Sequence[str]) -> Reader:
        """Return a reader; raises ValueError saying what is wrong with the pattern or the services."""
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(f"answer_pattern {pattern!r} is not a regular expression: {error}") from error
        if "version" not in compiled.groupindex:
            raise ValueError(f"answer_pattern {pattern!r} has no group named version: write (?P<version>...)")
        if "service" not in compiled.groupindex and len(services) != 1:
            raise ValueError(
                f"answered_by names {len(services)} services, but answer_pattern {pattern!r} has no group "
                "named service that could tell them apart: name one service, or add (?P<service>...)"
            )
        names = [service.partition("/")[2] for service in services]
        if len(set(names)) != len(names):
            raise ValueError("answered_by names two services of one name: answers could not tell them apart")
        return cls(compiled, tuple(services))

    def versions(self, answer: str) -> list[tuple[str, str]]:
        """Return every (service, version) that *answer* names, in its order."""
        return [(self._service(match), match["version"]) for match in self.pattern.finditer(answer)]

    def _service(self, match: re.Match[str]) -> str:
        if "service" not in self.pattern.groupindex:
            return self.services[0]
        name = str(match["service"])
        judged = (service for service in self.services if name in (service, service.partition("/")[2]))
        return next(judged, name)
