"""Who calls: options, environment, and what belongs together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection

GIVEN: dict[str, Any] = {
    "access_key_id": "AK",
    "access_key_secret": "secret",
    "security_token": None,
    "region": None,
    "endpoint": "",
    "protocol": "https",
    "request_timeout": 10.0,
    "calls_per_second": 5.0,
}


def test_empty_counts_as_not_given():
    connection = Connection.from_params({**GIVEN, "access_key_id": "", "security_token": ""}, {})
    assert (connection.access_key_id, connection.security_token) == (None, None)
    assert (connection.region, connection.endpoint) == ("cn-hangzhou", None)


def test_secrets_are_not_printed():
    shown = repr(Connection.from_params({**GIVEN, "security_token": "token"}, {}))
    assert "secret=" not in shown
    assert "'secret'" not in shown
    assert "'token'" not in shown


@pytest.mark.parametrize(
    ("environment", "token"),
    [
        ({}, "t"),
        ({"ALIBABA_CLOUD_SECURITY_TOKEN": "other"}, "t"),
        ({"ALIBABA_CLOUD_SECURITY_TOKEN": "t", "ALIBABA_CLOUD_ACCESS_KEY_ID": "AK"}, "t"),
        ({"ALICLOUD_SECURITY_TOKEN": "t", "ALICLOUD_ACCESS_KEY": "AK"}, "t"),
        ({"ALIBABA_CLOUD_SECURITY_TOKEN": "t", "ALIBABA_CLOUD_ACCESS_KEY_ID": "someone"}, None),
        ({"ALIBABA_CLOUD_SECURITY_TOKEN": "t"}, None),
    ],
)
def test_a_token_of_the_environment_goes_only_with_its_own_key(environment, token):
    assert Connection.from_params({**GIVEN, "security_token": "t"}, environment).security_token == token
