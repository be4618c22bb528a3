"""A lab API server in a thread of its own, for kubectl, Ansible and synchronous clients."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import yaml
from asm_lanes_lab.kube import KubeApiServer
from tools_env import program

T = TypeVar("T")
TOKEN = "integration-token"

WIDGET_CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
                },
                "additionalPrinterColumns": [
                    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
                    {
                        "name": "Ready",
                        "type": "string",
                        "jsonPath": '.status.conditions[?(@.type=="Ready")].status',
                    },
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {
                                        "type": "integer",
                                        "minimum": 0,
                                        "description": "How big it is.",
                                    },
                                    "mode": {"type": "string", "enum": ["fast", "safe"], "default": "safe"},
                                    "parts": {
                                        "type": "array",
                                        "items": {
                                            "type": "object",
                                            "required": ["name"],
                                            "properties": {
                                                "name": {"type": "string"},
                                                "weight": {"type": "integer"},
                                            },
                                        },
                                        "x-kubernetes-list-type": "map",
                                        "x-kubernetes-list-map-keys": ["name"],
                                    },
                                },
                            },
                            "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                        },
                    }
                },
            },
            {
                "name": "v1beta1",
                "served": True,
                "storage": False,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
            },
        ],
    },
}


class Lab:
    """The server, its kubeconfig, and ways to talk to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.server = KubeApiServer("cluster", [WIDGET_CRD], {TOKEN: "system:admin"})
        self.kubeconfig = directory / "kubeconfig"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run *coroutine* in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    def call(self, function: Callable[[], T]) -> T:
        """Call *function* in the server's loop, between two requests."""

        async def called() -> T:
            return function()

        return self.run(called())

    def start(self, port: int = 0) -> None:
        self.run(self.server.start("127.0.0.1", port))
        self.kubeconfig.write_text(yaml.safe_dump(self.server.kubeconfig(TOKEN)))

    def stop(self) -> None:
        self.run(self.server.stop())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def environment(self) -> dict[str, str]:
        """For child processes: nothing of the user's Kubernetes settings, an own HOME and cache."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("K8S_", "KUBE"))}
        home = {"HOME": str(self.directory), "TMPDIR": str(self.directory)}
        return {**kept, **home, "KUBECONFIG": str(self.kubeconfig)}

    def kubectl(self, *arguments: str, stdin: str = "", code: int = 0) -> str:
        """The output of kubectl (both streams); fails unless it exits with *code*."""
        done = subprocess.run(
            [program("kubectl", "what it makes of the lab is not tried"), *arguments],
            input=stdin,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == code, f"kubectl {' '.join(arguments)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def playbook(self, tasks: list[dict[str, Any]], *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run *tasks* on localhost with kubernetes.core pointed here."""
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "module_defaults": {"group/kubernetes.core.k8s": {"kubeconfig": str(self.kubeconfig)}},
            "vars": {"ansible_python_interpreter": sys.executable},
            "tasks": tasks,
        }
        path = self.directory / "play.yml"
        path.write_text(yaml.safe_dump([play]))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(path)]
        environment = {**self.environment, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", "NO_COLOR": "1"}
        return subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, timeout=115, check=False
        )


def deployment(name: str = "web", **spec: Any) -> dict[str, Any]:
    """A Deployment in the namespace default, as people write it."""
    container = {"name": "app", "image": "img:1", "ports": [{"containerPort": 5000}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def widget(name: str = "w", **spec: Any) -> dict[str, Any]:
    """A Widget of size 1 in the namespace default."""
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"size": 1, **spec},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    """A ConfigMap in the namespace default."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": data,
    }
