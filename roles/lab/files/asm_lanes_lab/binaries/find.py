"""Where a program is already: KUBEBUILDER_ASSETS, then PATH, then the project's cache."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import LabError
from .cache import cached
from .recipes import Recipe

ASSETS = "KUBEBUILDER_ASSETS"


@dataclass(frozen=True)
class Found:
    """A program that can be run."""

    file: Path
    #: In words: where it was found.
    source: str


class MissingError(LabError):
    """A program that is nowhere to be had; the message says what was tried."""


def find(recipe: Recipe) -> Found | None:
    """The program, if this machine has it. Raises LabError when a place that was named does not hold it."""
    return _in_assets(recipe) or _on_path(recipe) or _in_cache(recipe)


def _in_assets(recipe: Recipe) -> Found | None:
    folder = os.environ.get(ASSETS)
    if not folder:
        return None
    if not Path(folder).is_dir():
        raise LabError(f"{ASSETS} is {folder}, which is no folder; correct it, or unset it")
    # Envtest's archives come without kube-controller-manager, so a program may well be missing here.
    file = Path(folder, recipe.name)
    return Found(file, ASSETS) if os.access(file, os.X_OK) and file.is_file() else None


def _on_path(recipe: Recipe) -> Found | None:
    file = shutil.which(recipe.name)
    return Found(Path(file), "PATH") if file else None


def _in_cache(recipe: Recipe) -> Found | None:
    file = cached(recipe)
    return Found(file, "cache") if file else None
