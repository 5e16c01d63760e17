"""What a digest says, in one wording for every form: sections of sentences, with links in them.

A sentence is a line of spans; a span with a ``path`` leads to the page that its number is from.
Paths are of the pages, beginning with ``/``.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from api.pages.charts import Chart


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line. ``strong`` is what a reader in a hurry reads."""

    text: str
    path: str | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence, or a few that belong together. ``below`` are smaller lines that explain it."""

    spans: tuple[Span, ...]
    below: tuple["Line", ...] = ()

    def plain(self) -> str:
        """Its words without what is below."""
        return "".join(span.text for span in self.spans)

    def paths(self) -> Iterator[str]:
        """Where it leads, each once, without what is below."""
        return iter(dict.fromkeys(span.path for span in self.spans if span.path is not None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Lines under a title, which leads to the page that tells more."""

    title: str
    path: str
    lines: tuple[Line, ...]
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """All of it. ``lead`` is the sentence that says most; ``subject`` is that of a mail."""

    subject: str
    title: str
    lead: Line
    sections: tuple[Section, ...]


def line(*spans: Span | str, below: tuple[Line, ...] = ()) -> Line:
    """A line of spans and plain words."""
    return Line(tuple(Span(each) if isinstance(each, str) else each for each in spans), below)
