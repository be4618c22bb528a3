"""The inputs of several roles, validated before any of them does anything."""

from __future__ import annotations

import pytest
import yaml

from .conftest import Servers

ROLES = ("sample_app", "gateway_routing", "lane_proof")
GATEWAY = {"asm_lanes_gateway_url": "http://127.0.0.1:1"}


def chain(roles: object = None) -> str:
    """Two roles that write, after their inputs and those of a third were validated."""
    tasks = [
        {"asm.lanes.role_arguments": {"roles": list(ROLES) if roles is None else roles}, "tags": ["always"]},
        *(
            {
                "ansible.builtin.import_role": {"name": f"asm.lanes.{name}", "rolespec_validate": False},
                "tags": [name],
            }
            for name in ROLES
        ),
    ]
    return yaml.safe_dump(tasks)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {**GATEWAY, "lane_proof_messages": "many", "sample_app_state": "there"},
            ("lane_proof_messages", "sample_app_state", "present, absent"),
        ),
        ({"lane_proof_cluster_kubeconfig": ""}, ("The gateway is not known. Set asm_lanes_gateway_url",)),
    ],
)
def test_what_is_wrong_with_the_last_role_stops_the_first(
    servers: Servers, variables: dict[str, str], words: tuple[str, ...]
) -> None:
    before = servers.writes("cluster"), servers.writes("mesh")
    result = servers.play(chain(), **variables)
    assert result.code != 0
    assert all(word in result.output for word in words), result.output
    assert "Services and Deployments" not in result.output
    assert "Traceback" not in result.output
    assert (servers.writes("cluster"), servers.writes("mesh")) == before


def test_tags_leave_roles_out(servers: Servers) -> None:
    wrong = {**GATEWAY, "lane_proof_messages": "many"}
    routed = servers.play(chain(), "--tags", "gateway_routing", **wrong)
    assert routed.code == 0, routed.output
    skipped = servers.play(chain(), "--skip-tags", "lane_proof,sample_app", **wrong)
    assert skipped.code == 0, skipped.output
    assert servers.play(chain(), "--tags", "lane_proof", **wrong).code != 0


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        (["lane_proofs"], 'this collection has no role \\"lane_proofs\\"; it has'),
        ("lane_proof", "a list of names"),
    ],
)
def test_a_role_that_is_not_there(servers: Servers, roles: object, words: str) -> None:
    result = servers.play(chain(roles), **GATEWAY)
    assert result.code != 0
    assert words in result.output, result.output
    assert "Traceback" not in result.output
