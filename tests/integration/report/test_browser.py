"""The page in a real browser: renders without errors, loads nothing, can be read everywhere."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import report_proofs
from ansible_collections.asm.lanes.plugins.plugin_utils._report import files, formats
from playwright.sync_api import Browser, Page

LOOKS = (Path(__file__).parent / "looks.js").read_text(encoding="utf-8")
WIDE, NARROW, PAPER = 1280, 390, 688  # paper: A4 less the page's margins


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every example, as files."""
    found = tmp_path_factory.mktemp("pages")
    for name, make in report_proofs.ALL.items():
        for kind, text in formats.render(make(), ["html", "svg"]).items():
            (found / f"{name}.{kind}").write_bytes(files.to_bytes(text))
    return found


class Seen:
    """A page, with every request that it made and everything it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Seen]]:
    opened: list[Page] = []

    def opener(file: Path, **context: Any) -> Seen:
        page = browser.new_page(viewport={"width": WIDE, "height": 900}, **context)
        page.set_default_timeout(100_000)  # ms; a busy machine is no failure
        opened.append(page)
        seen = Seen(page)
        page.goto(file.as_uri())
        return seen

    yield opener
    for page in opened:
        page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", report_proofs.ALL)
def test_it_can_be_read_wide_narrow_and_on_paper(
    open_page: Callable[..., Seen], folder: Path, name: str, scheme: str
) -> None:
    seen = open_page(folder / f"{name}.html", color_scheme=scheme)
    page = seen.page
    looks = {"wide": page.evaluate(LOOKS)}
    page.set_viewport_size({"width": NARROW, "height": 800})
    looks["narrow"] = page.evaluate(LOOKS)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": PAPER, "height": 1000})
    looks["print"] = page.evaluate(LOOKS)
    assert looks == {"wide": [], "narrow": [], "print": []}
    assert seen.complaints == []
    assert seen.requests == [(folder / f"{name}.html").as_uri()]


@pytest.mark.parametrize("name", ["passed", "failed", "hostile"])
def test_the_picture_stands_on_its_own(open_page: Callable[..., Seen], folder: Path, name: str) -> None:
    seen = open_page(folder / f"{name}.svg")
    assert seen.page.evaluate("document.documentElement.getBoundingClientRect().width > 800")
    assert (
        seen.page.evaluate("getComputedStyle(document.querySelector('.paper')).fill") == "rgb(255, 255, 255)"
    )
    assert seen.complaints == []
    assert seen.requests == [(folder / f"{name}.svg").as_uri()]


def test_a_narrow_screen_names_the_column_at_each_cell(open_page: Callable[..., Seen], folder: Path) -> None:
    page = open_page(folder / "failed.html").page
    page.set_viewport_size({"width": NARROW, "height": 800})
    assert not page.locator("#lanes thead").is_visible()
    label = page.locator("#lanes td").first.evaluate("cell => getComputedStyle(cell, '::before').content")
    assert label == '"socket.io, WebSocket: own answer"'


def test_paper_shows_what_a_screen_folds_up(open_page: Callable[..., Seen], folder: Path) -> None:
    page = open_page(folder / "many.html").page
    row = page.locator("#timings tbody tr").first
    assert not row.is_visible()
    page.emulate_media(media="print")
    assert row.is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_even_markup_that_slipped_through_could_do_nothing(
    open_page: Callable[..., Seen], folder: Path, tmp_path: Path
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    slipped = (
        "<script>document.title = 'taken'</script>"
        f"<img src='http://127.0.0.1:{listener.getsockname()[1]}/beacon'>"
        "<style>h1 { display: none }</style><p style='position: fixed'>x</p>"
    )
    html = (folder / "passed.html").read_text(encoding="utf-8").replace("</main>", slipped + "</main>")
    page = tmp_path / "slipped.html"
    page.write_text(html, encoding="utf-8")
    seen = open_page(page)
    assert "lane group ws" in seen.page.title()
    assert seen.page.locator("h1").is_visible()
    blocked = [words for words in seen.complaints if re.search("Content.Security.Policy", words)]
    assert len(blocked) >= 4, seen.complaints
    with listener, pytest.raises(BlockingIOError):
        listener.accept()  # nobody came
