"""Users with exactly the rights that ``docs/rbac`` gives, for tests of these rights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from asm_lanes_lab.kube.pki import Authority
from asm_lanes_lab.kubeconfig import certificate_credentials, kubeconfig
from planes import Http

DOCS = Path(__file__).parents[3] / "docs" / "rbac"
GROUP = "/apis/rbac.authorization.k8s.io/v1"

Obj = dict[str, Any]


@dataclass(frozen=True)
class Permission:
    """One verb on one resource, from one file."""

    file: str
    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.file}: {self.verb} {self.resource}"


def documents(file: str) -> list[Obj]:
    """The Roles and ClusterRoles of a file below ``docs/rbac``, such as ``mesh/preflight``."""
    return [item for item in yaml.safe_load_all((DOCS / f"{file}.yml").read_text()) if item]


def files(side: str) -> list[str]:
    """All files for one of the APIs."""
    return sorted(f"{side}/{path.stem}" for path in (DOCS / side).glob("*.yml"))


def permissions(file: str) -> Iterator[Permission]:
    """Every permission of a file."""
    for document in documents(file):
        for rule in document["rules"]:
            for group in rule["apiGroups"]:
                for resource in rule["resources"]:
                    for verb in rule["verbs"]:
                        yield Permission(file, group, resource, verb)


def without(document: Obj, permission: Permission | None) -> Obj:
    """A Role or ClusterRole in which one permission is missing."""
    made = copy.deepcopy(document)
    if permission is None:
        return made
    made["rules"] = [
        {"apiGroups": [group], "resources": [resource], "verbs": verbs}
        for rule in document["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if (verbs := [verb for verb in rule["verbs"] if (group, resource, verb) != _key(permission)])
    ]
    return made


def _key(permission: Permission) -> tuple[str, str, str]:
    return permission.group, permission.resource, permission.verb


class Account:
    """A user of one API, known by a certificate of the lab's authority; it may do what it is granted here."""

    def __init__(self, name: str, side: str, admin: Http, admin_kubeconfig: Path, file: Path) -> None:
        """*file*: where the user's kubeconfig goes."""
        self.name, self.side, self.file = name, side, file
        self._admin = admin
        self._granted: list[str] = []
        server = yaml.safe_load(admin_kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        authority = Authority.at(admin_kubeconfig.parent)
        issued = authority.for_client(name)
        credentials = certificate_credentials(issued.pem, issued.key_pem)
        file.write_text(yaml.safe_dump(kubeconfig(side, server, authority.pem, name, credentials)))

    def grant(self, namespaces: dict[str, str], missing: Permission | None = None) -> None:
        """Exactly the rights of the files that *namespaces* names, each with the namespace of its Roles.

        ``*``: in all namespaces, as ClusterRoles.
        """
        for path in self._granted:
            assert self._admin("DELETE", path).code in (200, 404)
        self._granted = []
        for file, namespace in namespaces.items():
            for document in documents(file):
                self._bind(document, namespace, missing if missing and missing.file == file else None)

    def _bind(self, document: Obj, namespace: str, missing: Permission | None) -> None:
        role = without(document, missing)
        if namespace == "*":
            role["kind"] = "ClusterRole"
        scope = f"{GROUP}/namespaces/{namespace}" if role["kind"] == "Role" else GROUP
        binding: Obj = {
            "apiVersion": role["apiVersion"],
            "kind": f"{role['kind']}Binding",
            "metadata": {"name": role["metadata"]["name"]},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": role["kind"],
                "name": role["metadata"]["name"],
            },
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": self.name}],
        }
        for obj in (role, binding):
            path = f"{scope}/{obj['kind'].lower()}s"
            made = self._admin("POST", path, obj)
            assert made.code == 201, made.body
            self._granted.append(f"{path}/{obj['metadata']['name']}")
