# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The lab's ASM OpenAPI.

``AsmApi`` is the server; ``coverage.yml`` says what it does and how that is known.
"""

from .api import AsmApi
from .context import Behaviour
from .credentials import Credential, CredentialStore
from .faults import Fault

__all__ = ["AsmApi", "Behaviour", "Credential", "CredentialStore", "Fault"]
