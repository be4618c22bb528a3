# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parameters as they come over the wire: text in, typed values out."""

from __future__ import annotations

from collections.abc import Mapping

from . import errors
from .coverage import Operation

_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


class Params:
    """The parameters of one call. Notes which of them were looked at, so that none is ignored unseen."""

    def __init__(self, operation: Operation, values: Mapping[str, str | bool]) -> None:
        self._operation = operation
        self._values = values
        self.read: set[str] = set()

    def text(self, name: str) -> str | None:
        """A text; None when it was not sent."""
        value = self._value(name)
        return None if value is None else str(value)

    def need(self, name: str) -> str:
        """A text that must be there and not be empty."""
        value = self.text(name)
        if not value:
            raise errors.missing(name)
        return value

    def flag(self, name: str) -> bool | None:
        """A boolean; None when it was not sent."""
        value = self._value(name)
        return None if value is None else bool(value)

    @property
    def unread(self) -> set[str]:
        """Parameters that were sent and that nobody looked at."""
        return set(self._values) - self.read

    def _value(self, name: str) -> str | bool | None:
        if name not in self._operation.parameters:
            raise KeyError(f"{self._operation.name} has no parameter {name} in the coverage table")
        self.read.add(name)
        return self._values.get(name)


def parse(operation: Operation, sent: Mapping[str, str]) -> Params:
    """The parameters of a call, held against the coverage table.

    Raises ApiError: unknown or unsupported parameter, mandatory one missing, wrong type.
    """
    # Lists are sent as Name.1, Name.2.Field (verified for Tag).
    unknown = sorted(name for name in sent if name.partition(".")[0] not in operation.parameters)
    if unknown:
        raise errors.unknown_parameter(operation.name, ", ".join(unknown), ", ".join(operation.parameters))
    values: dict[str, str | bool] = {}
    for name, text in sent.items():
        parameter = operation.parameters[name.partition(".")[0]]
        if parameter.status == "refused":
            raise errors.unsupported(operation.name, parameter.name, parameter.note)
        values[name] = _boolean(name, text) if parameter.type == "boolean" else text
    for parameter in operation.parameters.values():
        if parameter.required and not values.get(parameter.name):
            raise errors.missing(parameter.name)
    return Params(operation, values)


def _boolean(name: str, text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise errors.invalid(name, f"{text!r} is not a boolean", "Send true or false.") from None
