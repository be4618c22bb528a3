from __future__ import annotations

import pytest
from ansible_collections.asm.lanes.plugins.module_utils._asm.client import AsmClient
from ansible_collections.asm.lanes.plugins.module_utils._asm.credentials import Connection
from ansible_collections.asm.lanes.plugins.module_utils._asm.deadline import Deadline
from ansible_collections.asm.lanes.plugins.module_utils._asm.retry import RetryPolicy

SECRET = "5ecret/of+the=key"
TOKEN = "t0ken/of+sts=="


@pytest.fixture
def connect():
    """A client of a scripted server; backoff in hundredths of a second, so that tests are fast."""

    def connect(endpoint: str, seconds: float = 10, request_timeout: float = 5, **options) -> AsmClient:
        connection = Connection("AK", SECRET, TOKEN, "cn-hangzhou", endpoint, "http", request_timeout)
        return AsmClient(connection, "m-1", Deadline(seconds), RetryPolicy(**{"base": 0.02, **options}))

    return connect
