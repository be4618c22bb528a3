"""Plays operations on one server: the same requests, with that server's own versions and ids filled in."""

from __future__ import annotations

import json
import time
from typing import Any

from planes import Answer, Http

from .compare import neutral
from .kinds import CONFIG_MAP, KINDS, SERVICE
from .operations import CURRENT, OWN_UID, SPACES, STALE, Operation

#: Seconds that the background work of a server may take.
PATIENCE = 60.0


class Player:
    """One server under test."""

    def __init__(self, name: str, http: Http) -> None:
        self.name = name
        self.http = http
        #: Path of an object -> its metadata as this server told them, all of them.
        self._seen: dict[str, list[dict[str, Any]]] = {}

    def prepare(self, crd: dict[str, Any]) -> None:
        """Install a CRD, make the namespaces, wait until they can be used."""
        made = self.http("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
        assert made.code == 201, made
        for space in SPACES:
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}}
            assert self.http("POST", "/api/v1/namespaces", namespace).code == 201
        group, version = crd["spec"]["group"], crd["spec"]["versions"][0]["name"]
        self._until(lambda: self.http("GET", f"/apis/{group}/{version}/widgets").code == 200)
        self._until(self._has_accounts)
        for path in {kind.path(space) for kind in KINDS for space in SPACES}:
            self._until(lambda path=path: self.http("GET", path).code == 200)

    def _has_accounts(self) -> bool:
        """Whether pods can be made: a cluster's admission wants the namespace's default service account."""
        if self.name == "emulated":
            return True
        paths = [f"/api/v1/namespaces/{space}/serviceaccounts/default" for space in SPACES]
        return all(self.http("GET", path).code == 200 for path in paths)

    def _until(self, check: Any) -> None:
        deadline = time.monotonic() + PATIENCE
        while not check():
            assert time.monotonic() < deadline, f"{self.name}: not ready"
            time.sleep(0.05)

    def play(self, operation: Operation) -> Answer:
        """Send one operation."""
        body = self._fill(operation.body, operation.target)
        answer = self.http(operation.method, operation.path, body, kind=operation.kind, query=operation.query)
        self._see(operation, answer)
        if operation.method == "DELETE" and answer.code == 200 and _ends(answer.body):
            self._until(lambda: not _ends(self.http("GET", operation.path).body))
        return answer

    def _fill(self, body: Any, target: str) -> Any:
        if isinstance(body, dict):
            return {key: self._fill(value, target) for key, value in body.items()}
        if body not in (CURRENT, STALE, OWN_UID):
            return body
        known = self._seen.get(target) or [{"resourceVersion": "1", "uid": "none"}]
        if body == OWN_UID:
            return known[-1]["uid"]
        return known[0 if body == STALE else -1]["resourceVersion"]

    def _see(self, operation: Operation, answer: Answer) -> None:
        body = answer.body
        if answer.code >= 300 or not isinstance(body, dict) or "dryRun" in operation.query:
            return
        metadata = body.get("metadata") or {}
        if "uid" not in metadata:
            return
        path = operation.path.removesuffix("/status").removesuffix("/scale")
        if operation.method == "POST":
            path = f"{path}/{metadata['name']}"
        known = self._seen.setdefault(path, [])
        if not known or known[-1] != metadata:
            known.append(metadata)

    def remove(self, path: str) -> None:
        """Delete an object, whatever holds it."""
        free = {"metadata": {"finalizers": None}}
        self.http("PATCH", path, free, kind="application/merge-patch+json")
        self.http("DELETE", path, {"gracePeriodSeconds": 0})
        self._until(lambda: self.http("GET", path).code == 404)

    def everything(self) -> dict[str, Any]:
        """Every object of the test's kinds."""
        paths = {kind.path(space) for kind in KINDS for space in SPACES}
        return {path: self.http("GET", path) for path in sorted(paths)}

    def history(self, since: str) -> dict[str, list[Any]]:
        """The events of some kinds since a version, as a watch tells them within a second."""
        told: dict[str, list[Any]] = {}
        for kind in (CONFIG_MAP, SERVICE, KINDS[-1]):
            for space in SPACES:
                query = {"watch": "true", "resourceVersion": since, "timeoutSeconds": "1"}
                answer = self.http("GET", kind.path(space), query=query)
                told[kind.path(space)] = events(answer.body)
        return told

    def version(self) -> str:
        """The version that the server is at."""
        version: str = self.http("GET", "/api/v1/namespaces").body["metadata"]["resourceVersion"]
        return version


def _ends(body: Any) -> bool:
    """Whether it is a namespace that ends in the background; one that a finalizer holds stays."""
    metadata = body.get("metadata") or {}
    going = body.get("kind") == "Namespace" and "deletionTimestamp" in metadata
    return going and not metadata.get("finalizers")


def events(body: Any) -> list[Any]:
    """The events of a finished watch, without bookmarks; one event alone was decoded already.

    Nor such as tell nothing new about an object but whose fields are whose.
    """
    told = [body] if isinstance(body, dict) else [json.loads(line) for line in body.splitlines() if line]
    found: list[Any] = []
    last: dict[str, Any] = {}
    for event in told:
        if event["type"] != "BOOKMARK":
            obj, name = neutral(event["object"]), event["object"].get("metadata", {}).get("name", "")
            if event["type"] != "MODIFIED" or last.get(name) != obj:
                found.append([event["type"], obj])
            last[name] = obj
    return found
