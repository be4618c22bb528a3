# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection's pure domain, for the lab.

The lab runs as a package of its own, outside Ansible's import system: ``_lanes`` imports
nothing but the standard library and itself, so it is found by the collection's
``plugins/module_utils`` folder alone, in a checkout as after a Galaxy install.
"""

from __future__ import annotations

import sys
from pathlib import Path

_MODULE_UTILS = str(Path(__file__).parents[4] / "plugins" / "module_utils")
if _MODULE_UTILS not in sys.path:
    sys.path.append(_MODULE_UTILS)

from _lanes import entry, ingress, model, plan, problems, routing, rules, words

__all__ = ["entry", "ingress", "model", "plan", "problems", "routing", "rules", "words"]
