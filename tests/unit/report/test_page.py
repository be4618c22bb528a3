"""The HTML page as text; how it looks is checked in a browser (tests/integration/report)."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata
from html.parser import HTMLParser

import pytest
import report_proofs
from ansible_collections.asm.lanes.plugins.plugin_utils._report import page, parsing, text
from hypothesis import given
from hypothesis import strategies as st

VOID = {"meta", "link", "br"}


class Elements(HTMLParser):
    """Every element with its attributes, and the text; fails when elements are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def elements(name: str) -> Elements:
    return Elements(page.html(parsing.parse(report_proofs.ALL[name]())))


def test_hostile_text_makes_no_element_and_no_attribute() -> None:
    plain, hostile = elements("failed"), elements("hostile")
    shape = [(tag, sorted(attributes)) for tag, attributes in plain.found]
    assert [(tag, sorted(attributes)) for tag, attributes in hostile.found] == shape
    assert "<img src=x onerror=alert(1)>" in hostile.text, "it is shown as text"
    assert "{{ 7*7 }}" in hostile.text
    assert not re.search("[\x00\x1b\u202e\ud800]", hostile.text)


@pytest.mark.parametrize("name", report_proofs.ALL)
def test_the_page_has_no_script_and_names_nothing_to_load(name: str) -> None:
    found = elements(name)
    assert not {"script", "iframe", "object", "embed", "form", "base", "img"} & {
        tag for tag, _attributes in found.found
    }
    for tag, attributes in found.found:
        assert not any(key.startswith("on") or key in ("style", "src", "srcset") for key in attributes)
        target = attributes.get("href") or "#"
        assert target.startswith("#" if tag == "a" else "data:" if tag == "link" else "#")


def test_the_policy_allows_the_style_sheet_by_its_digest_and_nothing_else() -> None:
    html = page.html(parsing.parse(report_proofs.failed()))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize(("name", "headline"), [
    ("passed", "The lanes are as promised"),
    ("failed", "The lanes are not as promised"),
    ("down", "The lanes cannot be proven"),
    ("doubtful", "The lanes are as promised, but something was found"),
    ("untried", "Nothing was tried"),
])  # fmt: skip
def test_the_verdict(name: str, headline: str) -> None:
    found = elements(name).text
    assert headline in found
    assert ("What is wrong" in found) == (name in ("failed", "down", "doubtful"))


def test_findings_come_with_remedy_and_evidence() -> None:
    found = elements("failed").text
    for words in ("Deployment default/wsk-deploy", "What to do: Forward the header", "outbound: no baggage"):
        assert words in found


@given(st.text())
def test_what_is_made_printable_can_stand_in_xml(written: str) -> None:
    shown = text.printable(written)
    assert len(shown) == len(written)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2066-\u2069]", shown
    )


@given(st.text(), st.integers(2, 40))
def test_what_is_shortened_keeps_to_the_limit(written: str, limit: int) -> None:
    shown = text.shorten(written, limit)
    wide = sum(unicodedata.east_asian_width(character) in "WFA" for character in shown)
    assert len(shown) + wide <= limit + ("…" in shown), "the ellipsis itself may be wide"
    assert "\n" not in shown


@pytest.mark.parametrize(("value", "words"), [
    (0, "0"), (7, "7"), (7.0, "7"), (1234, "1,234"), (1234.5, "1,234"), (12.345, "12.3"), (0.4561, "0.456"),
])  # fmt: skip
def test_numbers(value: float, words: str) -> None:
    assert text.number(value) == words
