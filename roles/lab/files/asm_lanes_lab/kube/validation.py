"""What a schema says about an object: unknown fields, pruning, defaults, type errors, broken rules.

Checks themselves are jsonschema's; this module adds what Kubernetes does differently (``nullable``,
int-or-string, references) and Kubernetes' words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import jsonschema
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from .errors import Cause, invalid, not_supported, required, show
from .schemas import Schema, child, deref, item_key, items, preserves_unknown

Obj = dict[str, Any]
_LIST_TYPE = "x-kubernetes-list-type"

_IDENTITY = {"apiVersion", "kind", "metadata"}


def join(path: str, name: str | int) -> str:
    """*path* extended by a field name or a list index: ``spec.ports[0].port``."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def unknown_fields(schema: Schema, value: Any, path: str = "") -> Iterator[str]:
    """Paths of all fields in *value* that *schema* does not declare."""
    if isinstance(value, dict):
        for key, inner in value.items():
            declared = _child(schema, key)
            if declared is None:
                yield join(path, key)
            else:
                yield from unknown_fields(declared, inner, join(path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unknown_fields(items(schema), inner, join(path, index))


def prune(schema: Schema, value: Any) -> Any:
    """A copy of *value* without undeclared fields."""
    if isinstance(value, dict):
        kept = ((key, inner, _child(schema, key)) for key, inner in value.items())
        return {key: prune(declared, inner) for key, inner, declared in kept if declared is not None}
    if isinstance(value, list):
        return [prune(items(schema), inner) for inner in value]
    return value


def drop_nulls(schema: Schema, value: Any) -> Any:
    """A copy of *value* without nulls in fields that are not nullable: null means "not given" there."""
    if isinstance(value, dict):
        kept = ((key, inner, _child(schema, key) or {}) for key, inner in value.items())
        return {
            key: drop_nulls(declared, inner)
            for key, inner, declared in kept
            if inner is not None or _keeps_null(declared)
        }
    if isinstance(value, list):
        return [drop_nulls(items(schema), inner) for inner in value]
    return value


def apply_defaults(schema: Schema, value: Any) -> Any:
    """A copy of *value* with the schema's ``default`` values filled in."""
    if isinstance(value, dict):
        filled = {key: apply_defaults(_child(schema, key) or {}, inner) for key, inner in value.items()}
        for key, declared in (schema.get("properties") or {}).items():
            node = deref(declared)
            default = declared.get("default", node.get("default"))
            if default is not None and filled.get(key) is None and not (key in filled and _keeps_null(node)):
                filled[key] = apply_defaults(node, default)
        return filled
    if isinstance(value, list):
        return [apply_defaults(items(schema), inner) for inner in value]
    return value


def _child(schema: Schema, key: str) -> Schema | None:
    if schema.get("x-kubernetes-embedded-resource") and key in _IDENTITY:
        return {}
    return child(schema, key)


def _keeps_null(schema: Schema) -> bool:
    return bool(schema.get("nullable")) or preserves_unknown(schema)


# --- jsonschema, the Kubernetes way ---


def _reference(validator: Any, target: str, instance: Any, _unused: Schema) -> Iterator[ValidationError]:
    yield from validator.descend(instance, deref({"$ref": target}))


def _type(validator: Any, wanted: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if instance is None and schema.get("nullable"):
        return
    if not validator.is_type(instance, wanted):
        yield ValidationError("type", validator="type", validator_value=wanted)


def _int_or_string(_unused: Any, wanted: bool, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    allowed = (int, float, str) if schema.get("x-lab-quantity") else (int, str)
    if wanted and (isinstance(instance, bool) or not isinstance(instance, allowed)):
        yield ValidationError("type", validator="type", validator_value="integer,string")


def _enum(_unused: Any, wanted: list[Any], instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if instance not in wanted and not (instance is None and schema.get("nullable")):
        yield ValidationError("enum", validator="enum", validator_value=wanted)


def _exclusive(_unused: Any, __: Any, ___: Any, ____: Schema) -> Iterator[ValidationError]:
    return iter(())


def _minimum(_unused: Any, limit: float, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    strict = schema.get("exclusiveMinimum") is True
    number = isinstance(instance, (int, float)) and not isinstance(instance, bool)
    if number and (instance < limit or (strict and instance == limit)):
        words = f"should be greater than {'' if strict else 'or equal to '}{limit}"
        yield ValidationError(words, validator="minimum")


def _maximum(_unused: Any, limit: float, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    strict = schema.get("exclusiveMaximum") is True
    number = isinstance(instance, (int, float)) and not isinstance(instance, bool)
    if number and (instance > limit or (strict and instance == limit)):
        words = f"should be less than {'' if strict else 'or equal to '}{limit}"
        yield ValidationError(words, validator="maximum")


def _list_type(_unused: Any, wanted: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    """Two items with one key, in a list of the type map or set."""
    if not isinstance(instance, list) or wanted == "atomic":
        return
    seen: list[Any] = []
    for index, item in enumerate(instance):
        key = item_key(schema, item) if wanted == "map" else item
        if key in seen:
            yield ValidationError("duplicate", validator=_LIST_TYPE, validator_value=key, path=[index])
        seen.append(key)


_Validator = jsonschema.validators.extend(
    Draft202012Validator,
    {
        "$ref": _reference,
        "type": _type,
        "enum": _enum,
        "minimum": _minimum,
        "maximum": _maximum,
        "exclusiveMinimum": _exclusive,
        "exclusiveMaximum": _exclusive,
        "x-kubernetes-int-or-string": _int_or_string,
        _LIST_TYPE: _list_type,
    },
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _unused, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def type_error(schema: Schema, obj: Obj) -> str | None:
    """The first wrong type in an object of a built-in kind, in the words of Go's JSON decoder, or None."""
    for error in _Validator(schema).iter_errors(obj):
        if error.validator == "type":
            path = ".".join(str(part) for part in error.absolute_path if isinstance(part, str))
            given, wanted = _go_name(error.instance), _go_type(error)
            return f"json: cannot unmarshal {given} into Go struct field {path} of type {wanted}"
    return None


def missing_fields(schema: Schema, obj: Obj, lenient: Iterable[str] = ()) -> list[Cause]:
    """Required fields that an object of a built-in kind lacks; not below the top-level fields *lenient*."""
    causes = []
    for error in _Validator(schema).iter_errors(obj):
        top = str(error.absolute_path[0]) if error.absolute_path else ""
        if error.validator == "required" and top not in lenient:
            causes += _missing(error)
    return causes


def violations(schema: Schema, obj: Obj) -> list[Cause]:
    """Every rule of a custom resource's schema that *obj* breaks."""
    causes: list[Cause] = []
    for error in sorted(
        _Validator(schema).iter_errors(obj), key=lambda error: list(map(str, error.absolute_path))
    ):
        causes += _causes(error)
    return causes


def _path(error: ValidationError) -> str:
    path = ""
    for part in error.absolute_path:
        path = join(path, part)
    return path


def _missing(error: ValidationError) -> list[Cause]:
    # jsonschema reports one error per missing field: the name is in its message, quoted.
    found = re.match(r"'(.*)' is a required property", error.message)
    return [required(join(_path(error), found[1] if found else error.message))]


def _causes(error: ValidationError) -> list[Cause]:
    if error.validator == "required":
        return _missing(error)
    if error.validator == _LIST_TYPE:
        return [Cause("FieldValueDuplicate", _path(error), f"Duplicate value: {show(error.validator_value)}")]
    path, value = _path(error), error.instance
    if error.validator == "enum":
        return [not_supported(path, value, list(error.validator_value))]
    words = f"{path or '<nil>'} in body {_words(error)}"
    if error.validator == "type":
        return [replace(invalid(path, _go_name(value), words), reason="FieldValueTypeInvalid")]
    return [invalid(path, "object" if isinstance(value, dict) else value, words)]


def _words(error: ValidationError) -> str:
    limit = error.validator_value
    words = {
        "type": f'must be of type {limit}: "{_go_name(error.instance)}"',
        "pattern": f"should match '{limit}'",
        "minLength": f"should be at least {limit} chars long",
        "maxLength": f"should be at most {limit} chars long",
        "minItems": f"should have at least {limit} items",
        "maxItems": f"should have at most {limit} items",
        "minProperties": f"should have at least {limit} properties",
        "maxProperties": f"should have at most {limit} properties",
        "uniqueItems": "shouldn't contain duplicates",
        "oneOf": "must validate one and only one schema (oneOf)",
        "anyOf": "must validate at least one schema (anyOf)",
        "not": "must not validate the schema (not)",
    }
    return words.get(str(error.validator), str(error.message))


def _go_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    names = {str: "string", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "unknown")


def _go_type(error: ValidationError) -> str:
    names = {"integer": "int32", "boolean": "bool", "number": "float64", "array": "list", "object": "map"}
    return names.get(str(error.validator_value), str(error.validator_value))
