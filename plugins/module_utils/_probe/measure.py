# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a proof costs on the machine that makes it."""

from __future__ import annotations

import resource
import time
from typing import Any


class Meter:
    """Measures this process from its making on."""

    def __init__(self) -> None:
        self._cpu = time.process_time()

    def read(self) -> dict[str, Any]:
        """``cpu_seconds`` used since, and ``max_rss_mib``, the most memory that the process ever had."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux counts in KiB
        return {
            "cpu_seconds": round(time.process_time() - self._cpu, 3),
            "max_rss_mib": round(peak, 1),
        }
