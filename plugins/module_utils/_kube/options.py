# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options of modules that talk to a Kubernetes API. Apart from all that imports its client."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback

DEFAULT_KUBECONFIG = "~/.kube/config"
"""Where kubectl looks, too."""


def kubeconfig_arguments() -> dict[str, Any]:
    """The options that the doc fragment ``asm.lanes.kubeconfig`` documents."""
    return {
        "kubeconfig": {"type": "path", "fallback": (env_fallback, ["K8S_AUTH_KUBECONFIG"])},
        "context": {"type": "str"},
    }


def objects_arguments() -> dict[str, Any]:
    """Options of all modules that bring a set of objects to its state; fragment ``asm.lanes.objects``."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "force_conflicts": {"type": "bool", "default": False},
        "expect_new": {"type": "bool", "default": False},
        "advice": {"type": "dict"},
    }


def own_arguments() -> dict[str, Any]:
    """Options of those that make the objects themselves; fragment ``asm.lanes.objects.own``."""
    return {"part_of": {"type": "str", "default": "ws"}, "labels": {"type": "dict"}}


def gateway_arguments() -> dict[str, Any]:
    """The options of `gateway_address`, and the port that clients come in by."""
    return {
        "kubeconfig": {"type": "path", "required": True},
        "context": {"type": "str"},
        "namespace": {"type": "str", "default": "istio-system"},
        "selector": {"type": "dict", "default": {"istio": "ingressgateway"}},
        "port": {"type": "int", "default": 30080},
        "timeout": {"type": "float", "default": 300},
    }


def rollout_arguments() -> dict[str, Any]:
    """The options of ``asm.lanes.rollout_status``."""
    return {
        **kubeconfig_arguments(),
        "namespace": {"type": "str", "required": True},
        "deployments": {"type": "list", "elements": "str", "required": True},
        "timeout": {"type": "int", "default": 120},
    }
