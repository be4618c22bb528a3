"""The server that the tests of this folder share; see ``harness.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from integration.lab_kube.harness import Lab


@pytest.fixture(scope="session")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Lab(tmp_path_factory.mktemp("lab_kube"))
    lab.start()
    yield lab
    lab.close()


@pytest.fixture
def lab(_lab: Lab) -> Iterator[Lab]:
    """A running server, empty but for the Widget CRD."""
    yield _lab
    _lab.server.pod_log = None
    _lab.call(_lab.server.reset)
