"""Settings: defaults, round trip, and errors that name the field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from asm_lanes_lab import images
from asm_lanes_lab.fields import SettingsError
from asm_lanes_lab.settings import Settings, default_state_dir


def test_defaults_and_round_trip(tmp_path: Path) -> None:
    row = {"image": "*/shop:*", "app": "chain", "port": 8080, "env": {"NEXT_URL": "http://stock:5000"}}
    data = {"gateway_ports": [30080, 30081], "images": [row], "cluster_api_port": 0}
    settings = Settings.parse(data, tmp_path)
    assert settings.gateway_ports == (30080, 30081)
    assert settings.mesh_id == "lab-mesh"
    again = Settings.parse(json.loads(json.dumps(settings.as_dict())))
    assert again == settings


def test_file_may_be_yaml_json_or_empty(tmp_path: Path) -> None:
    file = tmp_path / "lab.yml"
    for content, port in (("asm_api_port: 5\n", 5), ('{"asm_api_port": 6}', 6), ("", 16480)):
        file.write_text(content)
        assert Settings.load(file, tmp_path).asm_api_port == port


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"port": 1}, ["port: expected one of api_address, "]),
        ({"asm_api_port": "16480"}, ["asm_api_port: expected a port number", "'16480'"]),
        ({"asm_api_port": True}, ["asm_api_port: expected a port number", "True"]),
        ({"asm_api_port": 65536}, ["asm_api_port: expected a port number"]),
        ({"gateway_ports": []}, ["gateway_ports: expected a list of port numbers"]),
        ({"gateway_ports": [30080, 0]}, ["gateway_ports[1]: expected a port number from 1"]),
        ({"gateway_address": "10.0.0.1"}, ["gateway_address: expected a loopback address"]),
        ({"gateway_address": "localhost"}, ["gateway_address: expected an IPv4 address"]),
        ({"pod_network": "127.100.0.1/16"}, ["pod_network: expected an IPv4 network"]),
        ({"pod_network": "10.0.0.0/16"}, ["pod_network: expected a part of 127.0.0.0/8"]),
        ({"app_network": "127.100.128.0/17"}, ["app_network: expected a network of the size of pod_network"]),
        ({"app_network": "127.100.0.0/16"}, ["app_network: expected a network", "apart from it"]),
        ({"mesh_edition": "premium"}, ["mesh_edition: expected one of standard, enterprise, ultimate"]),
        ({"mesh_id": "Lab_Mesh"}, ["mesh_id: expected lower case"]),
        ({"images": {"a": "b"}}, ["images: expected a list of rows"]),
        ({"images": [{"image": "x"}]}, ["images[0]: expected a row"]),
        ({"images": [{"image": "x", "app": "nginx"}]}, ["images[0].app: expected one of wsk, helloworld"]),
        ({"images": [{"image": "x", "app": "wsk", "env": 1}]}, ["images[0].env: expected a mapping"]),
        ({"state_dir": 1}, ["state_dir: expected a text"]),
    ],
)
def test_errors_name_the_field(data: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.parse(data)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [("[1]", "expected a mapping"), ("a: [", "expected YAML or JSON"), (None, "expected a readable file")],
)
def test_a_bad_file_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "lab.yml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError) as error:
        Settings.load(file)
    assert words in str(error.value)
    assert str(file) in str(error.value)


def test_default_state_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_state_dir() == tmp_path / "asm-lanes-lab"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_state_dir() == tmp_path / ".cache" / "asm-lanes-lab"


@pytest.mark.parametrize(
    ("image", "app"),
    [
        ("registry-cn-hangzhou.ack.aliyuncs.com/dev/asm-socketio-sample:669297ea", "wsk"),
        ("registry-cn-hangzhou.ack.aliyuncs.com/ack-demo/examples-helloworld-v2:1.0", "helloworld"),
        ("asm-lanes.lab/chain:3", "chain"),
        ("asm-lanes.lab/proxy:1", "proxy"),
        ("nginx:1.27", None),
    ],
)
def test_images_table(image: str, app: str | None) -> None:
    row = images.find(images.table(), image)
    assert (row and row.app) == app


def test_rows_of_the_settings_come_first() -> None:
    first = images.parse_rows("images", [{"image": "*/asm-socketio-sample:*", "app": "chain"}])
    row = images.find(images.table(first), "any/asm-socketio-sample:1")
    assert row == first[0]
