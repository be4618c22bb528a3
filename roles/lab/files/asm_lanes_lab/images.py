"""The images table: which stand-in runs for which container image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from .fields import SettingsError, choice, fixed_port, text

#: The table that comes with the lab.
IMAGES_FILE = Path(__file__).parent / "images.yml"

#: What the column ``app`` may say; ``proxy`` is Envoy alone.
APPS = ("wsk", "helloworld", "chain", "wsk_otel", "proxy")
_COLUMNS = {"image", "app", "port", "env"}


@dataclass(frozen=True)
class ImageRow:
    """One row of the images table: which stand-in a container image stands for."""

    #: fnmatch pattern of the image, for example ``*/asm-socketio-sample:*``.
    image: str
    #: Module of ``asm_lanes_lab.apps`` (``wsk``, ``helloworld``, …), or ``proxy`` for Envoy alone.
    app: str
    #: Port of a container that declares none.
    port: int = 5000
    #: Environment that the image brings along; the container's own ``env`` wins.
    env: Mapping[str, str] = field(default_factory=dict)


def parse_rows(name: str, value: object) -> tuple[ImageRow, ...]:
    """Rows of a table; raises SettingsError naming the row, as in ``images[2].app``."""
    if not isinstance(value, (list, tuple)):
        raise SettingsError(name, "a list of rows {image, app, port, env}", value)
    return tuple(_parse_row(f"{name}[{index}]", row) for index, row in enumerate(value))


def _parse_row(name: str, value: object) -> ImageRow:
    if isinstance(value, ImageRow):
        return value
    if not isinstance(value, Mapping) or not {"image", "app"} <= set(value) <= _COLUMNS:
        raise SettingsError(name, "a row {image, app[, port][, env]}", value)
    env = value.get("env") or {}
    if not isinstance(env, Mapping):
        raise SettingsError(f"{name}.env", "a mapping of names to texts", env)
    return ImageRow(
        image=text(f"{name}.image", value["image"]),
        app=choice(*APPS)(f"{name}.app", value["app"]),
        port=fixed_port(f"{name}.port", value.get("port", 5000)),
        env={str(key): str(item) for key, item in env.items()},
    )


def table(first: Iterable[ImageRow] = ()) -> tuple[ImageRow, ...]:
    """The rows *first*, then those of ``images.yml``."""
    return (*first, *parse_rows(IMAGES_FILE.name, yaml.safe_load(IMAGES_FILE.read_text())["images"]))


def find(rows: Iterable[ImageRow], image: str) -> ImageRow | None:
    """The first row whose pattern matches the whole *image*."""
    return next((row for row in rows if fnmatchcase(image, row.image)), None)
