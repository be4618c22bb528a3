# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options in which a lane group is stated: what ``_lanes.words.parse`` takes."""

from __future__ import annotations

from typing import Any

from .._lanes.ingress import HOW, RULE_BASED, STRATEGIES

Spec = dict[str, Any]


def lane_group_options() -> Spec:
    """A lane group with its lanes."""
    return {
        "name": {"type": "str", "required": True},
        "mode": {"type": "str", "choices": ["permissive", "strict"]},
        "route_header": {"type": "str"},
        "trace_header": {"type": "str"},
        "gateway_rule": _group({"name": {"type": "str", "required": True}, "namespace": {"type": "str"}}),
        "services": _names(),
        "baseline": {"type": "str"},
        "service_fallback": {"type": "dict"},
        "ingress_routing": _group(
            {
                "strategy": {"type": "str", "choices": list(STRATEGIES), "default": RULE_BASED},
                "hosts": _names(),
                "matches": _list(_match()),
            }
        ),
        "lanes": _list(
            {
                "name": {"type": "str", "required": True},
                "label_selector": {"type": "dict", "required": True},
                "services": {**_names(), "required": True},
                "ingress_rules": _list(
                    {
                        "name": {"type": "str", "required": True},
                        "hosts": _names(),
                        "match": _group(_match()),
                        "destination": {**_group(_destination()), "required": True},
                    }
                ),
                "ingress_weight": _group({"weight": {"type": "int"}, "destination": _group(_destination())}),
            }
        ),
    }


def given_option() -> Spec:
    """One lane group whose lanes are tried."""
    return {"lane_group": {**_group(lane_group_options()), "required": True}}


def wish_options() -> Spec:
    """A lane group and what shall become of it: what ``lane_group.wish_from`` takes, but for ``wait``."""
    return {
        **lane_group_options(),
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "purge_lanes": {"type": "bool", "default": False},
        "on_existing": {"type": "str", "choices": ["adopt", "refuse"], "default": "adopt"},
        "recreate": {"type": "bool", "default": False},
    }


def many_wishes_options() -> Spec:
    """A list of wishes."""
    return {"groups": {**_list(wish_options()), "required": True}}


def writing_options() -> Spec:
    """How lane groups are written, besides the way to the mesh."""
    return {
        "wait": {"type": "bool", "default": True},
        "cluster": {"type": "str"},
        "known_cluster": _group(
            {name: {"type": "str", "required": True} for name in ("mesh_id", "name", "id")}
        ),
    }


def stated(value: Any) -> Any:
    """Without the suboptions that Ansible fills in with null: an empty dictionary means to clear."""
    if isinstance(value, dict):
        return {key: stated(inner) for key, inner in value.items() if inner is not None}
    return [stated(inner) for inner in value] if isinstance(value, list) else value


def _match() -> Spec:
    return {"uri": _group({how: {"type": "str"} for how in HOW}), "headers": {"type": "dict"}}


def _destination() -> Spec:
    return {"service": {"type": "str"}, "port": {"type": "int"}}


def _names() -> Spec:
    return {"type": "list", "elements": "str"}


def _list(options: Spec) -> Spec:
    return {"type": "list", "elements": "dict", "options": options}


def _group(options: Spec) -> Spec:
    return {"type": "dict", "options": options}
