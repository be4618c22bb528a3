# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The topology as Mermaid text, for documentation that renders it (GitHub, GitLab, MkDocs)."""

from __future__ import annotations

from .document import short
from .seen import BROADCAST, OK, SILENT, WRONG
from .text import shorten
from .topology import GATEWAY, OWN, Edge, Topology

LIMIT = 60
_SIGNS = {OK: "✓", WRONG: "✗", SILENT: "✗"}


def render(picture: Topology) -> str:
    """A flowchart from left to right with a subgraph for each lane."""
    names = {GATEWAY: "gateway"}
    names |= {door.id: f"in{number}" for number, door in enumerate(picture.doors)}
    names |= {node.id: f"n{number}" for number, node in enumerate(picture.nodes)}
    lines = ["flowchart LR"]
    for door in picture.doors:
        words = f"{_SIGNS.get(door.state, '')} {door.text}"
        lines.append(f'  {names[door.id]}(["{_quoted(words)}"])')
    lines.append(f'  gateway["gateway<br/>{_quoted(picture.gateway)}"]')
    for number, lane in enumerate(dict.fromkeys([*picture.lanes, *(node.lane for node in picture.nodes)])):
        title = f"lane {lane}{' (baseline)' if lane == picture.baseline else ''}" if lane else "in no lane"
        lines.append(f'  subgraph lane{number}["{_quoted(title)}"]')
        lines += [
            f'    {names[node.id]}["{_quoted(f"{short(node.service)} {node.version}")}'
            f'<br/>{_quoted(" · ".join(node.notes))}"]'
            for node in picture.nodes
            if node.lane == lane
        ]
        lines.append("  end")
    lines += [
        f"  {names[edge.source]} {_arrow(edge)} {names[edge.target]}"
        for edge in picture.edges
        if edge.source in names and edge.target in names
    ]
    return "\n".join(lines) + "\n"


def _arrow(edge: Edge) -> str:
    """Dotted for broadcasts, thick for what is wrong; plain from a door, which has a sign of its own."""
    if edge.target == GATEWAY:
        return "-->"
    words = [_SIGNS.get(edge.state, ""), "broadcast" if edge.kind == BROADCAST else ", ".join(edge.lanes)]
    arrow = "==>" if edge.state == WRONG else "-->" if edge.kind == OWN else "-.->"
    text = _quoted(" ".join(word for word in words if word))
    return f'{arrow}|"{text}"|' if text else arrow


def _quoted(text: str) -> str:
    """Text that ends neither the quotes nor, as HTML, the label: Mermaid knows entities as ``#35;``."""
    plain = shorten(text, LIMIT)
    return "".join(c if c.isalnum() or c in " .,:;/_-()·✓✗×→…=" else f"#{ord(c)};" for c in plain)
