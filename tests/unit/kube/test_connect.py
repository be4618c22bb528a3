"""Several kubeconfigs read at once, as `preflight` does."""

from __future__ import annotations

import base64
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import kubernetes.config.kube_config
import pytest
import yaml
from ansible_collections.asm.lanes.plugins.module_utils._kube.client import connect

AUTHORITY = "-----BEGIN CERTIFICATE-----\nof both servers\n-----END CERTIFICATE-----\n"


def test_two_servers_with_one_authority_never_meet_at_a_half_written_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failed once as "no certificate or crl found": the client shares its temporary files by content."""

    def slow_open(file: str, mode: str = "r", **named: Any) -> Any:
        if mode == "wb":
            time.sleep(0.1)
        return Path(file).open(mode, **named)

    monkeypatch.setattr(kubernetes.config.kube_config, "_temp_files", {})
    monkeypatch.setattr(kubernetes.config.kube_config, "open", slow_open, raising=False)

    def authority_when_connected(file: Path) -> str:
        return Path(connect(file)._client.client.configuration.ssl_ca_cert).read_text(encoding="utf-8")

    files = [_kubeconfig(tmp_path / name) for name in ("cluster", "mesh")]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(authority_when_connected, files)) == [AUTHORITY, AUTHORITY]


def _kubeconfig(file: Path) -> Path:
    data = base64.b64encode(AUTHORITY.encode()).decode()
    entry = {"server": f"https://{file.name}.example", "certificate-authority-data": data}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": entry}],
        "users": [{"name": "it", "user": {"token": "t"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file
