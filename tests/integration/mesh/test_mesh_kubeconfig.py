"""The life of a kubeconfig file: made, kept, renewed, removed; and nothing secret on the way."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml
from asm_lanes_lab.asm import Fault
from integration.mesh.conftest import NOBODY, SECRET, environment, module, options, play
from lab_servers import TOKEN
from tools_env import program
from unit.mesh.kubeconfigs import secret_of, with_certificate

ACTION = "DescribeServiceMeshKubeconfig"


@pytest.fixture
def dest(tmp_path):
    return tmp_path / "mesh"


@pytest.fixture
def task(api, dest):
    """The module with the file as its destination."""

    def task(check_mode=False, **arguments):
        result = module("mesh_kubeconfig", {**options(api), "dest": str(dest), **arguments}, check_mode)
        assert TOKEN not in json.dumps(result)
        return result

    return task


def kubectl(dest, *arguments):
    done = subprocess.run(
        [program("kubectl", "whether it takes the file is not tried"), "--kubeconfig", dest, *arguments],
        capture_output=True,
        check=False,
        text=True,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def identity(path):
    """What a write would change."""
    return path.stat().st_ino, path.stat().st_mtime_ns


def same(result):
    """What check mode has to foretell."""
    return {key: result[key] for key in ("changed", "file", "server", "expires", "diff")}


def test_life_of_a_file(lab, task, dest):
    lab.mesh_kubeconfig.write_text(with_certificate(9000))
    checked = task(check_mode=True)
    assert not dest.exists()
    made = task()
    assert same(made) == same(checked)
    assert made["changed"]
    assert made["diff"]["before"] == {}
    assert made["diff"]["after"]["mode"] == "0600"
    assert made["diff"]["after"]["server"] == made["server"] == "https://203.0.113.7:6443"
    assert [call["action"] for call in made["api_calls"]] == [ACTION]
    assert dest.stat().st_mode & 0o777 == 0o600
    written = identity(dest)
    again = task()
    assert (again["changed"], again["api_calls"]) == (False, [])
    assert again["diff"]["before"] == again["diff"]["after"]
    assert identity(dest) == written
    checked = task(check_mode=True, state="absent")
    assert dest.exists()
    gone = task(state="absent")
    assert same(gone) == same(checked)
    assert (gone["changed"], gone["diff"]["after"], gone["server"]) == (True, {}, None)
    assert not dest.exists()
    assert task(state="absent")["changed"] is False


def test_a_good_file_needs_neither_network_nor_credentials(task):
    assert task()["changed"]
    unable = {"endpoint": "127.0.0.1:1", "access_key_id": "", "access_key_secret": ""}
    assert task(**unable)["changed"] is False
    assert task(**unable, state="absent")["changed"]


def test_renewed_in_time(lab, task, dest):
    lab.mesh_kubeconfig.write_text(with_certificate(20))
    first = task()
    assert "hours from now (renew_before), and ASM has no later one" in str(first["warnings"])
    assert task(renew_before=10)["api_calls"] == []
    lab.mesh_kubeconfig.write_text(with_certificate(9000))
    checked, renewed = task(check_mode=True), task()
    assert same(checked) == same(renewed)
    assert renewed["changed"]
    assert renewed["expires"] > first["expires"]
    assert renewed["diff"]["before"]["expires"] == first["expires"]
    assert secret_of(dest.read_text()) == secret_of(with_certificate(9000))
    assert task()["api_calls"] == []


def test_the_other_address_is_another_kubeconfig(task):
    assert task()["changed"]
    private = task(private_ip=True)
    assert (private["changed"], private["diff"]["after"]["private_ip"]) == (True, True)
    assert task(private_ip=True)["changed"] is False


def test_kubectl_works_with_the_file_and_keeps_the_record(task, dest):
    task()
    assert "istio-system" in kubectl(dest, "get", "namespaces", "-o", "name")
    kubectl(dest, "config", "set-context", "--current", "--namespace", "istio-system")
    kept = task()
    assert (kept["changed"], kept["api_calls"]) == (False, [])
    assert "namespace: istio-system" in dest.read_text()


def test_a_file_of_others_is_left_alone(lab, api, task, dest):
    dest.write_text(lab.handed_out)
    for state in ("present", "absent"):
        refused = task(state=state)
        assert refused["failed"]
        assert refused["failure"]["kind"] == "file"
        assert refused["msg"].startswith(
            f"dest: {dest} is there and was not made by this module. Give another"
        )
    assert dest.read_text() == lab.handed_out
    assert api.stats.as_dict()["requests"] == 0
    assert task(force=True)["changed"]
    assert task(state="absent")["changed"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dest": "/no/where/mesh"}, "there is no folder /no/where. Create the folder first."),
        ({"dest": "/"}, "dest: / is not a regular file. Give the path of the file itself."),
        ({"dest": ""}, "is not a regular file"),
        ({"mesh_id": "m-0"}, "DescribeServiceMeshKubeconfig for mesh m-0 failed: HTTP 404"),
        ({"access_key_id": NOBODY.access_key_id}, f"Grant the RAM action servicemesh:{ACTION}"),
        ({"renew_before": -1}, "renew_before: -1 is not allowed, give 0 to 876000 hours"),
        ({"renew_before": 10**12}, "renew_before: 1000000000000 is not allowed"),
        ({"dest": None, "state": "absent"}, "dest: is needed when state is absent"),
    ],
)
def test_failures_say_what_to_do(task, dest, change, words):
    result = task(**change)
    assert result["failed"]
    assert words in result["msg"]
    assert not dest.exists()


def test_an_answer_of_no_use_changes_nothing(lab, task, dest):
    task()
    written = dest.read_text()
    lab.mesh_kubeconfig.write_text(f"users: [{{user: {{token: {TOKEN}}}}}]")
    result = task(force=True)
    assert result["failure"]["kind"] == "unreadable"
    assert "the Kubeconfig is of no use: it is not" in result["msg"]
    assert dest.read_text() == written


def test_passing_faults_are_lived_through(api, task):
    api.faults.set([Fault("throttled", ACTION, retry_after=10), Fault("half_json", ACTION)])
    result = task()
    assert result["changed"]
    assert [bool(call.get("error")) for call in result["api_calls"]] == [True, True, False]


def test_it_is_returned_only_where_it_is_not_shown(lab, api):
    refused = module("mesh_kubeconfig", options(api))
    assert "Set no_log: true on the task, or give dest" in refused["msg"]
    assert api.stats.as_dict()["requests"] == 0
    result = module("mesh_kubeconfig", {**options(api), "_ansible_no_log": True})
    assert (result["changed"], result["file"]) == (False, None)
    given, original = yaml.safe_load(result["kubeconfig"]), yaml.safe_load(lab.handed_out)
    del given["extensions"]
    assert given == original


def test_no_secret_is_shown_at_the_highest_verbosity(lab, api, dest, tmp_path):
    lab.mesh_kubeconfig.write_text(with_certificate(20))
    to_file = {"asm.lanes.mesh_kubeconfig": {"dest": str(dest)}}
    tasks = [
        to_file,
        {"asm.lanes.mesh_kubeconfig": {"dest": str(dest), "force": True}},
        {"asm.lanes.mesh_kubeconfig": {"dest": str(dest), "private_ip": True}},
        {"asm.lanes.mesh_kubeconfig": {}, "no_log": True, "register": "fetched"},
        {"ansible.builtin.assert": {"that": "'client-key-data' in fetched.kubeconfig"}},
        {"asm.lanes.mesh_kubeconfig": {}, "register": "refused", "ignore_errors": True},
        {"ansible.builtin.assert": {"that": "refused is failed"}},
        {"asm.lanes.mesh_kubeconfig": {"dest": str(dest), "state": "absent"}},
    ]
    told = play(tmp_path, [to_file], api, "-vvvv", "--diff", "--check")
    assert not dest.exists()
    told += play(tmp_path, tasks, api, "-vvvv", "--diff")
    assert '+    "server": "https://203.0.113.7:6443"' in told
    for secret in (SECRET, secret_of(lab.mesh_kubeconfig.read_text())):
        for line in (secret, secret[:40], secret[40:80]):
            assert not line or line not in told
