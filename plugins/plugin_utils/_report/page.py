# Copyright (c) 2026, asm.lanes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pages: templates filled with what `matrix`, `topology` and `layout` have computed.

Every value is escaped (autoescape), and made printable first (`finalize`): what an application answers, a
header or a server's words may hold anything. The styles are allowed by their digest in the page's
Content-Security-Policy and nothing else is, so that even markup that slipped through could do nothing.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import document, matrix, mermaid, text, topology
from .document import Proof
from .layout import layout
from .topology import Topology

TEMPLATES = Path(__file__).parent / "templates"


@cache
def environment() -> Environment:
    """Templates with everything that they may use."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_fit,
    )
    found.filters |= {
        "number": text.number,
        "percent": text.percent,
        "moment": text.moment,
        "shorten": text.shorten,
        "short": document.short,
    }
    found.globals |= {
        "KINDS": document.KINDS,
        "LOADS": document.LOADS,
        "TRANSPORTS": document.TRANSPORTS,
        "SIGNS": matrix.SIGNS,
        "STATES": matrix.WORDS,
        "plural": text.plural,
    }
    return found


def svg(proof: Proof) -> str:
    """The topology as a picture of its own, with its styles."""
    style = Markup((TEMPLATES / "topology.css").read_text(encoding="utf-8"))
    return _draw(proof, topology.topology(proof), style)


def _draw(proof: Proof, picture: Topology, style: Markup | None) -> str:
    template = environment().get_template("topology.svg.j2")
    return template.render(picture=picture, places=layout(picture), group=proof.group.name, style=style)


def html(proof: Proof) -> str:
    """The whole report as one page that needs nothing else."""
    picture = topology.topology(proof)
    sheets = [(TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "topology.css")]
    style = "\n".join(sheets)
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            proof=proof,
            picture=picture,
            drawing=Markup(_draw(proof, picture, None)),
            routes=topology.routes(picture),
            mermaid=mermaid.render(picture),
            lanes=matrix.matrix(proof, "lane"),
            negatives=matrix.matrix(proof, "negative"),
            services=document.services_of(proof.cases),
            slowest=_slowest(proof),
            style=Markup(style),
            style_digest=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        )
    )


def _slowest(proof: Proof) -> float:
    """The longest time that was measured (milliseconds): the end of the scale."""
    timings = [timing for case in proof.cases for timing in (case.handshake, case.answer) if timing]
    return max([timing.max or timing.p95 or 0 for timing in timings] + [0])


def _fit(value: Any) -> Any:
    return text.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value
