"""The options of an audit that a proof is asked for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._audit.options import ARGUMENTS, complete


def test_what_is_not_stated_is_as_the_module_has_it() -> None:
    found = complete({"cluster_kubeconfig": "/k", "messages": ["call"], "mesh_kubeconfig": ""})
    assert found.keys() == ARGUMENTS.keys()
    assert (found["messages"], found["timeout"], found["mesh_kubeconfig"]) == (["call"], 10, "")


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({}, "missing required arguments: cluster_kubeconfig"),
        ({"cluster_kubeconfig": "/k", "message": ["call"]}, "message"),
        ({"cluster_kubeconfig": "/k", "messages": ["shout"]}, "handshake, call, broadcast, polling, http"),
        ({"cluster_kubeconfig": "/k", "timeout": 0}, "timeout: 0.0 is not allowed, must be more than 0"),
    ],
)
def test_what_is_wrong_is_named(stated: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match="audit_options") as caught:
        complete(stated)
    assert words in str(caught.value)
