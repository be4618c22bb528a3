# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of the modules that talk to the application as its clients do, and what they mean.

Pure, but for reading a file of certificates.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._lanes import words
from .entry import HEADER, WAYS
from .reading import DEFAULT_PATTERN, Reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .._lanes.model import LaneGroup

Params = dict[str, Any]

#: The options besides ``lane_group``; documented in C(doc_fragments/lane_client.py).
ARGUMENTS: Params = {
    "url": {"type": "str", "required": True},
    "path": {"type": "str", "default": "socket.io"},
    "headers": {"type": "dict", "no_log": True},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path"},
    "entry": {
        "type": "dict",
        "options": {
            "via": {"type": "str", "choices": list(WAYS), "default": HEADER},
            "name": {"type": "str"},
        },
    },
    "emit_event": {"type": "str", "default": "test000"},
    "answer_event": {"type": "str", "default": "hello"},
    "broadcast_event": {"type": "str", "default": "okok"},
    "answered_by": {"type": "list", "elements": "str", "required": True},
    "answer_pattern": {"type": "str", "default": DEFAULT_PATTERN},
    "answer_path": {"type": "str"},
    "version_label": {"type": "str", "default": "version"},
}
#: What a group cannot be tried without.
_NEEDED = ("gateway_rule", "services", "lanes")


def check(params: Params) -> None:
    """Raise ValueError for values that the argument spec cannot refuse."""
    address = urlsplit(params["url"])
    if address.scheme not in ("http", "https") or not address.hostname:
        raise ValueError(f"url: {params['url']!r} is not of the form http://host:port or https://host:port")
    if params["ca_path"] and not params["validate_certs"]:
        raise ValueError("ca_path: has no use with validate_certs=false; leave one of them out")


def group_words(params: Params) -> dict[str, Any]:
    """Return the lane group without what is not stated; permissive unless it says otherwise.

    Raises ValueError when it lacks what it cannot be tried without.
    """
    stated = {name: value for name, value in params["lane_group"].items() if value is not None}
    for name in _NEEDED:
        if not stated.get(name):
            raise ValueError(
                f"lane_group.{name} is missing: state the group as asm.lanes.lane_group takes it"
            )
    return {"mode": "permissive", **stated}


def group(params: Params) -> LaneGroup:
    """Return the lane group; raises ValueError (SpecError is one) for one that cannot be."""
    return words.parse(group_words(params))


def entry(params: Params) -> tuple[str, str]:
    """Return how clients name their lane, as (via, name); an empty name is that of the route header.

    Raises ValueError for a cookie or query parameter without a name.
    """
    given = params["entry"] or {"via": HEADER, "name": None}
    if given["via"] != HEADER and not given["name"]:
        raise ValueError(f"entry.name: not given; name the {given['via']} that holds the lane")
    return given["via"], given["name"] or ""


def reader(params: Params, own: Mapping[str, Any] | None = None, prefix: str = "") -> Reader:
    """Return the reader of answers: by the options of a transport of its *own*, else by the common ones.

    prefix: of the own options' names, for errors. Raises ValueError naming the option that is wrong.
    """
    own = own or {}
    services: Sequence[str] = own.get("answered_by") or params["answered_by"]
    for service in services:
        if service.count("/") != 1:
            raise ValueError(f"{prefix}answered_by {service!r}: write each service as namespace/name")
    given = [name for name in ("answer_pattern", "answer_path", "answer_header") if own.get(name)]
    if len(given) > 1:
        raise ValueError(f"{prefix}{given[0]}: cannot be together with {given[1]}; leave one of them out")
    if given:
        make = {"answer_pattern": Reader.parse, "answer_path": Reader.at, "answer_header": Reader.in_header}
        return make[given[0]](own[given[0]], services, prefix + given[0])
    if params["answer_path"]:
        return Reader.at(params["answer_path"], services)
    return Reader.parse(params["answer_pattern"], services)


def headers(params: Params) -> dict[str, str]:
    """Return the headers of every request."""
    return {name: str(value) for name, value in (params["headers"] or {}).items()}


def host(params: Params) -> str:
    """Return the host that is asked for, without port: rules at the gateway may look at it."""
    given = {name.lower(): value for name, value in headers(params).items()}.get("host")
    return (given.partition(":")[0] if given else urlsplit(params["url"]).hostname) or ""


def tls(params: Params) -> bool | ssl.SSLContext:
    """Return what aiohttp takes as ``ssl``; raises ValueError for a file of certificates that is none.

    What verifies is never aiohttp's own context: others in the process may have made it trust more.
    """
    validate, ca_path = bool(params["validate_certs"]), params["ca_path"]
    if not validate or (not ca_path and urlsplit(params["url"]).scheme == "http"):
        return validate
    try:
        return ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_path or None)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(
            f"ca_path {ca_path!r} is not a readable file of certificates (PEM): {error}"
        ) from error
