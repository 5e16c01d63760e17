"""Recipients of the digest, a digest to send them, and what sends it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

from api.digest.edition import UNSUBSCRIBE, Audience, Edition
from assay.digest_sending import Sender
from assay.digest_settings import Post
from domain.unsubscribing import Unsubscribing
from domain.weekly import Weekly
from store import digest_recipients, installation
from store.digest_recipients import FiledRecipient
from store.engine import Database
from store.teams import Membership, replace_teams
from tests.capturing import PSEUDONYMS
from tests.filling import rows

WEEK = date(2026, 11, 23)
DUE = datetime(2026, 11, 23, 8, tzinfo=UTC)
ADDED = datetime(2026, 11, 20, tzinfo=UTC)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PAGES = "https://assay.acme.example"


def written(audience: Audience) -> Edition:
    """A digest of nothing, in every form."""
    about = ", ".join(audience.teams) or "Acme"
    return Edition(
        subject=f"{about}: 61 % productive",
        text=f"About {about} — 61 %.\nTo get no more of these: {UNSUBSCRIBE}\n",
        html=f'<p>About {about}</p><img src="cid:chart-0" alt="">No more: {UNSUBSCRIBE}',
        pictures={"chart-0": PICTURE},
        slack={"text": about},
        teams={"type": "message", "about": about},
    )


def identity(name: str) -> str:
    """The pseudonym of somebody's address."""
    return PSEUDONYMS("email", address(name))


def address(name: str) -> str:
    return f"{name}@acme.example"


def wanting(database: Database, at: datetime = ADDED, **teams: tuple[str, ...]) -> None:
    """Import these recipients with their teams; the teams exist, and are led by their namesakes."""
    filed = {
        identity(name): FiledRecipient(address=address(name), teams=frozenset(told))
        for name, told in teams.items()
    }
    named = {team for told in teams.values() for team in told} - {"", "*"}
    with database.writing() as connection:
        replace_teams(
            connection,
            [Membership(team=team, person=identity("ada"), lead=True) for team in sorted(named)],
        )
        digest_recipients.import_recipients(connection, filed, at)


def post(**more: Any) -> Post:
    """What is set up; more of it, or other than here, as told."""
    told = {
        "weekly": Weekly(weekday=0, at=time(8)),
        "public_url": PAGES,
        "link": PAGES,
    }
    return Post(**{**told, **more})


def sending(
    database: Database,
    set_up: Post,
    at: datetime = DUE,
    write: Callable[[Audience], Edition] = written,
) -> Sender:
    """What sends, at a time."""
    return Sender(
        database=database,
        post=set_up,
        write=lambda _: write,
        links=Unsubscribing(installation.pseudonym_key(database)),
        clock=lambda: at,
    )


def states(database: Database) -> list[tuple[str, str, str, int, str | None]]:
    """Through what, about what, and what became of each copy."""
    columns = "through, recipient, scope, state, attempts, error"
    names = {identity(name): name for name in ("ada", "ben", "eve")}
    return sorted(
        (names.get(recipient, through), scope, state, attempts, error)
        for through, recipient, scope, state, attempts, error in rows(
            database, "digest_sendings", columns
        )
    )
