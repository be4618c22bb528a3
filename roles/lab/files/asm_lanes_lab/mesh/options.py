"""What the translation depends on besides the objects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_SECRET = ("authorization", "cookie", "set-cookie", "proxy-authorization", "x-api-key")


@dataclass(frozen=True)
class Options:
    """Folders and addresses of the lab, and what access logs show.

    logged_headers: request headers whose values go into the access logs (for audits of lanes); those that
    carry secrets are not allowed.
    """

    xds_dir: Path
    gateway_address: str = "127.0.0.1"
    pod_network: str = "127.100.0.0/16"
    app_network: str = "127.101.0.0/16"
    logged_headers: tuple[str, ...] = ("version", "baggage", "traceparent")

    def __post_init__(self) -> None:
        for name in self.logged_headers:
            if name.lower() in _SECRET:
                raise ValueError(f"logged_headers: {name!r} may carry secrets; choose other headers")
