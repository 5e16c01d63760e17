"""Who asks, and who saw or changed what."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import Field

from api.asker import Asker, How
from api.parameters import Paged, Text
from api.schemas.shape import Shape
from api.schemas.usage import UsageTotal, usage_total
from store.access import Role
from store.audit import Entry
from store.report_usage import Usage


class AuditParameters(Paged):
    """Which rows of the audit log. ``from`` and ``to`` take those noted between them."""

    actor: list[Text] = Field(
        default=[],
        description="Only this actor, for example `token:1a2b3c4d`. Repeat it to allow several.",
    )


class OwnLabel(Shape):
    """Own sessions of one label."""

    label: str | None = Field(description="The label; null: not classified yet.")
    sessions: int = Field(description="How many sessions.")


class OwnSummary(Shape):
    """What somebody used over the last 30 days, and what it bought."""

    since: datetime = Field(description="From this time on, UTC.")
    usage: UsageTotal = Field(description="Requests, tokens and cost of their own.")
    labels: list[OwnLabel] = Field(description="Their sessions by current label.")


class Me(Shape):
    """Who asks, and what they may do and see."""

    id: str = Field(description="The id of the token or sign-in; `local`: all is open here.")
    how: How = Field(
        description="`token`, `sign_in`, or `open`: a server without tokens takes everybody on its"
        " machine for an admin."
    )
    role: Role = Field(description="`viewer`, `lead` or `admin`.")
    teams: list[str] = Field(description="The teams that they lead now; `*`: every one.")
    person: str | None = Field(description="Their pseudonym; null: nothing says who they are.")
    person_name: str | None = Field(
        description="Their name, where the operator turned names on and told it; else null."
    )
    sees: str = Field(
        description="Who is named to them: `everybody`, `own_teams` (with themselves), or only"
        " `themselves`."
    )
    expires_at: datetime | None = Field(
        description="When this ends by itself, UTC; null: it does not."
    )
    own: OwnSummary | None = Field(
        description="Their own sessions; null where nothing says who they are."
    )


class AuditRow(Shape):
    """One thing that somebody did or saw."""

    id: int = Field(description="Number of the row.")
    at: datetime = Field(description="When, UTC.")
    actor: str = Field(
        description="`token:` or `sign_in:` and its id, `local` (a server without tokens), or"
        " `command` (the command line)."
    )
    person: str | None = Field(description="Pseudonym of who that is; null: not known.")
    action: str = Field(description="Method and route, or what was done.")
    object: str = Field(description="What stood in the place of the route's braces.")
    status: int = Field(description="HTTP status of the answer.")
    people: int | None = Field(
        description="How many people other than themselves the answer named; null: it changed"
        " something, or named nobody."
    )
    address: str | None = Field(description="Keyed hash of the network address; null: not known.")


class AuditPage(Shape):
    """The audit log, newest first."""

    rows: list[AuditRow] = Field(description="One row for each thing noted.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null: this is the last one."
    )


def me(
    asking: Asker, name: str | None, own: tuple[datetime, Usage, Mapping[str | None, int]] | None
) -> Me:
    """Who asks, as they are answered."""
    summary = None
    if own is not None:
        since, usage, labels = own
        rows = [OwnLabel(label=label, sessions=many) for label, many in labels.items()]
        summary = OwnSummary(since=since, usage=usage_total(usage), labels=rows)
    limited = "own_teams" if asking.role is Role.LEAD else "themselves"
    return Me(
        id=asking.id,
        how=asking.how,
        role=asking.role,
        teams=sorted(asking.teams),
        person=asking.person,
        person_name=name,
        sees="everybody" if asking.others is None else limited,
        expires_at=asking.expires_at,
        own=summary,
    )


def audit_row(entry: Entry) -> AuditRow:
    """A row as it is answered."""
    return AuditRow(
        id=entry.id,
        at=entry.at,
        actor=entry.actor,
        person=entry.person,
        action=entry.action,
        object=entry.object,
        status=entry.status,
        people=entry.people,
        address=entry.address,
    )
