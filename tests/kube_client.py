"""An API server as tests read and write it, by the dynamic client of Kubernetes: no kubectl is needed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError

Obj = dict[str, Any]


class Kube:
    """One API server. Kinds are named without a group."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def all(self, kind: str, namespace: str | None = None, **selector: str) -> list[Obj]:
        """The objects of a kind with these labels, of one namespace or of all."""
        labels = ",".join(f"{key}={value}" for key, value in selector.items())
        found = self._named(kind).get(namespace=namespace, label_selector=labels)
        items: list[Obj] = found.to_dict()["items"]
        return items

    def names(self, *kinds: str, namespace: str | None = None) -> set[str]:
        """The objects of these kinds, as ``Kind/name``."""
        return {f"{kind}/{obj['metadata']['name']}" for kind in kinds for obj in self.all(kind, namespace)}

    def get(self, kind: str, name: str, namespace: str | None = None) -> Obj | None:
        """An object; none where there is no such object."""
        try:
            found: Obj = self._named(kind).get(name=name, namespace=namespace).to_dict()
        except NotFoundError:
            return None
        return found

    def changes(self, obj: Obj, seconds: int) -> Iterator[Obj]:
        """The states of an object after this one, as they come; ends after so many seconds."""
        where = self._where(obj)
        events = self._kind_of(obj).watch(
            **where, resource_version=obj["metadata"]["resourceVersion"], timeout=seconds
        )
        yield from (event["raw_object"] for event in events)

    def apply(self, *objects: Obj) -> None:
        """Apply on the server; fields that others own are taken."""
        for obj in objects:
            self._kind_of(obj).server_side_apply(
                obj, **self._where(obj), field_manager="tests", force_conflicts=True
            )

    def patch(self, kind: str, name: str, namespace: str | None, change: Obj) -> None:
        """Merge a change into an object."""
        self._named(kind).patch(change, name, namespace, content_type="application/merge-patch+json")

    def delete(self, *objects: Obj) -> None:
        """Delete, and wait until they are gone."""
        for obj in objects:
            self._kind_of(obj).delete(**self._where(obj))
        for obj in objects:
            where = self._where(obj)
            until(lambda o=obj, w=where: self.get(o["kind"], **w) is None, f"{where} is gone")

    def _named(self, kind: str) -> Any:
        """The kind, in the version that the server prefers where there are several."""
        return max(self.client.resources.search(kind=kind), key=lambda resource: bool(resource.preferred))

    def _kind_of(self, obj: Obj) -> Any:
        return self.client.resources.get(api_version=obj["apiVersion"], kind=obj["kind"])

    @staticmethod
    def _where(obj: Obj) -> dict[str, str]:
        return {key: obj["metadata"][key] for key in ("name", "namespace") if key in obj["metadata"]}


@contextmanager
def connected(kubeconfig: Path) -> Iterator[Kube]:
    """A connection with the rights of a kubeconfig; what it learns of the server is kept for itself."""
    with tempfile.TemporaryDirectory() as folder, config.new_client_from_config(str(kubeconfig)) as api:
        yield Kube(DynamicClient(api, cache_file=f"{folder}/discovery.json"))


def until(check: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """Wait until something is true, and return it; fails naming it."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return found
