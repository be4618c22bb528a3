"""Kubeconfigs: whose they are, when they expire, what is worth keeping."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._asm.kubeconfig import (
    Wish,
    from_answer,
    is_good,
    parse,
    parse_time,
    written_time,
)
from unit.mesh.kubeconfigs import SERVER, TOKEN, secret_of, with_certificate, with_token

WISH = Wish("m-1")
NOON = datetime(2027, 1, 31, 12, tzinfo=timezone.utc)


def answer(text: str, expires: str | None = "2027-01-31 12:00:00") -> dict[str, str | None]:
    return {"Kubeconfig": text, "ExpireTime": expires}


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2027-01-31 12:00:00", NOON),
        ("2027-01-31T12:00:00Z", NOON),
        ("2027-01-31T20:00:00+08:00", NOON),
        (NOON, NOON),
        (datetime(2027, 1, 31, 12), NOON),
        ("", None),
        ("never", None),
        (None, None),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(text, time):
    assert parse_time(text) == time
    assert parse_time(written_time(time)) == time


def test_an_answer_becomes_a_kubeconfig_that_knows_itself():
    found = from_answer(answer(with_token()), Wish("m-1", private_ip=True))
    assert found == parse(found.text)
    assert (found.server, found.mesh_id, found.private_ip, found.expires) == (SERVER, "m-1", True, NOON)
    before, after = yaml.safe_load(with_token()), yaml.safe_load(found.text)
    assert after.pop("extensions") == [
        {
            "name": "asm.lanes",
            "extension": {"mesh_id": "m-1", "private_ip": True, "expires": "2027-01-31T12:00:00Z"},
        }
    ]
    assert after == before


def test_other_extensions_stay_and_an_old_record_goes():
    more = [{"name": "other", "extension": {"a": 1}}, {"name": "asm.lanes", "extension": {"mesh_id": "m-0"}}]
    found = from_answer(answer(with_token(extensions=more)), WISH)
    assert [entry["name"] for entry in yaml.safe_load(found.text)["extensions"]] == ["other", "asm.lanes"]
    assert found.mesh_id == "m-1"


def test_the_certificate_knows_better_when_it_ends():
    found = from_answer(answer(with_certificate(48)), WISH)
    left = found.expires - datetime.now(timezone.utc)
    assert timedelta(hours=47) < left <= timedelta(hours=48)
    record = yaml.safe_load(found.text)["extensions"][0]["extension"]
    assert record["expires"] == written_time(found.expires)


def test_a_certificate_that_cannot_be_read_leaves_the_time_that_was_told():
    for data in ("bm90IGEgY2VydGlmaWNhdGU=", "%%%", 7):
        document = yaml.safe_load(with_token())
        document["users"][0]["user"]["client-certificate-data"] = data
        assert from_answer(answer(yaml.safe_dump(document)), WISH).expires == NOON


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a kubeconfig"),
        ("[]", "not a kubeconfig"),
        ("clusters: 5", "not a kubeconfig"),
        ("clusters: [5]", "not a kubeconfig"),
        (f"token: {TOKEN}", "not a kubeconfig"),
        (f"{TOKEN}: [", "not YAML"),
    ],
)
def test_anything_else_is_refused_without_quoting_it(text, words):
    with pytest.raises(ValueError, match=words) as caught:
        from_answer(answer(text), WISH)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_odd_entries_are_passed_over():
    document = yaml.safe_load(with_token())
    document["users"] += [5, {"name": "x"}, {"name": "y", "user": "z"}]
    document["extensions"] = {"name": "asm.lanes"}
    found = parse(yaml.safe_dump(document))
    assert (found.secrets, found.mesh_id, found.expires) == ({TOKEN}, None, None)


def test_no_secret_in_what_python_shows_of_it():
    found = from_answer(answer(with_certificate(48)), WISH)
    assert found.secrets == {secret_of(with_certificate(48))}
    assert not any(secret in repr(found) for secret in found.secrets)


@pytest.mark.parametrize(
    ("wish", "now", "good"),
    [
        (Wish("m-1"), NOON - timedelta(hours=25), True),
        (Wish("m-1"), NOON - timedelta(hours=24), False),
        (Wish("m-1", renew_before=timedelta(0)), NOON - timedelta(seconds=1), True),
        (Wish("m-1", renew_before=timedelta(0)), NOON, False),
        (Wish("m-2"), NOON - timedelta(hours=25), False),
        (Wish("m-1", private_ip=True), NOON - timedelta(hours=25), False),
        (Wish("m-1", force=True), NOON - timedelta(hours=25), False),
    ],
)
def test_a_kubeconfig_is_kept_while_it_is_what_is_wished_for(wish, now, good):
    assert is_good(from_answer(answer(with_token()), WISH), wish, now) is good


def test_a_kubeconfig_of_others_or_without_an_expiry_is_never_trusted():
    assert not is_good(parse(with_certificate(480)), WISH, datetime.now(timezone.utc))
    assert not is_good(from_answer(answer(with_token(), None), WISH), WISH, NOON)
