# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Text that others wrote, made fit for a page: nothing invisible, nothing endless."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timezone

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """The text with control characters, lone surrogates and formats that reorder or hide text replaced.

    XML knows no control characters at all; line breaks and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\t":
        return character
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Cn", "Co")
    return _REPLACEMENT if hidden else character


def shorten(text: str, limit: int) -> str:
    """The text on one line, cut in the middle where it takes more places than *limit*: both ends tell."""
    line = " ".join(printable(text).split())
    if _places(line) <= limit:
        return line
    tail = _head(line[::-1], (limit - 1) // 3)[::-1]
    return f"{_head(line, limit - 1 - _places(tail))}…{tail}"


def _places(text: str) -> int:
    """How much room a text takes, in letters; wide characters (and those that may be wide) take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in text)


def _head(text: str, limit: int) -> str:
    """As much of the text's beginning as has room."""
    end = len(text)
    while _places(text[:end]) > limit:
        end -= 1
    return text[:end]


def number(value: float) -> str:
    """Whole numbers as they are, others with three digits that matter: ``1,234``, ``12.3``, ``0.456``."""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def percent(share: float) -> str:
    """``0.9`` -> ``90 %``; a decimal where it says something."""
    return f"{share * 100:.1f}".removesuffix(".0") + " %"


def plural(count: int, word: str) -> str:
    """``1 lane``, ``2 lanes``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def moment(text: str) -> str:
    """An ISO 8601 time as ``2026-07-01 12:00:00 UTC``; what is none stays as it is."""
    try:
        time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text
    return f"{time.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
