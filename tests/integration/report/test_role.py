"""The report of playbooks/prove.yml: there whatever the verdict, and never in the verdict's way."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
from ansible_collections.asm.lanes.plugins.plugin_utils._report import as_json

from ..probe import servers

ROOT = Path(__file__).parents[3]


def prove(folder: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run the playbook from *folder*."""
    values = {"lane_proof_settle_timeout": 0, **variables}
    (folder / "variables.json").write_text(json.dumps(values))
    return subprocess.run(
        [str(Path(sys.executable).with_name("ansible-playbook")), "asm.lanes.prove", "-e", "@variables.json"],
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "ANSIBLE_HOME": str(ROOT / ".ansible"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def statistic(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the play hands to a workflow."""
    (found,) = re.findall(r"RUN: ({.*})", done.stdout.partition("CUSTOM STATS")[2], re.DOTALL)
    handed: dict[str, Any] = json.loads(found)["asm_lanes_proof"]
    return handed


def test_a_proof_that_passed_leaves_a_report_where_it_was_started(tmp_path: Path) -> None:
    with servers.serve(servers.App().build()) as url:
        done = prove(tmp_path, asm_lanes_gateway_url=url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "changed=0" in done.stdout
    report = {path.suffix: path for path in (tmp_path / "reports").iterdir()}
    assert report.keys() == {".json", ".xml", ".html", ".svg"}
    assert f"report: {report['.html']}" in done.stdout
    assert statistic(done)["report"]["html"] == str(report[".html"])
    proof = json.loads(report[".json"].read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(as_json.schema()).validate(proof)
    assert proof["passed"] is True
    assert ElementTree.parse(report[".xml"]).getroot().get("failures") == "0"
    assert "The lanes are as promised" in report[".html"].read_text(encoding="utf-8")


def test_a_difference_fails_the_play_after_the_report_is_written(tmp_path: Path) -> None:
    with servers.serve(servers.App(lanes={}).build()) as url:
        done = prove(tmp_path, asm_lanes_gateway_url=url, asm_lanes_report_dir=str(tmp_path / "kept"))
    assert done.returncode == 2
    assert "lane v2: own messages: default/helloworld v1 answered" in done.stdout + done.stderr
    root = ElementTree.parse(tmp_path / "kept" / "lane-proof.xml").getroot()
    failed = [
        (c.get("classname"), c.get("name")) for c in root.iter("testcase") if c.find("failure") is not None
    ]
    assert ("asm.lanes.ws.lanes.lane v2", "own answer") in failed
    # Cases that are to land in v2 fail with it; nothing that belongs to the baseline does.
    assert not any(
        "lane base" in str(classname) or "no header" in str(classname) for classname, _name in failed
    )
    told = statistic(done)
    assert told["passed"] is False
    assert Path(told["report"]["html"]).is_file()


def test_a_lab_that_is_down_is_one_line_and_a_report(tmp_path: Path) -> None:
    done = prove(tmp_path, asm_lanes_gateway_address="127.0.0.1", asm_lanes_gateway_port=9)
    assert done.returncode == 2
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "cannot be proven" in line]
    assert any("http://127.0.0.1:9: connection refused" in line for line in lines)
    assert "own messages" not in done.stdout
    assert statistic(done)["message"].count("\n") == 0
    page = (tmp_path / "reports" / "lane-proof.html").read_text(encoding="utf-8")
    assert "The lanes cannot be proven" in page


def test_a_report_that_cannot_be_written_fails_the_play_after_the_verdict(tmp_path: Path) -> None:
    (tmp_path / "full").write_text("no folder")
    with servers.serve(servers.App().build()) as url:
        done = prove(tmp_path, asm_lanes_gateway_url=url, asm_lanes_report_dir="full")
    assert done.returncode == 2
    assert "cases passed" in done.stdout
    assert re.search(r"The report could not be written: .*full cannot be written", done.stdout + done.stderr)
    assert statistic(done)["passed"] is True
