"""The stand-in ``wsk``, not a line changed, under OpenTelemetry's auto-instrumentation.

The same as ``opentelemetry-instrument python -m asm_lanes_lab.apps.wsk``: the packages that are installed
decide what is instrumented, ``OTEL_…`` variables how. Nothing is exported unless they say so.
"""

from __future__ import annotations

import os
import runpy
from importlib.util import find_spec

#: What the role of the lab does not install, for only this stand-in needs it.
PACKAGES = (
    "opentelemetry-distro",
    "opentelemetry-instrumentation-aiohttp-client",
    "opentelemetry-instrumentation-aiohttp-server",
)
_MODULES = ("distro", "instrumentation.aiohttp_client", "instrumentation.aiohttp_server")


def main() -> None:
    """Raises SystemExit when a package is missing."""
    if not all(
        find_spec("opentelemetry.instrumentation") and find_spec(f"opentelemetry.{m}") for m in _MODULES
    ):
        raise SystemExit(
            f"wsk-otel needs the Python packages {', '.join(PACKAGES)}: install them for the lab"
        )
    for signal in ("TRACES", "METRICS", "LOGS"):
        os.environ.setdefault(f"OTEL_{signal}_EXPORTER", "none")
    from opentelemetry.instrumentation.auto_instrumentation import initialize

    initialize(swallow_exceptions=False)
    runpy.run_module("asm_lanes_lab.apps.wsk", run_name="__main__")


if __name__ == "__main__":
    main()
