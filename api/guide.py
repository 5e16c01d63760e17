"""How tools, forges and trackers are connected, as the page about it shows them.

Made outside (``assay.guides``), from the same texts that ``assay connect`` prints.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Snippet:
    """Something to set: where, and the text, ready to paste."""

    place: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolGuide:
    """How a coding tool is told to send here. ``first`` is how a first record is made."""

    name: str
    title: str
    snippets: Sequence[Snippet]
    notes: Sequence[str]
    first: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderGuide:
    """How a forge or tracker is connected; ``text`` is all of it."""

    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guides:
    """All that can be connected, each by name."""

    tools: Sequence[ToolGuide]
    providers: Sequence[ProviderGuide]


GuideReader: TypeAlias = Callable[[str, str], Guides]
"""The guides for a server that receives telemetry at one URL and webhooks at another."""


def no_guides(_: str, __: str) -> Guides:
    """For a server that tells nobody how."""
    return Guides(tools=(), providers=())
