"""The command lines of etcd, kube-apiserver and kube-controller-manager. No I/O."""

from __future__ import annotations

from pathlib import Path

#: Sockets of etcd in its folder: nobody who cannot enter the folder can speak to it.
ETCD_SOCKET = "unix://client.sock:0"
PEER_SOCKET = "unix://peer.sock:0"
#: Releases of Kubernetes 1 before this one run no pod before its service account has a token in a Secret, and
#: their controllers have a port without TLS.
MODERN = 24
#: Cluster IPs; nothing in the lab answers there.
SERVICE_NETWORK = "10.96.0.0/16"

#: What makes ReplicaSets, pods and service accounts, and what ends objects. Not here: the controllers of
#: EndpointSlices (an API server refuses loopback addresses in them, and the lab's pods have no others) and of
#: nodes (the lab's only node is this machine, and there is no kubelet that would renew its lease).
#: The names are those that Kubernetes 1.20 knows; newer releases take them as aliases.
CLUSTER_CONTROLLERS = (
    "deployment",
    "replicaset",
    "namespace",
    "garbagecollector",
    "serviceaccount",
    "root-ca-cert-publisher",
)
MESH_CONTROLLERS = ("namespace", "garbagecollector")


def etcd(program: Path) -> list[str]:
    """Etcd with its data in the folder it runs in; without fsync, for a lab's data is made to be lost."""
    return [
        str(program),
        "--name=lab",
        "--data-dir=data",
        f"--listen-client-urls={ETCD_SOCKET}",
        f"--advertise-client-urls={ETCD_SOCKET}",
        f"--listen-peer-urls={PEER_SOCKET}",
        f"--initial-advertise-peer-urls={PEER_SOCKET}",
        f"--initial-cluster=lab={PEER_SOCKET}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(program: Path, name: str, folder: Path, address: str, port: int) -> list[str]:
    """One API server; *name* is its prefix in etcd, *folder* has its certificates."""
    return [
        str(program),
        f"--etcd-servers={ETCD_SOCKET}",
        f"--etcd-prefix=/{name}",
        f"--bind-address={address}",
        f"--advertise-address={address}",
        f"--secure-port={port}",
        f"--tls-cert-file={folder}/server.crt",
        f"--tls-private-key-file={folder}/server.key",
        f"--client-ca-file={folder}/ca.crt",
        f"--token-auth-file={folder}/tokens.csv",
        "--anonymous-auth=false",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder}/accounts.pub",
        f"--service-account-signing-key-file={folder}/accounts.key",
        f"--kubelet-certificate-authority={folder}/ca.crt",
        f"--kubelet-client-certificate={folder}/kubelet-client.crt",
        f"--kubelet-client-key={folder}/kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        # Its address is a loopback address, which Endpoints may not have.
        "--endpoint-reconciler-type=none",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def controllers(
    program: Path, folder: Path, kubeconfig: Path, names: tuple[str, ...], release: int
) -> list[str]:
    """Kube-controller-manager with some of its controllers; it listens nowhere. *release*: 20 for 1.20."""
    old = ["--port=0"] if release < MODERN else []
    if release < MODERN and "serviceaccount" in names:
        names = (*names, "serviceaccount-token")
    return [
        str(program),
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(names)}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={folder}/accounts.key",
        f"--root-ca-file={folder}/ca.crt",
        "--leader-elect=false",
        "--secure-port=0",
        *old,
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ]
