# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prints the coverage table of the lab's ASM OpenAPI as Markdown."""

from __future__ import annotations

from .coverage import load, markdown

if __name__ == "__main__":
    print(markdown(load()), end="")
