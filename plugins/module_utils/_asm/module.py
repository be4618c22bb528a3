# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every Ansible module that talks to ASM does: options, client, one way to fail."""

from __future__ import annotations

from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .client import LIBRARY, MINIMUM, AsmClient, LibraryMissingError
from .credentials import Connection, credentials_argument_spec
from .deadline import Deadline
from .errors import AsmError, Kind


def asm_argument_spec() -> dict[str, Any]:
    """Credentials, endpoint, mesh id and the deadline of the task."""
    return {
        **credentials_argument_spec(),
        "mesh_id": {"type": "str", "required": True},
        "timeout": {"type": "float", "default": 120.0},
    }


def connect_module(module: AnsibleModule, deadline: Deadline | None = None) -> AsmClient:
    """The client for a module's parameters; ends the module when there cannot be one.

    deadline: of the whole task; by default the option timeout, from now on.
    """
    params = module.params
    until = deadline or Deadline(params["timeout"])
    try:
        client = AsmClient(Connection.from_params(params), params["mesh_id"], until)
    except LibraryMissingError as error:
        module.fail_json(
            msg=missing_required_lib(f"{LIBRARY} >= {MINIMUM}"),
            exception=error.details,
            failure={"kind": Kind.LIBRARY, "message": str(error)},
        )
    except AsmError as error:
        fail(module, error)
    # Secrets from a credentials file or a role are unknown to Ansible: it shall blank them too.
    module.no_log_values.update(client.secrets)
    return client


def fail(module: AnsibleModule, error: AsmError, **facts: Any) -> NoReturn:
    """End the module with a readable ``msg`` and a machine-readable ``failure``."""
    module.fail_json(msg=str(error), failure=error.failure, **facts)
    raise AssertionError("fail_json does not return")
