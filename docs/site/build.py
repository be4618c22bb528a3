"""Build the documentation site into .cache/docs, and check that every link within it leads somewhere.

Guides are docs/*.md; the pages of modules, roles and plugins come from their own documentation, through
antsibull-docs. Run by ``make docs``, in the tools' environment. Links to other sites are not tried.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / ".cache/docs/source"
SITE = ROOT / ".cache/docs/site"
BIN = Path(sys.executable).parent
COLLECTION = "asm.lanes"


def main() -> int:
    """Build and check; returns the exit code."""
    gather()
    command = [BIN / "sphinx-build", "-q", "-W", "--keep-going", "-b", "html", "-c", Path(__file__).parent]
    if subprocess.run([*command, SOURCE, SITE], check=False).returncode:
        return 1
    pages = {page: Page(page) for page in sorted(SITE.rglob("*.html"))}
    broken = [*broken_in_site(pages), *missing_pages(pages), *broken_in_markdown()]
    print("\n".join(broken) or f"{len(pages)} pages, every link leads somewhere: {SITE / 'index.html'}")
    return 1 if broken else 0


def gather() -> None:
    """The site's sources: guides, and what antsibull-docs makes of the collection."""
    shutil.rmtree(ROOT / ".cache/docs", ignore_errors=True)
    SOURCE.mkdir(parents=True)
    for file in (ROOT / "docs").iterdir():
        if file.is_file():
            shutil.copy(file, SOURCE)
    for folder in ("examples", "rbac"):
        shutil.copytree(ROOT / "docs" / folder, SOURCE / folder)
    reference = SOURCE / "reference"
    command = [BIN / "antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error"]
    reference.mkdir(mode=0o755)
    subprocess.run([*command, "--dest-dir", reference, COLLECTION], check=True, cwd=ROOT)


class Page(HTMLParser):
    """The links and the anchors of one page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.links: set[str] = set()
        self.anchors = {""}
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag names and where it leads."""
        values = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := values.get(name))}
        self.links |= {value for name in ("href", "src") if (value := values.get(name))}


def broken_in_site(pages: dict[Path, Page]) -> Iterator[str]:
    """Links from a page to a file or an anchor that is not there."""
    for page in pages.values():
        for link in sorted(page.links):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (page.path.parent / unquote(url.path)).resolve() if url.path else page.path
            if not target.exists():
                yield f"{page.path.relative_to(SITE)}: {link}: no such file"
            elif target in pages and unquote(url.fragment) not in pages[target].anchors:
                yield f"{page.path.relative_to(SITE)}: {link}: no such anchor"


def missing_pages(pages: dict[Path, Page]) -> Iterator[str]:
    """Modules, roles and plugins that have no page."""
    names = {page.stem for page in pages}
    for kind, files in (
        ("module", (ROOT / "plugins/modules").glob("*.py")),
        ("filter", (ROOT / "plugins/filter").glob("*.py")),
        ("callback", (ROOT / "plugins/callback").glob("*.py")),
        ("role", (ROOT / "roles").iterdir()),
    ):
        for file in files:
            if f"{file.stem}_{kind}" not in names:
                yield f"the {kind} {file.stem} has no page"


def broken_in_markdown() -> Iterator[str]:
    """Links to files of the checkout that are not there, in Markdown that is read outside of the site."""
    files = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("roles/**/*.md"),
        *ROOT.glob(".github/**/*.md"),
    ]
    for file in files:
        for link in re.findall(r"\]\(([^)\s]+)\)", file.read_text(encoding="utf-8")):
            url = urlsplit(link)
            if not url.scheme and url.path and not (file.parent / unquote(url.path)).exists():
                yield f"{file.relative_to(ROOT)}: {link}: no such file"


if __name__ == "__main__":
    sys.exit(main())
