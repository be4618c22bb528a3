from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def guide_spec() -> dict[str, Any]:
    """The guide's lane group, in the user's words."""
    both = ["default/wsk-svc", "default/helloworld"]
    return {
        "name": "ws",
        "mode": "permissive",
        "route_header": "version",
        "trace_header": "baggage",
        "gateway_rule": {"name": "ws-gateway", "namespace": "default"},
        "services": both,
        "baseline": "base",
        "lanes": [
            {"name": "base", "label_selector": {"version": "v1"}, "services": both},
            {"name": "v1", "label_selector": {"version": "v1"}, "services": ["default/helloworld"]},
            {"name": "v2", "label_selector": {"version": "v2"}, "services": ["default/helloworld"]},
        ],
    }
