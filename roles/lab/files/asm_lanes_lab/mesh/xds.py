"""Writes the configuration of the proxies as files that Envoy watches.

Layout: `<namespace>.<pod>/{bootstrap,lds,cds}.json` and `rds/<name>.json` for each proxy;
`eds/<cluster>.json` once for all proxies, because endpoints are the same for everybody. A file is replaced by
renaming, only when its content changes, and in an order in which nothing refers to what is not yet there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from .envoy import Json
from .translate import ProxyConfig, Translation, endpoints_file


class XdsWriter:
    """The files under one folder; nobody else writes there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[Path, str] = {}

    def write(self, translation: Translation) -> list[Path]:
        """Bring the files up to date; returns those that were written.

        Endpoints go before the clusters that need them, clusters before routes, routes before listeners, the
        bootstrap last, since its presence starts the proxy. Leftovers, of proxies and clusters that are gone
        or of an earlier run, are removed at the end.
        """
        wanted = dict(_files(self._folder, translation))
        changed = [path for path, text in wanted.items() if self._written.get(path) != text]
        for path in changed:
            _replace(path, wanted[path])
        self._remove_others(wanted, translation)
        self._written = wanted
        return changed

    def _remove_others(self, wanted: dict[Path, str], translation: Translation) -> None:
        for path in self._written.keys() - wanted.keys():
            path.unlink(missing_ok=True)
        if not self._folder.is_dir():
            return
        known = {proxy.name for proxy in translation.proxies} | {"eds"}
        for entry in self._folder.iterdir():
            if entry.name not in known:
                shutil.rmtree(entry, ignore_errors=True)
        if not self._written:
            for path in (self._folder / "eds").glob("*.json"):
                if path not in wanted:
                    path.unlink(missing_ok=True)


def _files(folder: Path, translation: Translation) -> Iterable[tuple[Path, str]]:
    for cluster, endpoints in translation.endpoints.items():
        yield endpoints_file(folder, cluster), _response([endpoints])
    for proxy in translation.proxies:
        yield from _proxy_files(folder / proxy.name, proxy)


def _proxy_files(folder: Path, proxy: ProxyConfig) -> Iterable[tuple[Path, str]]:
    yield folder / "cds.json", _response(proxy.clusters)
    for name, routes in proxy.routes.items():
        yield folder / "rds" / f"{name}.json", _response([routes])
    yield folder / "lds.json", _response(proxy.listeners)
    yield folder / "bootstrap.json", json.dumps(proxy.bootstrap)


def _response(resources: list[Json]) -> str:
    """An xDS answer; its version is a digest, so that Envoy's /config_dump tells what is in force."""
    text = json.dumps(resources, separators=(",", ":"))
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f'{{"version_info":"{version}","resources":{text}}}'


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)
