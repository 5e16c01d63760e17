"""Digests as they are sent: which copies there are of a week's, and what became of each."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from domain.alerts import Told


class Through(StrEnum):
    """How a copy goes out."""

    MAIL = "mail"
    SLACK = "slack"
    TEAMS = "teams"


class Scope(StrEnum):
    """What a copy is about."""

    COMPANY = "company"
    TEAMS = "teams"  # all teams of its recipient together


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Copy:
    """One copy of a week's digest; it goes out once.

    ``recipient`` is the pseudonym of a mail address, and empty for a channel.
    """

    through: Through
    recipient: str = ""
    scope: Scope = Scope.COMPANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What became of a copy. ``told_at`` is None unless it was sent; ``error`` says why not."""

    week: date
    copy: Copy
    state: Told
    attempts: int
    due_at: datetime
    told_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a recipient gets: the digest of a team, of the company, or of the teams that they lead.

    It holds from ``added_at`` on.
    """

    team: str
    added_at: datetime


ALL_OF_IT = ""
"""The team of a subscription to the company's digest."""

LED = "*"
"""The team of a subscription to whatever teams the recipient leads when a digest goes out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Who gets digests.

    ``identity`` is the pseudonym of their address, ``person`` that of who they are, where the file
    says so. ``address`` is None of somebody who is in no file any more but has said that they want
    none.
    """

    identity: str
    address: str | None
    person: str | None = None
    unsubscribed_at: datetime | None = None
    subscriptions: tuple[Subscription, ...] = ()
