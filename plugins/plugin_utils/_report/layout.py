# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where the parts of the topology stand: layers from left to right, a band for each lane. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from .seen import BROADCAST, WRONG
from .topology import GATEWAY, OWN, Edge, Node, Topology

MARGIN = 16
DOOR_WIDTH, DOOR_HEIGHT = 172, 34
GATEWAY_WIDTH, GATEWAY_HEIGHT = 128, 64
NODE_WIDTH, NODE_HEAD, NOTE_HEIGHT = 196, 40, 17
EDGE_ROOM = 84  # between door, gateway and bands
CALL_ROOM = 136  # between two layers of services
BAND_HEAD, BAND_FOOT, BAND_SIDE, BAND_GAP = 28, 14, 18, 14
ROW_GAP = 12
PORT_GAP, PORT_MARGIN = 11, 9  # between edges that meet a side of a box, and from its corners
PILL_HEIGHT = 18
CHARACTER = 7.2  # width of a small bold letter (font size 12), rather too wide than too narrow


@dataclass(frozen=True)
class Box:
    """A rectangle; id as in the topology."""

    id: str
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True)
class Line:
    """An edge as a curve from the right side of one box to the left side of another; label may be empty."""

    edge: Edge
    x1: float
    y1: float
    x2: float
    y2: float
    label: str
    label_x: float
    label_y: float

    @property
    def path(self) -> str:
        """For the attribute ``d`` of an SVG path."""
        bend = max((self.x2 - self.x1) / 2, 30)
        return (
            f"M{self.x1:g} {self.y1:g} C{self.x1 + bend:g} {self.y1:g} "
            f"{self.x2 - bend:g} {self.y2:g} {self.x2:g} {self.y2:g}"
        )

    @property
    def label_width(self) -> float:
        return len(self.label) * CHARACTER + 14


@dataclass(frozen=True)
class Layout:
    """Everything with its place. bands: by lane; boxes: of doors, gateway and nodes by id."""

    width: float
    height: float
    bands: dict[str, Box]
    boxes: dict[str, Box]
    lines: tuple[Line, ...]


def layout(picture: Topology) -> Layout:
    """Place a topology."""
    start = MARGIN + DOOR_WIDTH + EDGE_ROOM + GATEWAY_WIDTH + EDGE_ROOM
    columns = max(len(picture.layers), 1)
    band_width = columns * NODE_WIDTH + (columns - 1) * CALL_ROOM + 2 * BAND_SIDE
    bands: dict[str, Box] = {}
    boxes: dict[str, Box] = {}
    y = float(MARGIN)
    for lane in dict.fromkeys([*picture.lanes, *(node.lane for node in picture.nodes)]):
        rows = [_in_layer(picture, lane, layer) for layer in picture.layers]
        count = max([len(row) for row in rows] + [1])
        notes = max([len(node.notes) for row in rows for node in row] + [1])
        node_height = NODE_HEAD + NOTE_HEIGHT * notes
        height = BAND_HEAD + count * node_height + (count - 1) * ROW_GAP + BAND_FOOT
        bands[lane] = Box(lane, start, y, band_width, height)
        for column, row in enumerate(rows):
            for number, node in enumerate(row):
                x = start + BAND_SIDE + column * (NODE_WIDTH + CALL_ROOM)
                top = y + BAND_HEAD + number * (node_height + ROW_GAP)
                boxes[node.id] = Box(node.id, x, top, NODE_WIDTH, node_height)
        y += height + BAND_GAP
    bottom = y - BAND_GAP
    boxes |= _doors(picture, bands, bottom)
    bottom = max([bottom, *(box.y + box.height for box in boxes.values())])
    x = MARGIN + DOOR_WIDTH + EDGE_ROOM
    gateway_y = (MARGIN + bottom - GATEWAY_HEIGHT) / 2
    boxes[GATEWAY] = Box(GATEWAY, x, gateway_y, GATEWAY_WIDTH, GATEWAY_HEIGHT)
    return Layout(start + band_width + MARGIN, bottom + MARGIN, bands, boxes, _lines(picture, boxes))


def _in_layer(picture: Topology, lane: str, layer: Iterable[str]) -> list[Node]:
    return [node for node in picture.nodes if node.lane == lane and node.service in layer]


def _doors(picture: Topology, bands: dict[str, Box], bottom: float) -> dict[str, Box]:
    """A door beside the band of its lane; the one for everything else below them."""
    found = {}
    for door in picture.doors:
        band = bands.get(door.lane) if door.lane else None
        y = band.middle - DOOR_HEIGHT / 2 if band else bottom + BAND_GAP
        found[door.id] = Box(door.id, MARGIN, y, DOOR_WIDTH, DOOR_HEIGHT)
    return found


def _lines(picture: Topology, boxes: dict[str, Box]) -> tuple[Line, ...]:
    edges = [edge for edge in picture.edges if edge.source in boxes and edge.target in boxes]
    leaving = _ports(edges, boxes, lambda edge: edge.source, lambda edge: edge.target)
    arriving = _ports(edges, boxes, lambda edge: edge.target, lambda edge: edge.source)
    lines = []
    for number, edge in enumerate(edges):
        source, target = boxes[edge.source], boxes[edge.target]
        x1, y1, x2, y2 = source.x + source.width, leaving[number], target.x, arriving[number]
        label = _label(edge, len(picture.lanes))
        lines.append(Line(edge, x1, y1, x2 - 1, y2, label, (x1 + x2) / 2, (y1 + y2) / 2))
    return tuple(_apart(lines))


def _ports(
    edges: list[Edge], boxes: dict[str, Box], side: Callable[[Edge], str], other: Callable[[Edge], str]
) -> dict[int, float]:
    """Where each edge meets its box: spread over the side, in the order of where they come from or go to."""
    places: dict[int, float] = {}
    for name, box in boxes.items():
        meeting = [number for number, edge in enumerate(edges) if side(edge) == name]
        meeting.sort(
            key=lambda number: (boxes[other(edges[number])].middle, edges[number].kind != OWN, number)
        )
        room = box.height - 2 * PORT_MARGIN
        gap = min(PORT_GAP, room / max(len(meeting) - 1, 1))
        for place, number in enumerate(meeting):
            places[number] = box.middle + (place - (len(meeting) - 1) / 2) * gap
    return places


def _label(edge: Edge, lanes: int) -> str:
    """Nothing for what is plain: a lane on the way to its own band. lanes: how many there are."""
    if edge.state == WRONG and edge.target != GATEWAY:
        return f"✗ {'broadcast' if edge.kind == BROADCAST else _names(edge.lanes)}"
    if edge.kind == BROADCAST:
        return "broadcast"
    if len(edge.lanes) < 2:
        return ""
    return "all lanes" if len(edge.lanes) == lanes else _names(edge.lanes)


def _names(lanes: list[str]) -> str:
    text = ", ".join(lanes)
    return text if len(text) <= 12 else f"{len(lanes)} lanes" if len(lanes) > 1 else f"{text[:11]}…"


def _apart(lines: list[Line]) -> list[Line]:
    """The same lines with labels moved down where they would cover each other."""
    taken: list[tuple[float, float, float]] = []
    placed = []
    for line in lines:
        y = line.label_y
        if line.label:
            half = line.label_width / 2
            while any(
                abs(y - other_y) < PILL_HEIGHT + 2 and abs(line.label_x - x) < half + other_half
                for x, other_y, other_half in taken
            ):
                y += PILL_HEIGHT + 3
            taken.append((line.label_x, y, half))
        placed.append(replace(line, label_y=y))
    return placed
