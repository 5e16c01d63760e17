"""Which copies of the digest there are to send now: to whom, about what, through what."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from api.digest.edition import Audience
from assay.digest_settings import Post
from domain.digests import ALL_OF_IT, LED, Copy, Recipient, Scope, Through
from store import digest_recipients, sight
from store.engine import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One copy, and whom it is for.

    ``address`` is where a mail goes, ``since`` when somebody first said that it should; both are
    None of a channel.
    """

    copy: Copy
    audience: Audience
    address: str | None = None
    since: datetime | None = None

    @property
    def name(self) -> str:
        """To whom it goes, for whoever runs this."""
        about = ", ".join(self.audience.teams) or "the company"
        return f"{self.address or self.copy.through.value} ({about})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All copies, and a sentence for everything that keeps somebody from getting one."""

    copies: tuple[Planned, ...]
    problems: tuple[str, ...] = ()


def plan(connection: Connection, post: Post, now: datetime) -> Plan:
    """What there is to send, as recipients, teams and their leads stand now."""
    held = digest_recipients.recipients(connection)
    known = digest_recipients.known_teams(connection)
    copies = [Planned(copy=Copy(through=each), audience=Audience()) for each in sorted(post.urls)]
    for each in _wanting(held) if post.mails else ():
        teams = _teams(each) & known
        if LED in _teams(each):
            teams |= led_by(connection, each, now)
        copies += _mails(each, teams)
    return Plan(copies=tuple(copies), problems=why_not(connection, held, now))


def why_not(connection: Connection, held: Collection[Recipient], now: datetime) -> tuple[str, ...]:
    """A sentence for everything in the file of which its recipient gets no digest."""
    known = digest_recipients.known_teams(connection)
    found: list[str] = []
    for each in _wanting(held):
        unknown = _teams(each) - known - {LED}
        found += [f"{each.address}: there is no team {team}." for team in sorted(unknown)]
        if LED in _teams(each) and not led_by(connection, each, now):
            found.append(f"{each.address} leads no team now.")
    return tuple(found)


def _wanting(held: Collection[Recipient]) -> list[Recipient]:
    return [each for each in held if each.address is not None and each.unsubscribed_at is None]


def _teams(recipient: Recipient) -> frozenset[str]:
    """The teams that their subscriptions name; ``LED`` is one."""
    return frozenset(each.team for each in recipient.subscriptions if each.team != ALL_OF_IT)


def led_by(connection: Connection, recipient: Recipient, now: datetime) -> frozenset[str]:
    """The teams that a recipient leads now."""
    person = digest_recipients.person_of(connection, recipient)
    return sight.teams_led(connection, person, now)


def _mails(recipient: Recipient, teams: Collection[str]) -> list[Planned]:
    """One mail about all their teams together, and one about the company."""
    company = [each for each in recipient.subscriptions if each.team == ALL_OF_IT]
    others = [each for each in recipient.subscriptions if each.team != ALL_OF_IT]
    found = []
    for scope, held, about in (
        (Scope.COMPANY, company, ()),
        (Scope.TEAMS, others if teams else [], tuple(sorted(teams))),
    ):
        if held:
            copy = Copy(through=Through.MAIL, recipient=recipient.identity, scope=scope)
            since = min(each.added_at for each in held)
            audience = Audience(teams=about)
            found.append(
                Planned(copy=copy, audience=audience, address=recipient.address, since=since)
            )
    return found
