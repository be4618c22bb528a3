"""Checks of single settings: each takes the field's name and a value, and returns it in its proper type.

Every check raises SettingsError.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path

from .errors import LabError

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SECRET_HEADERS = ("authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class SettingsError(LabError):
    """A setting that cannot be used; the message names the field, what was expected and what was found."""

    def __init__(self, name: str, expected: str, found: object) -> None:
        super().__init__(f"{name}: expected {expected}, got {found!r}")


def text(name: str, value: object) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise SettingsError(name, "a text", value)
    return value


def path(name: str, value: object) -> Path:
    """A path; ``~`` is the home folder."""
    if isinstance(value, Path):
        return value
    return Path(text(name, value)).expanduser()


def label(name: str, value: object) -> str:
    """A DNS label, as in names of Kubernetes objects."""
    found = text(name, value)
    if not _DNS_LABEL.fullmatch(found):
        raise SettingsError(name, "lower case letters, digits and '-' (a DNS label)", value)
    return found


def choice(*choices: str) -> Callable[[str, object], str]:
    """A check for one of *choices*."""

    def parse(name: str, value: object) -> str:
        if value not in choices:
            raise SettingsError(name, f"one of {', '.join(choices)}", value)
        return str(value)

    return parse


def port(name: str, value: object) -> int:
    """A TCP port, or 0."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 65536:
        raise SettingsError(name, "a port number (0 chooses a free one)", value)
    return value


def fixed_port(name: str, value: object) -> int:
    """A TCP port from 1 on."""
    found = port(name, value)
    if not found:
        raise SettingsError(name, "a port number from 1 to 65535", value)
    return found


def ports(name: str, value: object) -> tuple[int, ...]:
    """At least one TCP port."""
    if not isinstance(value, (list, tuple)) or not value:
        raise SettingsError(name, "a list of port numbers", value)
    return tuple(fixed_port(f"{name}[{index}]", item) for index, item in enumerate(value))


def loopback(name: str, value: object) -> str:
    """An IPv4 address of 127/8."""
    try:
        address = ipaddress.IPv4Address(text(name, value))
    except ValueError as error:
        raise SettingsError(name, "an IPv4 address", value) from error
    if not address.is_loopback:
        raise SettingsError(name, "a loopback address, 127.x.y.z (the lab is for this machine only)", value)
    return str(address)


def network(name: str, value: object) -> str:
    """A part of 127.0.0.0/8, /16 to /24."""
    try:
        found = ipaddress.IPv4Network(text(name, value))
    except ValueError as error:
        raise SettingsError(name, "an IPv4 network such as 127.100.0.0/16", value) from error
    if not found.is_loopback or not 16 <= found.prefixlen <= 24:
        raise SettingsError(name, "a part of 127.0.0.0/8 with a prefix from /16 to /24", value)
    return str(found)


def header_names(name: str, value: object) -> tuple[str, ...]:
    """A list of names of headers, none of which carries secrets."""
    expected = "a list of names of headers that carry no secrets"
    if not isinstance(value, (list, tuple)):
        raise SettingsError(name, expected, value)
    for item in value:
        if not isinstance(item, str) or not _HEADER.fullmatch(item) or item.lower() in _SECRET_HEADERS:
            raise SettingsError(name, expected, item)
    return tuple(value)
