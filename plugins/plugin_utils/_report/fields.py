# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads fields of a document that others wrote: typed, with the path of what is not as it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class ProofError(ValueError):
    """A document that cannot be drawn. The message names the field, what it is, and what it should be."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Give what asm.lanes.lane_probe returns as proof.")


@dataclass(frozen=True)
class Reader:
    """A mapping and the path that leads to it. Every method raises ProofError for a value of another type.

    A key that is missing and one that is null are the same; the plain methods then return an empty value.
    """

    value: Mapping[str, Any]
    path: str

    @classmethod
    def of(cls, value: Any, path: str) -> Reader:
        if not isinstance(value, Mapping):
            raise ProofError(path, f"is a {type(value).__name__}, not a dictionary")
        return cls(value, path)

    def names(self) -> list[str]:
        return [str(key) for key in self.value]

    def raw(self, key: str) -> Any:
        return self.value.get(key)

    def inner(self, key: str) -> Reader:
        value = self.raw(key)
        return Reader.of({} if value is None else value, f"{self.path}.{key}")

    def each(self, key: str) -> Iterator[Reader]:
        for index, item in enumerate(self._list(key)):
            yield Reader.of(item, f"{self.path}.{key}[{index}]")

    def text(self, key: str, default: str = "") -> str:
        found = self.text_or_none(key)
        return default if found is None else found

    def text_or_none(self, key: str) -> str | None:
        value = self.raw(key)
        if isinstance(value, bool | Mapping | list):
            raise self._wrong(key, value, "text")
        return None if value is None else str(value)

    def flag(self, key: str) -> bool | None:
        value = self.raw(key)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(key, value, "true, false or null")
        return value

    def number(self, key: str) -> float:
        return self.number_or_none(key) or 0

    def number_or_none(self, key: str) -> float | None:
        value = self.raw(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(key, value, "a number")
        return value

    def texts(self) -> dict[str, str]:
        """The whole mapping as text by key; what is null is left out."""
        return {key: self.text(key) for key in self.names() if self.raw(key) is not None}

    def counts(self) -> dict[str, int]:
        """The whole mapping as whole numbers by key."""
        return {key: int(self.number(key)) for key in self.names()}

    def list_of_text(self, key: str) -> tuple[str, ...]:
        return tuple(str(item) for item in self._list(key))

    def _list(self, key: str) -> Sequence[Any]:
        value = self.raw(key)
        if value is not None and not isinstance(value, list | tuple):
            raise self._wrong(key, value, "a list")
        return value or []

    def _wrong(self, key: str, value: Any, wanted: str) -> ProofError:
        return ProofError(f"{self.path}.{key}", f"is a {type(value).__name__}, not {wanted}")
