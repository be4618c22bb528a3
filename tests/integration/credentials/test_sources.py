"""Every source of credentials to its end: the keys that it gives sign the calls to ASM.

The lab's ASM API knows the keys of the session and no others, and verifies every signature itself. So a
call that succeeds was signed with what STS or the metadata service gave. The SDK's trust in
certificates comes from the package certifi alone (verified: neither REQUESTS_CA_BUNDLE nor
SSL_CERT_FILE counts), so the tests put a certifi in front that knows the authority of the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from asm_lanes_lab.asm import Credential
from asm_lanes_lab.kube.pki import Authority
from asm_lanes_lab.settings import Settings
from lab_servers import LabServers

from .cloud import STS_HOST, Proxy, Sts, serving

ROOT = Path(__file__).parents[3]
ARN, PROVIDER = "acs:ram::1:role/lanes", "acs:ram::1:oidc-provider/ack"
ECS_ROLE = "role-of-the-instance"
OIDC_TOKEN = "eyJhbGciOi.0idc-t0ken.of-a-pod"
BASE = Credential("AK-BASE", "5ecret/of+base==")
BASE_STS = Credential("STS.BASE", "5ecret/of+base-sts==", "t0ken/of+base==")
SESSION = Credential(
    "STS.SESSION",
    "5ecret/of+session==",
    "t0ken/of+session==",
    datetime.now(timezone.utc) + timedelta(hours=1),
)
SECRETS = [OIDC_TOKEN, *(secret for key in (BASE, BASE_STS, SESSION) for secret in (key.access_key_secret,))]
SECRETS += [key.security_token for key in (BASE_STS, SESSION) if key.security_token]
RRSA = {"ALIBABA_CLOUD_ROLE_ARN": ARN, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": PROVIDER}
BASE_KEYS = {"access_key_id": BASE.access_key_id, "access_key_secret": BASE.access_key_secret}
STS_KEYS = {
    "access_key_id": BASE_STS.access_key_id,
    "access_key_secret": BASE_STS.access_key_secret,
    "security_token": BASE_STS.security_token,
}


class Cloud:
    """ASM, STS, the metadata service and the proxy; runs a module as Ansible does."""

    def __init__(self, folder: Path, servers: LabServers, sts: Sts, proxy: Proxy) -> None:
        self.folder, self.sts, self.proxy = folder, sts, proxy
        self.token_file = folder / "oidc-token"
        self.token_file.write_text(OIDC_TOKEN)
        settings = Settings.parse({}, state_dir=folder)
        self.files = settings.files
        cluster = servers.started("cluster", self.files.cluster_kubeconfig)
        mesh = servers.started("mesh", self.files.mesh_kubeconfig)
        self.api = servers.openapi(settings, mesh, cluster, [SESSION])

    @property
    def sts_endpoint(self) -> str:
        return f"localhost:{self.sts.server_port}"

    def forget(self) -> None:
        """What was asked so far."""
        self.sts.seen.clear()
        self.proxy.tunnels.clear()
        self.api.stats.reset()

    def environment(self, **variables: str) -> dict[str, str]:
        """No credentials of whoever runs the tests, the proxy, and the authority of the tests."""
        foreign = ("ALIBABA", "ALICLOUD", "ANSIBLE_")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            environment[name] = environment[name.lower()] = f"http://127.0.0.1:{self.proxy.server_port}"
        paths = [str(self.folder / "trust"), str(ROOT / ".ansible/collections")]
        known = {"HOME": str(self.folder), "NO_PROXY": "127.0.0.1", "PYTHONPATH": os.pathsep.join(paths)}
        return {**environment, **known, **variables}

    def run(self, options: dict[str, Any], **variables: str) -> dict[str, Any]:
        """The result of lane_group_info. variables: of its environment."""
        self.forget()
        endpoint = {"endpoint": f"127.0.0.1:{self.api.port}", "protocol": "http"}
        arguments = {"mesh_id": "lab-mesh", **endpoint, **options, "timeout": 30}
        done = subprocess.run(
            [sys.executable, "-m", "ansible_collections.asm.lanes.plugins.modules.lane_group_info"],
            input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        shown = json.loads(done.stdout)
        shown["invocation"] = None  # without Ansible nobody blanks the arguments here
        told = json.dumps(shown) + done.stderr
        assert not [secret for secret in SECRETS if secret in told], "a secret is shown"
        assert "Traceback" not in told, told
        result: dict[str, Any] = shown
        return result

    def signed(self, options: dict[str, Any], **variables: str) -> list[dict[str, str]]:
        """What STS granted for a run that ASM let in."""
        result = self.run(options, **variables)
        assert result.get("lane_groups") == [], result
        assert self.api.stats.as_dict()["actions"] == {"GetSwimLaneGroupList": 1}
        return self.sts.seen


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    authority = Authority.create()
    trust = folder / "trust" / "certifi"
    trust.mkdir(parents=True)
    (trust / "ca.pem").write_text(authority.pem)
    (trust / "__init__.py").write_text(f"def where():\n    return {str(trust / 'ca.pem')!r}\n")
    servers = LabServers()
    sts = Sts(authority, [BASE, BASE_STS], OIDC_TOKEN, SESSION)
    proxy = Proxy(sts, ECS_ROLE, SESSION)
    try:
        with serving(sts), serving(proxy):
            yield Cloud(folder, servers, sts, proxy)
    finally:
        servers.close()


def test_keys_alone_are_not_let_in(cloud: Cloud) -> None:
    """Else the other tests could not fail."""
    assert cloud.run(BASE_KEYS)["failure"]["code"] == "InvalidAccessKeyId.NotFound"
    assert cloud.sts.seen == []


@pytest.mark.parametrize("keys", [BASE_KEYS, STS_KEYS], ids=["access key", "temporary keys"])
def test_a_role_assumed_with_keys(cloud: Cloud, keys: dict[str, Any]) -> None:
    role = {"role_arn": ARN, "role_session_name": "me", "role_session_expiration": 900}
    [asked] = cloud.signed({**keys, **role, "sts_endpoint": cloud.sts_endpoint})
    assert (asked["Action"], asked["RoleArn"]) == ("AssumeRole", ARN)
    assert (asked["RoleSessionName"], asked["DurationSeconds"]) == ("me", "900")
    assert asked["AccessKeyId"] == keys["access_key_id"]


def test_a_role_assumed_at_the_public_endpoint(cloud: Cloud) -> None:
    [asked] = cloud.signed({**BASE_KEYS, "role_arn": ARN})
    assert asked["Action"] == "AssumeRole"
    assert cloud.proxy.tunnels == [f"{STS_HOST}:443"]


def test_a_role_assumed_with_a_profile(cloud: Cloud) -> None:
    file = cloud.folder / ".alibabacloud" / "credentials.ini"
    file.parent.mkdir(exist_ok=True)
    file.write_text(
        f"[p]\ntype=access_key\naccess_key_id={BASE.access_key_id}\n"
        f"access_key_secret={BASE.access_key_secret}\n"
    )
    [asked] = cloud.signed({"profile": "p", "role_arn": ARN, "sts_endpoint": cloud.sts_endpoint})
    assert asked["AccessKeyId"] == BASE.access_key_id


def test_oidc_by_options(cloud: Cloud) -> None:
    oidc = {"oidc_provider_arn": PROVIDER, "oidc_token_file": str(cloud.token_file), "role_arn": ARN}
    [asked] = cloud.signed({**oidc, "sts_endpoint": cloud.sts_endpoint})
    assert (asked["Action"], asked["RoleArn"]) == ("AssumeRoleWithOIDC", ARN)
    assert (asked["OIDCProviderArn"], asked["RoleSessionName"]) == (PROVIDER, "asm-lanes")


def test_oidc_as_rrsa_sets_it_up_in_a_pod(cloud: Cloud) -> None:
    variables = {**RRSA, "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(cloud.token_file)}
    [asked] = cloud.signed({}, ALIBABA_CLOUD_ECS_METADATA_DISABLED="true", **variables)
    assert (asked["Action"], asked["OIDCProviderArn"]) == ("AssumeRoleWithOIDC", PROVIDER)
    assert cloud.proxy.tunnels == [f"{STS_HOST}:443"]


def test_the_role_of_the_instance(cloud: Cloud) -> None:
    assert cloud.signed({"ecs_role_name": ECS_ROLE}) == []
    assert cloud.run({"ecs_role_name": "another"})["failure"]["kind"] == "credentials"


def test_sts_refuses(cloud: Cloud) -> None:
    wrong = {**BASE_KEYS, "access_key_secret": "n0t/the+right=one", "role_arn": ARN}
    failed = cloud.run({**wrong, "sts_endpoint": cloud.sts_endpoint})
    assert failed["failure"]["kind"] == "credentials"
    assert "SignatureDoesNotMatch" in failed["msg"]
    assert "n0t/the" not in failed["msg"]
    assert cloud.api.stats.as_dict()["requests"] == 0


def test_sts_with_an_unknown_certificate(cloud: Cloud) -> None:
    options = {**BASE_KEYS, "role_arn": ARN, "sts_endpoint": cloud.sts_endpoint}
    failed = cloud.run(options, PYTHONPATH=str(ROOT / ".ansible/collections"))
    assert failed["failure"]["kind"] == "tls"
    assert cloud.sts.seen == []


def test_sts_endpoint_with_a_scheme(cloud: Cloud) -> None:
    failed = cloud.run({**BASE_KEYS, "role_arn": ARN, "sts_endpoint": "https://sts-vpc.example"})
    assert (
        "Write the sts_endpoint option as host or host:port; STS is always reached by https" in failed["msg"]
    )


def test_the_roles_take_every_source_by_one_variable(cloud: Cloud) -> None:
    """Preflight, lane group and drift with keys of the instance's role, nothing else."""
    cloud.forget()
    roles = [f"asm.lanes.{name}" for name in ("preflight", "lane_group", "lane_drift")]
    variables = {
        "ansible_python_interpreter": sys.executable,
        "asm_lanes_mesh_id": "lab-mesh",
        "asm_lanes_endpoint": f"127.0.0.1:{cloud.api.port}",
        "asm_lanes_protocol": "http",
        "asm_lanes_cluster_kubeconfig": str(cloud.files.cluster_kubeconfig),
        "asm_lanes_mesh_kubeconfig": str(cloud.files.mesh_kubeconfig),
        "asm_lanes_connection": {"ecs_role_name": ECS_ROLE, "request_timeout": 20},
        "preflight_fail_on": "never",
    }
    book = cloud.folder / "play.yml"
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "roles": roles}
    book.write_text(json.dumps([play]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(book), "--check", "-vvv"]
    done = subprocess.run(
        command, cwd=ROOT, env=cloud.environment(), capture_output=True, text=True, check=False, timeout=100
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-3000:]
    assert not [secret for secret in SECRETS if secret in told], "a secret is shown"
    actions = cloud.api.stats.as_dict()["actions"]
    assert {"DescribeServiceMeshDetail", "GetSwimLaneGroupList"} <= set(actions)
    assert "- mesh (failed)" not in told
    assert "group_missing" in told
