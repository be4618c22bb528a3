"""The JSON document: its schema, its order, and what is refused."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
import report_proofs
from ansible_collections.asm.lanes.plugins.plugin_utils._report import as_json, fields, files, parsing

VALIDATOR = jsonschema.Draft202012Validator(as_json.schema())
GOOD = [name for name in report_proofs.ALL if name != "hostile"]


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(as_json.schema())


@pytest.mark.parametrize("name", GOOD)
def test_what_is_written_follows_the_schema_and_loses_nothing(name: str) -> None:
    document = report_proofs.ALL[name]()
    written = json.loads(as_json.render(document))
    VALIDATOR.validate(written)
    assert written == document


def test_the_schema_describes_every_key_of_the_examples() -> None:
    strict = jsonschema.Draft202012Validator(report_proofs.closed(as_json.schema()))
    for name in GOOD:
        errors = [error.message for error in strict.iter_errors(report_proofs.ALL[name]())]
        assert not errors, (name, errors)


@pytest.mark.parametrize("change", [
    lambda proof: proof.pop("schema"),
    lambda proof: proof.update(schema="asm.lanes/proof/v2"),
    lambda proof: proof.update(passed="yes"),
    lambda proof: proof["cases"][0].update(kind="neither"),
    lambda proof: proof["cases"][0]["observed"].update(own={"default/helloworld": {"v1": "many"}}),
])  # fmt: skip
def test_the_schema_refuses_what_is_wrong(change: Callable[[dict[str, Any]], Any]) -> None:
    proof = report_proofs.passed()
    change(proof)
    assert not VALIDATOR.is_valid(proof)


@pytest.mark.parametrize("seed", range(5))
def test_the_same_content_gives_the_same_text_whatever_the_order_of_its_keys(seed: int) -> None:
    document = report_proofs.failed()
    assert as_json.render(shuffled(document, random.Random(seed))) == as_json.render(document)


def test_keys_stand_in_the_order_of_the_schema_and_unknown_ones_last() -> None:
    written = list(json.loads(as_json.render({"zeal": 1, "able": 2, **report_proofs.passed()})))
    assert written[:3] == ["schema", "passed", "reached"]
    assert written[-2:] == ["able", "zeal"]
    broken = json.loads(as_json.render(report_proofs.failed()))["audit"]["chains"][0]["broken"]
    assert list(broken) == [
        "hop", "from", "to", "direction", "what", "how", "words", "culprit", "pod", "route"
    ]  # fmt: skip


def test_no_text_keeps_json_from_being_written_and_read() -> None:
    document = report_proofs.hostile()
    assert json.loads(files.to_bytes(as_json.render(document))) == document


@pytest.mark.parametrize(("change", "words"), [
    (lambda proof: proof.update(schema="asm.lanes/proof/v9"), "proof.schema: is 'asm.lanes/proof/v9'"),
    (lambda proof: proof.update(cases={}), "proof.cases: is a dict, not a list"),
    (lambda proof: proof["cases"].append("x"), "proof.cases[8]: is a str, not a dictionary"),
    (lambda proof: proof.update(passed="no"), "proof.passed: is a str, not true, false or null"),
    (lambda proof: proof.update(seconds="2"), "proof.seconds: is a str, not a number"),
    (lambda proof: proof["cases"][0].update(name=["x"]), "proof.cases[0].name: is a list, not text"),
])  # fmt: skip
def test_what_is_no_proof_is_told_with_its_path(change: Callable[[dict[str, Any]], Any], words: str) -> None:
    proof = report_proofs.passed()
    change(proof)
    with pytest.raises(fields.ProofError) as caught:
        parsing.parse(proof)
    assert str(caught.value).startswith(words)
    assert "Give what asm.lanes.lane_probe returns" in str(caught.value)


def test_a_proof_needs_no_more_than_the_schema_requires() -> None:
    least = {key: report_proofs.passed()[key] for key in as_json.schema()["required"]}
    least["cases"] = [
        {key: case[key] for key in as_json.schema()["$defs"]["case"]["required"]} for case in least["cases"]
    ]
    VALIDATOR.validate(least)
    assert len(parsing.parse(least).cases) == 8


#: Mappings whose keys are names of services, versions and the like.
OPEN = {"expected", "observed", "label_selector", "counts", "failure_kinds", *("own", "ack", "broadcast")}


def extended(value: Any, key: str = "") -> Any:
    """The document with a key of a later release in every mapping whose keys are words of the format."""
    if isinstance(value, list):
        return [extended(item, key) for item in value]
    if not isinstance(value, dict) or key in OPEN:
        return value
    return {**{name: extended(item, name) for name, item in value.items()}, "later": {"is": ["another", 1]}}


@pytest.mark.parametrize("name", GOOD)
def test_keys_of_later_releases_do_no_harm(name: str) -> None:
    document = report_proofs.ALL[name]()
    VALIDATOR.validate(extended(document))
    assert parsing.parse(extended(document)) == parsing.parse(document)


def shuffled(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict):
        items = list(value.items())
        chance.shuffle(items)
        return {key: shuffled(item, chance) for key, item in items}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else copy.copy(value)


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        yield from mappings(item)


def test_the_examples_have_every_key_that_the_schema_names() -> None:
    """Else the tests above would say nothing about those keys."""
    seen = {key for name in GOOD for one in mappings(report_proofs.ALL[name]()) for key in one}
    named = {key for one in mappings(as_json.schema()) for key in one.get("properties", {})}
    assert named - seen == {"versions"}  # the action adds them
