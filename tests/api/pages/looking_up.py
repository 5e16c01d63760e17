"""Reading pages and their files in tests."""

import csv
import io
from html.parser import HTMLParser

from starlette.testclient import TestClient

VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})
_HEADINGS = ("h1", "h2", "h3", "h4")


class Page(HTMLParser):
    """The words of a page, its elements, links and headings; its elements must close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.links: dict[str, str] = {}
        self.rows: list[str] = []
        self._open: list[str] = []
        self._href: str | None = None
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append((tag, told))
        if tag == "a":
            self._href = told.get("href")
        if tag == "tr":
            self.rows.append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        if tag == "a":
            self._href = None

    def handle_data(self, data: str) -> None:
        self.words += data.split()
        if "tr" in self._open:
            self.rows[-1] = " ".join([*self.rows[-1].split(), *data.split()])
        if self._href is not None and data.strip():
            self.links[data.strip()] = self._href

    @property
    def text(self) -> str:
        """All its words."""
        return " ".join(self.words)

    @property
    def headings(self) -> list[int]:
        """The levels of its headings, in order."""
        return [int(tag[1]) for tag, _ in self.tags if tag in _HEADINGS]


def look(http: TestClient, path: str, status: int = 200) -> Page:
    """A page as a browser gets it."""
    response = http.get(path, headers={"Accept": "text/html"})
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Page(response.text)


def table(http: TestClient, path: str, **parameters: str | int) -> list[dict[str, str]]:
    """The rows of a page's table as they are downloaded."""
    response = http.get(path, params={"format": "csv", **parameters})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.headers["content-disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(response.text)))
