# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules that talk to the application check before anything else."""

from __future__ import annotations

from importlib.util import find_spec
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

#: The libraries that the clients import when they run: import name -> name to install.
LIBRARIES = {"aiohttp": "aiohttp", "socketio": "python-socketio"}


def check(module: AnsibleModule) -> None:
    """Fail when a library is missing, or for a URL with a password, without showing it."""
    missing = [library for name, library in LIBRARIES.items() if find_spec(name) is None]
    if missing:
        module.fail_json(msg=missing_required_lib(" and ".join(missing)))
    password = urlsplit(module.params["url"] or "").password
    if password:
        module.no_log_values.add(password)
        module.fail_json(msg="url: user name and password do not belong in it; send credentials with headers")
