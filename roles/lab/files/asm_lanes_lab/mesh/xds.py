"""Writes the configuration of the proxies as files that Envoy watches.

Layout: `<namespace>.<pod>/{bootstrap,lds,cds}.json` and `rds/<name>.json` for each proxy. A file is replaced
by renaming, only when its content changes, and in an order in which nothing refers to what is not yet there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .translate import ProxyConfig, Translation


class XdsWriter:
    """The files under one folder; nobody else writes there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests: dict[Path, str] = {}

    def write(self, translation: Translation) -> list[Path]:
        """Bring the files up to date; returns those that were written.

        Clusters go before the routes that need them, routes before listeners, the bootstrap last, since its
        presence starts the proxy. Leftovers, of proxies and ports that are gone or of an earlier run, are
        removed at the end.
        """
        written, digests = [], {}
        for path, text in _files(self._folder, translation):
            digests[path] = hashlib.sha256(text.encode()).hexdigest()
            if self._digests.get(path) != digests[path]:
                _replace(path, text)
                written.append(path)
        self._remove_others(digests, translation)
        self._digests = digests
        return written

    def _remove_others(self, wanted: Iterable[Path], translation: Translation) -> None:
        for path in self._digests.keys() - set(wanted):
            path.unlink(missing_ok=True)
        known = {proxy.name for proxy in translation.proxies}
        for entry in self._folder.glob("*"):
            if entry.name not in known:
                shutil.rmtree(entry, ignore_errors=True)


def _files(folder: Path, translation: Translation) -> Iterator[tuple[Path, str]]:
    texts = _Texts()
    for proxy in translation.proxies:
        yield from _proxy_files(folder / proxy.name, proxy, texts)


def _proxy_files(folder: Path, proxy: ProxyConfig, texts: _Texts) -> Iterator[tuple[Path, str]]:
    yield folder / "cds.json", _response([texts.of(cluster) for cluster in proxy.clusters])
    for name, routes in proxy.routes.items():
        fields = (f"{json.dumps(key)}:{texts.of(value)}" for key, value in routes.items())
        yield folder / "rds" / f"{name}.json", _response([f"{{{','.join(fields)}}}"])
    yield folder / "lds.json", _response([texts.of(listener) for listener in proxy.listeners])
    yield folder / "bootstrap.json", texts.of(proxy.bootstrap)


class _Texts:
    """JSON texts of the parts of one translation; parts that proxies share are serialised once."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, part: Any) -> str:
        """The JSON text; the part must live on as long as this object does."""
        text = self._known.get(id(part))
        if text is None:
            text = self._known[id(part)] = json.dumps(part, separators=(",", ":"))
        return text


def _response(resources: list[str]) -> str:
    """An xDS answer; its version is a digest, so that Envoy's /config_dump tells what is in force."""
    text = f"[{','.join(resources)}]"
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f'{{"version_info":"{version}","resources":{text}}}'


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.rename(path)
