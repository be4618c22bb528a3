"""As whom ASM is called: the decision as a table, and what the SDK makes of it.

STS is never reached here: ``tests/integration/credentials`` does that. What is seen of a role's
assumption is the tunnel that the SDK asks for, at a proxy of the test's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from alibabacloud_credentials import provider as sdk
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.identity import (
    CHAIN,
    ECS_ROLE,
    KEYS,
    OIDC,
    PROFILE,
    Identity,
    Role,
    choose_identity,
)
from ansible_collections.asm.lanes.plugins.module_utils._asm.sdk_credentials import (
    Keys,
    oidc_provider,
    role_provider,
)

ARN = "acs:ram::1:role/lanes"
PROVIDER = "acs:ram::1:oidc-provider/ack"
RRSA = {
    "ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/pod",
    "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": PROVIDER,
    "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/token",
}
KEY = {"access_key_id": "AK"}
ENV_KEY = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "AK"}


@pytest.mark.parametrize(
    ("options", "environ", "identity"),
    [
        ({}, {}, Identity(CHAIN)),
        ({"profile": "", "role_arn": None}, {}, Identity(CHAIN)),
        (KEY, {}, Identity(KEYS)),
        ({**KEY, "role_arn": ARN}, {}, Identity(KEYS, role=Role(ARN, "asm-lanes", 3600))),
        (
            {**KEY, "role_arn": ARN, "role_session_name": "me", "role_session_expiration": 900},
            {},
            Identity(KEYS, role=Role(ARN, "me", 900)),
        ),
        ({"role_arn": ARN}, {}, Identity(CHAIN, role=Role(ARN))),
        ({"profile": "p"}, {}, Identity(PROFILE, profile="p")),
        ({"profile": "p", "role_arn": ARN}, {}, Identity(PROFILE, profile="p", role=Role(ARN))),
        ({"ecs_role_name": "e"}, {}, Identity(ECS_ROLE, ecs_role_name="e")),
        (
            {"oidc_provider_arn": PROVIDER, "oidc_token_file": "/t", "role_arn": ARN},
            {},
            Identity(OIDC, oidc_provider_arn=PROVIDER, oidc_token_file="/t", role=Role(ARN)),
        ),
        # The environment completes what the task chose.
        (
            {"oidc_token_file": "/mine"},
            RRSA,
            Identity(
                OIDC,
                oidc_provider_arn=PROVIDER,
                oidc_token_file="/mine",
                role=Role(RRSA["ALIBABA_CLOUD_ROLE_ARN"]),
            ),
        ),
        # Keys of the environment give way to a source that the task names.
        ({**KEY, "profile": "p"}, ENV_KEY, Identity(PROFILE, profile="p")),
        ({**KEY, "ecs_role_name": "e"}, {"ALICLOUD_ACCESS_KEY": "AK"}, Identity(ECS_ROLE, ecs_role_name="e")),
        # What RRSA puts into a pod belongs to the SDK's chain, and changes nothing for keys.
        ({}, RRSA, Identity(CHAIN)),
        (KEY, RRSA, Identity(KEYS)),
        (KEY, {**RRSA, **ENV_KEY}, Identity(KEYS)),
        ({"role_arn": ARN}, RRSA, Identity(CHAIN, role=Role(ARN))),
        # Names that the SDK does not know, when the task names nothing.
        ({}, {"ALICLOUD_PROFILE": "p"}, Identity(PROFILE, profile="p")),
        ({}, {"ALICLOUD_PROFILE": "p", "ALIBABA_CLOUD_PROFILE": "q"}, Identity(CHAIN)),
        ({}, {"ALICLOUD_ECS_ROLE_NAME": "e"}, Identity(ECS_ROLE, ecs_role_name="e")),
        ({}, {"ALICLOUD_ECS_ROLE_NAME": "e", **RRSA}, Identity(CHAIN)),
        (KEY, {**ENV_KEY, "ALICLOUD_PROFILE": "p"}, Identity(KEYS)),
        (KEY, {**ENV_KEY, "ALICLOUD_ASSUME_ROLE_ARN": ARN}, Identity(KEYS, role=Role(ARN))),
        (KEY, {"ALICLOUD_ASSUME_ROLE_ARN": ARN}, Identity(KEYS)),
    ],
)
def test_who_calls(options, environ, identity):
    assert choose_identity(options, environ) == identity


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({**KEY, "profile": "p"}, "access_key_id and profile exclude each other"),
        ({"profile": "p", "ecs_role_name": "e"}, "profile and ecs_role_name exclude each other"),
        (
            {**KEY, "ecs_role_name": "e", "oidc_token_file": "/t"},
            "access_key_id, ecs_role_name and oidc_token_file exclude each other",
        ),
        (
            {"oidc_token_file": "/t"},
            "OIDC also needs role_arn (ALIBABA_CLOUD_ROLE_ARN) "
            "and oidc_provider_arn (ALIBABA_CLOUD_OIDC_PROVIDER_ARN)",
        ),
        (
            {**KEY, "role_arn": ARN, "role_session_expiration": 899},
            "role_session_expiration is 899 s, and STS grants no less than 900 s",
        ),
    ],
)
def test_options_that_make_no_sense(options, problem):
    assert choose_identity(options, {}).problem == problem


PARAMS: dict[str, Any] = {
    **{"access_key_id": "AK", "access_key_secret": "s", "security_token": "t", "region": None},
    **{"endpoint": None, "protocol": "https", "request_timeout": 1.0, "calls_per_second": 5.0},
}


def test_keys_of_the_environment_are_left_out_where_a_profile_is_named():
    connection = Connection.from_params({**PARAMS, "profile": "p"}, ENV_KEY)
    assert (connection.access_key_id, connection.access_key_secret) == (None, None)
    assert connection.security_token is None
    assert connection.identity == Identity(PROFILE, profile="p")


def test_the_sdk_is_given_the_whole_role():
    """Its attributes are private, but the only place to see them without STS."""
    seen = vars(role_provider(sdk, Role(ARN, "me", 900), Keys("AK", "s", "t")))
    assert (seen["_role_arn"], seen["_role_session_name"], seen["_duration_seconds"]) == (ARN, "me", 900)
    base = seen["_credentials_provider"].get_credentials()
    assert (base.get_access_key_id(), base.get_access_key_secret(), base.get_security_token()) == (
        "AK",
        "s",
        "t",
    )
    identity = Identity(OIDC, oidc_provider_arn=PROVIDER, oidc_token_file="/t", role=Role(ARN, "me", 900))
    seen = vars(oidc_provider(sdk, identity))
    assert (seen["_role_arn"], seen["_role_session_name"], seen["_duration_seconds"]) == (ARN, "me", 900)
    assert (seen["_oidc_provider_arn"], seen["_oidc_token_file_path"]) == (PROVIDER, "/t")


CLIENT = """
import json, sys
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.errors import AsmError
try:
    connection = Connection.from_params(json.loads(sys.argv[1]))
    print(AsmClient(connection, "m-1", Deadline(9)).secrets)
except AsmError as error:
    print(error.kind, error)
"""


class Tunnels(BaseHTTPRequestHandler):
    """Refuses every tunnel, and notes where to."""

    def do_CONNECT(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_error(403)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Tunnels)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connect(tmp_path, proxy):
    """What a client with these options says; a process of its own, since the SDK reads variables once."""

    def connect(options: dict[str, Any], **variables: str) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("ALIBABA", "ALICLOUD"))}
        url = f"http://127.0.0.1:{proxy.server_port}"
        environment.update(HOME=str(tmp_path), ALIBABA_CLOUD_ECS_METADATA_DISABLED="true", **variables)
        environment.update(HTTPS_PROXY=url, https_proxy=url, PYTHONPATH=os.pathsep.join(sys.path))
        params = {
            **PARAMS,
            "access_key_id": None,
            "access_key_secret": None,
            "security_token": None,
            **options,
        }
        run = subprocess.run(
            [sys.executable, "-c", CLIENT, json.dumps(params)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert run.returncode == 0, run.stderr
        assert "SECRET" not in run.stderr
        return run.stdout

    return connect


def _write_profiles(home) -> None:
    (home / ".aliyun").mkdir()
    keys = {"name": "cli", "mode": "StsToken", "access_key_id": "AK", "access_key_secret": "CLISECRET"}
    (home / ".aliyun/config.json").write_text(
        json.dumps({"current": "other", "profiles": [{**keys, "sts_token": "CLITOKEN"}]})
    )
    (home / ".alibabacloud").mkdir()
    (home / ".alibabacloud/credentials.ini").write_text(
        "[ini]\ntype=access_key\naccess_key_id=AK\naccess_key_secret=INISECRET\n"
    )


@pytest.mark.parametrize(
    ("profile", "secrets"), [("cli", "['CLISECRET', 'CLITOKEN']"), ("ini", "['INISECRET']")]
)
def test_a_profile_of_the_cli_or_of_the_credentials_file(connect, tmp_path, proxy, profile, secrets):
    _write_profiles(tmp_path)
    environment_keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "X", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "Y"}
    assert connect({"profile": profile}, **environment_keys).strip() == secrets
    assert proxy.asked == []


def test_a_profile_that_neither_has(connect, tmp_path):
    _write_profiles(tmp_path)
    told = connect({"profile": "nobody"})
    assert told.startswith("credentials Finding credentials for profile nobody failed: ")
    assert "nobody" in told
    assert "credentials.ini" in told


def test_a_role_is_assumed_at_sts(connect, proxy):
    told = connect({"access_key_id": "AK", "access_key_secret": "MYSECRET", "role_arn": ARN})
    assert set(proxy.asked) == {"sts.aliyuncs.com:443"}
    assert "Finding credentials for mesh m-1 failed" in told
    assert "between here and STS" in told
    assert "MYSECRET" not in told


def test_oidc_is_asked_at_sts_with_the_token_of_the_file(connect, tmp_path, proxy):
    options = {"oidc_provider_arn": PROVIDER, "oidc_token_file": str(tmp_path / "token"), "role_arn": ARN}
    missing = connect(options)
    assert missing.startswith("credentials ")
    assert "No such file" in missing
    assert str(tmp_path / "token") in missing
    assert proxy.asked == []
    (tmp_path / "token").write_text("OIDCSECRET")
    assert "OIDCSECRET" not in connect(options)
    assert set(proxy.asked) == {"sts.aliyuncs.com:443"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ecs_role_name": "e"}, "IMDS credentials is disabled"),
        (
            {"profile": "p", "ecs_role_name": "e"},
            "invalid Connection for mesh m-1 failed: profile and ecs_role_name",
        ),
    ],
)
def test_nobody_is_asked_for_what_cannot_be(connect, proxy, options, words):
    assert words in connect(options)
    assert proxy.asked == []
