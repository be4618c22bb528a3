"""The official envtest archive: etcd and kube-apiserver, ready to run, where the network allows it.

The version is the one that the release index of kubernetes-sigs/controller-tools names for the Kubernetes
release in go.mod; the checksums (SHA-512) are from that index (envtest-releases.yaml, read in July 2026).
The archive has no kube-controller-manager.
"""

from __future__ import annotations

import http.client
import os
import platform
import shutil
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

from .cache import checksum, keep
from .recipes import API_SERVER, ETCD, Recipe

VERSION = "v1.36.2"
SOURCE = "https://github.com/kubernetes-sigs/controller-tools/releases/download"
CHECKSUMS = {
    "amd64": "ea743186c8a799f5cf8faf16969f86189d003cb7d130e0ac4b58789f1e5748dc"
    "f30ebe91c837a10d5ac415383da3e10b9e64d65785c938c23e739781cfb76f08",
    "arm64": "2d72ee985a8e262a3c57dc9f7f0fd891f6a8c7bf7ebaa2db6dc6d8eac8ae2818"
    "1afe51c1f368b67756cdb40b10de9b205609e1726e5f27f7c6d824dd9c6649ac",
}
CONTENTS = (ETCD, API_SERVER)

#: Seconds for a connection and for each piece of an answer: without network this must not be a long wait.
PATIENCE = 5.0
#: Another place with the same archives, such as a company's mirror; empty: do not try at all.
MIRROR = "ASM_LANES_ENVTEST_MIRROR"

_PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class DownloadError(Exception):
    """The archive could not be had; the text says why."""


def download(folder: Path) -> list[Recipe]:
    """Fetch the archive into *folder* and put its programs into the cache. Raises DownloadError."""
    processor = _PROCESSORS.get(platform.machine(), "")
    if processor not in CHECKSUMS:
        raise DownloadError(f"there is no checksum for the processor {platform.machine()}")
    place = os.environ.get(MIRROR, SOURCE)
    if not place:
        raise DownloadError(f"{MIRROR} is empty")
    name = f"envtest-{VERSION}-linux-{processor}.tar.gz"
    archive = _fetch(f"{place}/envtest-{VERSION}/{name}", folder / name)
    if checksum(archive, "sha512") != CHECKSUMS[processor]:
        raise DownloadError(f"{name} has another SHA-512 than the release index names")
    return unpack(archive, folder)


def _fetch(url: str, file: Path) -> Path:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer, file.open("wb") as output:
            shutil.copyfileobj(answer, output)
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        raise DownloadError(f"{url}: {getattr(error, 'reason', None) or error}") from error
    return file


def unpack(archive: Path, folder: Path) -> list[Recipe]:
    """Put the programs of the archive into the cache; which they were. Raises DownloadError."""
    try:
        with tarfile.open(archive) as content:
            files = {Path(item.name).name: item for item in content if item.isfile()}
            for recipe in CONTENTS:
                source = content.extractfile(files[recipe.name])
                assert source
                with source, (folder / recipe.name).open("wb") as output:
                    shutil.copyfileobj(source, output)
                keep(recipe, folder / recipe.name)
    except (tarfile.TarError, KeyError, OSError) as error:
        raise DownloadError(f"{archive.name} is not as expected: {error}") from error
    return list(CONTENTS)
