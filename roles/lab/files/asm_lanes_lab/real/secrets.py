"""Certificates, keys and tokens of a real control plane, in a folder that only its owner can enter."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files import write_secret_yaml, write_text
from ..kube.pki import Authority, key_pem, new_key, public_pem
from ..kubeconfig import certificate_credentials, kubeconfig
from ..plane import ADMIN

#: Kubernetes' own user for its controllers, and the group that may do everything.
CONTROLLER_USER = "system:kube-controller-manager"
MASTERS = "system:masters"


@dataclass(frozen=True)
class Secrets:
    """What the programs of one control plane prove themselves with."""

    folder: Path
    authority: Authority
    token: str

    @classmethod
    def make(cls, folder: Path, state_dir: Path, address: str) -> Secrets:
        """Make all of it anew; the certificate authority is the one of *state_dir*."""
        authority, token = Authority.at(state_dir), secrets.token_urlsafe(24)
        server = authority.for_server(
            "kube-apiserver", address, "localhost", "kubernetes", "kubernetes.default.svc"
        )
        to_kubelet = authority.for_client("kube-apiserver-kubelet-client", MASTERS)
        accounts = new_key()
        content = {
            "ca.crt": authority.pem,
            "server.crt": server.pem,
            "server.key": server.key_pem,
            "kubelet-client.crt": to_kubelet.pem,
            "kubelet-client.key": to_kubelet.key_pem,
            "accounts.key": key_pem(accounts),
            "accounts.pub": public_pem(accounts),
            "tokens.csv": f'{token},{ADMIN},{ADMIN},"{MASTERS}"\n',
        }
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in content.items():
            write_text(folder / name, text, 0o600)
        return cls(folder, authority, token)

    def admin(self, name: str, url: str) -> dict[str, Any]:
        """The kubeconfig of the lab's administrator, for one of the APIs."""
        return kubeconfig(name, url, self.authority.pem, ADMIN, {"token": self.token})

    def user(self, name: str, url: str, user: str, *groups: str) -> dict[str, Any]:
        """The kubeconfig of another user, who has a certificate and those rights that RBAC gives."""
        issued = self.authority.for_client(user, *groups)
        credentials = certificate_credentials(issued.pem, issued.key_pem)
        return kubeconfig(name, url, self.authority.pem, user, credentials)

    def controllers(self, name: str, url: str) -> Path:
        """The kubeconfig file of the controllers of one of the APIs."""
        file = self.folder / f"{name}-controllers.kubeconfig"
        write_secret_yaml(file, self.user(name, url, CONTROLLER_USER))
        return file
