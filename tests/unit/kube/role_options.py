"""What roles make of the user's variables: the options of their one module, as it sees them; no server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).parents[3] / "roles"


def evaluate(role: str, expression: str, **variables: Any) -> Any:
    """The value of an expression, given a role's defaults and variables and the user's."""
    loader = DataLoader()
    known: dict[str, Any] = {"ansible_search_path": [str(ROLES / role)], "ansible_check_mode": False}
    for part in ("defaults", "vars"):
        known |= loader.load_from_file(str(ROLES / role / part / "main.yml"), trusted_as_template=True)
    return Templar(loader, variables=known | variables).template(
        trust_as_template("{{ " + expression + " }}")
    )


def validated(module: Any, **options: Any) -> dict[str, Any]:
    """Options as a module sees them."""
    result = ArgumentSpecValidator(module.ARGUMENTS).validate(options)
    assert not result.error_messages, result.error_messages
    found: dict[str, Any] = result.validated_parameters
    return found


def options(role: str, module: Any, **variables: Any) -> dict[str, Any]:
    """The options that a role gives to its one module."""
    (task,) = yaml.safe_load((ROLES / role / "tasks/main.yml").read_text())
    (name,) = (key for key in task if key.startswith("asm.lanes."))
    given = {key: evaluate(role, value.strip("{} "), **variables) for key, value in task[name].items()}
    return validated(module, **given)
