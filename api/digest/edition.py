"""One digest in every form in which it can be read, and whom it is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNSUBSCRIBE = "%UNSUBSCRIBE%"
"""Stands once in the text and once in the HTML where the mail's own address to stop it belongs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom a digest is for: the leads of these teams, in order; of none: the whole company."""

    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One digest, written out.

    ``html`` refers to its ``pictures`` (PNG) as ``cid:NAME``; ``text`` stands alone. ``slack`` is
    what an incoming webhook of Slack takes, ``teams`` what a workflow of Microsoft Teams takes.
    """

    subject: str
    text: str
    html: str
    pictures: Mapping[str, bytes]
    slack: Mapping[str, Any]
    teams: Mapping[str, Any]
