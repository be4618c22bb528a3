# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Templates that only name a variable, or its default, resolved without the template engine.

Most arguments of a role's task are ``{{ lane_group_region }}``, and most defaults of a role are
``{{ asm_lanes_region | default('cn-hangzhou') }}``. The engine compiles each of them in the worker of every
task that uses it, in a replay of the guide some 350 of a millisecond each. A look into the variables gives
the same value. Whatever has another form is left to the engine, and so is all that is wrong.

The same value: tests/unit/plugin_utils/test_named.py compares the two over generated variables.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible import errors, template


class _OfLaterVersionsError(Exception):
    """Stands for an error that this ansible-core does not have."""


# Both came with ansible-core 2.19. Before it no text is known to be trusted, and the engine resolves all.
AnsibleValueOmittedError: type[Exception] = getattr(errors, "AnsibleValueOmittedError", _OfLaterVersionsError)
is_trusted_as_template: Callable[[object], bool] = getattr(
    template, "is_trusted_as_template", lambda _text: False
)

#: With an underscore, so that nothing of the template engine's own has such a name.
_NAME = r"(?:[a-z]\w*_|_\w*[a-z])\w*"
_QUOTED = r"'[^'\\{}]*'"
#: What `default` is given: at most one call deep, no comma outside of it.
_FALLBACK = rf"(?:{_QUOTED}|\{{\}}|[^()'\",{{}}\\]|\((?:{_QUOTED}|[^()'\"{{}}\\])*\))+?"
_MANDATORY = rf"mandatory\({_QUOTED}\)"
_STEPS = rf"(?: \| (?:default\({_FALLBACK}(?:, true)?\)|{_MANDATORY}))*"
_NAMED = re.compile(rf"\{{\{{ (?P<name>{_NAME})(?P<steps>{_STEPS}) \}}\}}")
_STEP = re.compile(rf" \| (?:default\((?P<fallback>{_FALLBACK})(?P<falsy>, true)?\)|{_MANDATORY})")
_SIMPLE = re.compile(rf"(?:{_QUOTED}|\d+|\{{\}}|\[\])")
_WORDS = {"true": True, "false": False}
_MISSING = object()
_OMIT = object()


class _OtherError(Exception):
    """For the engine to resolve."""


def resolve(value: Any, templar: Any) -> Any:
    """What ``templar.template(value)`` gives.

    Args:
        value: an argument, or a variable's value: templates and containers with templates included.
        templar: Ansible's, with its ``available_variables``.

    Raises:
        AnsibleValueOmittedError: the value is ``omit``.
        AnsibleError: as the engine does.
    """
    try:
        return _resolved(value, templar)
    except (_OtherError, RecursionError):
        return templar.template(value)


class NamedArguments:
    """For action plugins: their arguments are resolved so by ansible-core 2.19 and later."""

    @classmethod
    def finalize_task_arg(cls, name: str, value: Any, templar: Any, context: Any) -> Any:
        """What an argument comes to; a hook that ansible-core calls experimental."""
        return resolve(value, templar)


def _resolved(value: Any, templar: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return _of_text(value, templar) if "{" in value else value
    try:
        if isinstance(value, dict):
            return {key: _resolved(item, templar) for key, item in value.items()}
        if isinstance(value, list):
            return [_resolved(item, templar) for item in value]
    except AnsibleValueOmittedError:  # leaves its place in the container
        raise _OtherError from None
    return _by_engine(value, templar)


def _by_engine(value: Any, templar: Any) -> Any:
    try:
        return templar.template(value)
    except AnsibleValueOmittedError:
        raise
    except Exception as error:
        # The engine words it better from where the template stands, and `default` may be there to catch it.
        raise _OtherError from error


def _of_text(text: str, templar: Any) -> Any:
    """A variable's own value where the text is nothing else; text where there is more, of text only."""
    named = list(_NAMED.finditer(text))
    between = _NAMED.sub("", text)
    if not named or "{" in between or not is_trusted_as_template(text):
        return _by_engine(text, templar)
    if not between and len(named) == 1:
        return _of_variable(named[0], templar)

    def word(match: re.Match[str]) -> str:
        value = _of_variable(match, templar)
        if not isinstance(value, str):
            raise _OtherError
        return value

    return _NAMED.sub(word, text)


def _of_variable(named: re.Match[str], templar: Any) -> Any:
    found = _variable(named["name"], templar)
    for step in _STEP.finditer(named["steps"]):
        if found is _OMIT:
            raise _OtherError
        if step["fallback"] and (found is _MISSING or (step["falsy"] and not found)):
            found = _fallback(step["fallback"], templar)
    if found is _MISSING:
        raise _OtherError
    if found is _OMIT:
        raise AnsibleValueOmittedError
    return found


def _fallback(text: str, templar: Any) -> Any:
    if text == "omit":
        return _OMIT
    if text in _WORDS:
        return _WORDS[text]
    if _SIMPLE.fullmatch(text):
        return ast.literal_eval(text)
    if not re.fullmatch(_NAME, text):
        raise _OtherError
    return _variable(text, templar)


def _variable(name: str, templar: Any) -> Any:
    variables: Mapping[str, Any] = templar.available_variables
    try:
        return _resolved(variables[name], templar) if name in variables else _MISSING
    except AnsibleValueOmittedError:
        return _OMIT
