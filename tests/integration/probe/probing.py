"""A proof of the guide's group against any URL, with the module's own options."""

from __future__ import annotations

from typing import Any

from ansible_collections.asm.lanes.plugins.module_utils._probe import options, proof

WSK, HELLO = "default/wsk-svc", "default/helloworld"
GROUP: dict[str, Any] = {
    "name": "ws",
    "mode": "permissive",
    "route_header": "version",
    "trace_header": "baggage",
    "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
    "services": [WSK, HELLO],
    "baseline": "base",
    "lanes": [
        {"name": "base", "label_selector": {"version": "v1"}, "services": [WSK, HELLO]},
        {"name": "v1", "label_selector": {"version": "v1"}, "services": [HELLO]},
        {"name": "v2", "label_selector": {"version": "v2"}, "services": [HELLO]},
    ],
}


def parameters(url: str, **given: Any) -> dict[str, Any]:
    """The module's parameters as Ansible would fill them in."""
    params = {name: spec.get("default") for name, spec in options.ARGUMENTS.items()}
    params |= {"url": url, "lane_group": GROUP, "answered_by": [HELLO], "rate": 0, **given}
    for name in ("entry", "handshake", "raw_websocket", "http"):
        if params[name] is not None:
            spec = options.ARGUMENTS[name]["options"]
            params[name] = {key: one.get("default") for key, one in spec.items()} | params[name]
    return params


def planned(url: str, **given: Any) -> proof.Plan:
    """What would be tried."""
    params = parameters(url, **given)
    options.check(params)
    plan = options.plan(params)
    plan.check_load(options.settings(params), params["max_load"])
    return plan


def prove(url: str, **given: Any) -> dict[str, Any]:
    """The proof, made once."""
    return proof.make(planned(url, **given), options.settings(parameters(url, **given)), 0)


def by_name(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The cases of a proof."""
    return {case["name"]: case for case in told["cases"]}
