"""Addresses for pods."""

from __future__ import annotations

from collections import deque
from ipaddress import IPv4Address, IPv4Network

from ..settings import Settings

#: Addresses at the start of the network that no pod gets; the lab takes the first to see that it is alone.
RESERVED = 10


class NoAddressError(Exception):
    """The pod network is used up."""


class AddressPool:
    """Hands out addresses of the pod network in turn, so that a freed one rests as long as possible."""

    def __init__(self, settings: Settings) -> None:
        self._pods = IPv4Network(settings.pod_network)
        self._apps = IPv4Network(settings.app_network)
        self._unused = iter(range(RESERVED, self._pods.num_addresses - 1))
        self._rested: deque[str] = deque()

    def take(self) -> str:
        """A free address; raises NoAddressError."""
        host = next(self._unused, None)
        if host is not None:
            return str(self._pods[host])
        if not self._rested:
            raise NoAddressError(f"pod_network: no address of {self._pods} is free")
        return self._rested.popleft()

    def give_back(self, address: str) -> None:
        """Return an address taken."""
        self._rested.append(address)

    def behind(self, address: str) -> str:
        """Where the app of the injected pod *address* listens: the same host part in the app network."""
        host = int(IPv4Address(address)) - int(self._pods.network_address)
        return str(self._apps[host])
