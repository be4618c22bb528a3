"""Reads parts of an object and refuses, by name of the field, whatever is unknown or of the wrong type."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

from .findings import RefusedError

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RE2_FLAGS = set("imsU")


class Node:
    """A mapping inside an object, with the path that leads to it."""

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise RefusedError(path, f"expected an object, found {type(value).__name__}", "Invalid")
        self.value: dict[str, Any] = value
        self.path = path

    def at(self, key: str) -> str:
        """The path of one of the fields."""
        return f"{self.path}.{key}" if self.path else key

    def only(self, *supported: str) -> None:
        """Refuse every field that is set and not among `supported`."""
        for key, value in self.value.items():
            if key not in supported and value is not None:
                raise RefusedError(self.at(key), "not supported by the lab's mesh")

    def has(self, key: str) -> bool:
        """Whether the field is set."""
        return self.value.get(key) is not None

    def text(self, key: str, default: str = "") -> str:
        """A string field."""
        return str(self._typed(key, str, "a string", default))

    def line(self, key: str) -> str:
        """A string field without control characters, which Envoy would not take."""
        value = self.text(key)
        if any(ord(character) < 32 or ord(character) == 127 for character in value):
            raise RefusedError(self.at(key), "control characters are not allowed here", "Invalid")
        return value

    def number(self, key: str, default: int = 0) -> int:
        """An integer field."""
        return int(self._typed(key, int, "an integer", default))

    def flag(self, key: str) -> bool:
        """A boolean field, False when it is not set."""
        return bool(self._typed(key, bool, "a boolean", False))

    def required(self, key: str) -> str:
        """A string field that must not be empty."""
        value = self.text(key)
        if not value:
            raise RefusedError(self.at(key), "is required", "Invalid")
        return value

    def child(self, key: str) -> Node | None:
        """An object field, None when it is not set."""
        return Node(self.value[key], self.at(key)) if self.has(key) else None

    def children(self, key: str) -> list[Node]:
        """A list of objects, empty when it is not set."""
        return [Node(item, f"{self.at(key)}[{index}]") for index, item in enumerate(self._list(key))]

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty when it is not set."""
        values = self._list(key)
        for index, item in enumerate(values):
            if not isinstance(item, str):
                raise RefusedError(f"{self.at(key)}[{index}]", "expected a string", "Invalid")
        return tuple(values)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """A map of strings as sorted pairs, empty when it is not set."""
        child = self.child(key)
        return tuple((name, child.text(name)) for name in sorted(child.value)) if child else ()

    def duration(self, key: str) -> float | None:
        """A duration such as `1.5s`, `500ms` or `1m30s`, in seconds; None when it is not set."""
        text = self.text(key)
        if not text:
            return None
        parts = _DURATION_PART.findall(text)
        if "".join(amount + unit for amount, unit in parts) != text:
            raise RefusedError(
                self.at(key), f"{text!r} is not a duration such as 1.5s, 500ms or 1m30s", "Invalid"
            )
        return sum(float(amount) * _SECONDS[unit] for amount, unit in parts)

    def _typed(self, key: str, kind: type, words: str, default: Any) -> Any:
        value = self.value.get(key)
        if value is None:
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise RefusedError(self.at(key), f"expected {words}, found {type(value).__name__}", "Invalid")
        return value

    def _list(self, key: str) -> list[Any]:
        return list(self._typed(key, list, "a list", []))


def header_name(name: str, path: str) -> str:
    """A header name in lower case; refused when HTTP does not allow it (Envoy would reject everything)."""
    if not _HEADER_NAME.fullmatch(name):
        raise RefusedError(path, f"{name!r} is not a header name", "Invalid")
    return name.lower()


def regex(pattern: str, path: str) -> str:
    """A regular expression that RE2, Envoy's engine, surely takes.

    One bad expression would make Envoy reject the whole route table, so doubtful ones are refused here: what
    Python and RE2 both know, less Python's own extras.
    """
    try:
        with warnings.catch_warnings():  # of what Python may read otherwise one day: RE2 reads it
            warnings.simplefilter("ignore", FutureWarning)
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise RefusedError(path, f"{pattern!r} is not a regular expression: {error}", "Invalid") from None
    extra = _beyond_re2(re.sub(r"\\\\", "", pattern))
    if extra:
        raise RefusedError(
            path, f"{pattern!r} uses {extra}, which RE2 (Envoy's engine) does not know", "Invalid"
        )
    return pattern


def _beyond_re2(pattern: str) -> str | None:
    """Name what a Python expression (escaped backslashes taken out) has that RE2 lacks."""
    if re.search(r"\(\?(?:[=!>(#]|<[=!]|P=)", pattern):
        return "a look-around, a back reference, a comment or a condition"
    if re.search(r"\\[1-9ZuN]", pattern) or re.search(r"\\U", pattern):
        return "a back reference or an escape of Python's"
    if re.search(r"(?<!\\)[*+?}]\+", pattern):
        return "a possessive quantifier"
    if any(int(count) > 1000 for count in re.findall(r"\d+", " ".join(re.findall(r"\{[\d,]+\}", pattern)))):
        return "a repetition of more than 1000"
    flags = set("".join(re.findall(r"\(\?([a-zA-Z-]+)[:)]", pattern))) - {"-"}
    return "a flag of Python's" if flags - _RE2_FLAGS else None


def unknown(values: Iterable[str], allowed: Iterable[str], path: str) -> None:
    """Refuse values that are not among the allowed ones."""
    for value in values:
        if value not in allowed:
            raise RefusedError(path, f"{value!r} is not supported; supported: {', '.join(sorted(allowed))}")
