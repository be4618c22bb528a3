"""What a user of the lab can mend."""

from __future__ import annotations


class LabError(Exception):
    """Something that the user can mend; the message says how."""
