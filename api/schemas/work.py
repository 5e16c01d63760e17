"""Changes and tickets: what they cost, what became of them, and what happened when."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.links import LinkListRow, link_list_row
from api.schemas.outcomes import Outcome, outcome_view
from api.schemas.shape import Shape
from domain.outcomes import ChangeOutcome
from domain.tickets import TicketState
from domain.usage import usd
from domain.work import ChangeState
from store.report_changes import ChangeListed, Happened, Spent
from store.report_links import LinkListed
from store.report_tickets import TicketListed


class SpentRow(Shape):
    """What sessions of coding tools spent on it."""

    cost_usd: float | None = Field(
        description="US dollars: the parts of sessions' costs that are split to it. Null: no"
        " session with a known cost is linked."
    )
    sessions: int = Field(description="Sessions linked by tier A or B: they carry its cost.")
    probable_sessions: int = Field(
        description="Sessions linked by tier C or D alone: proposals that carry no cost."
    )
    sessions_without_cost: int = Field(
        description="Of the links that would carry cost, those of sessions whose cost is not known:"
        " `cost_usd` lacks them."
    )


class HappenedRow(Shape):
    """One thing that happened."""

    at: datetime = Field(description="When, UTC.")
    kind: str = Field(
        description="`opened`, `committed`, `reviewed`, `checked`, `deployed`, `merged` or"
        " `closed`; of a ticket `created` or `moved`."
    )
    id: str | None = Field(
        description="SHA of the commit, id of the review, name of the check, or environment."
    )
    state: str | None = Field(description="How it stood from then on; null: says its kind.")
    by: str | None = Field(description="Pseudonym of the person who did it; null: not told.")


class ChangeRow(Shape):
    """A change (pull or merge request) as its forge last told it."""

    repo: str = Field(description="Repository, as owner/name.")
    number: int = Field(description="Its number there.")
    forge: str | None = Field(description="The forge that told it, for example `github`.")
    title: str = Field(description="Its title.")
    state: ChangeState = Field(description="`open`, `merged`, or `closed` without a merge.")
    draft: bool = Field(description="Whether it is a draft.")
    author: str | None = Field(description="Pseudonym of its author; null: not told.")
    author_name: str | None = Field(
        description="The author's name, where the operator turned names on and told it; else null."
    )
    author_is_bot: bool = Field(description="Whether its author is a bot.")
    base_ref: str = Field(description="The branch that it is for.")
    head_ref: str = Field(description="Its own branch.")
    opened_at: datetime = Field(description="When it was opened, UTC.")
    updated_at: datetime = Field(description="When its forge last told a change of it, UTC.")
    merged_at: datetime | None = Field(description="When it was merged, UTC; null: it is not.")
    closed_at: datetime | None = Field(description="When it was closed, UTC; null: it is open.")
    additions: int | None = Field(description="Lines added; null: not told.")
    deletions: int | None = Field(description="Lines deleted; null: not told.")
    changed_files: int | None = Field(description="Files changed; null: not told.")
    labels: list[str] | None = Field(description="Its labels; null: not told.")
    tools: list[str] = Field(
        description="Coding tools that its text or author names: a lower bound, and no link."
    )
    tickets: list[str] = Field(
        description="Tickets that it names, whether or not a tracker knows them."
    )
    spent: SpentRow = Field(description="Its AI cost, and from how many sessions.")
    outcome: Outcome | None = Field(
        description="What became of it; null: it was opened after the time asked for."
    )


class ChangePage(Shape):
    """Changes by when they were opened, newest first."""

    rows: list[ChangeRow] = Field(description="One row for each change.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null: this is the last one."
    )


class ChangeDetail(ChangeRow):
    """One change: what it cost, which sessions made it, and what happened to it."""

    as_of: datetime | None = Field(
        description="The time that was asked for, UTC; null: none was, so the outcome is today's."
    )
    links: list[LinkListRow] = Field(description="Sessions tied to it, newest first.")
    timeline: list[HappenedRow] = Field(description="What happened to it, the first thing first.")


class TicketRow(Shape):
    """A ticket as its tracker last told it."""

    tracker: str = Field(description="The tracker, for example `jira`.")
    key: str = Field(description="What people write: `PAY-7`, `owner/name#7`, `AB#7`.")
    project: str = Field(description="The project it belongs to.")
    kind: str | None = Field(description="The tracker's own word for its type; null: it has none.")
    title: str = Field(description="Its title.")
    state: TicketState = Field(
        description="`open`, `in_progress`, `done`, or `dropped` without being done."
    )
    state_name: str = Field(description="What its workflow calls the state.")
    created_at: datetime | None = Field(description="When it was made, UTC; null: not told.")
    updated_at: datetime = Field(description="When it last changed, UTC.")
    closed_at: datetime | None = Field(description="When it was closed, UTC; null: it is not.")
    parent: str | None = Field(description="Key of its epic or parent; null: it has none.")
    labels: list[str] = Field(description="Its labels.")
    assignees: list[str] = Field(description="Pseudonyms of those whom it is assigned to.")
    changes: list["ChangeName"] = Field(
        description="Changes that name it, or that its tracker or forge ties to it."
    )
    spent: SpentRow = Field(
        description="What sessions spent on these changes. A change of two tickets counts in full"
        " for each of them."
    )


class ChangeName(Shape):
    """Which change it is."""

    repo: str = Field(description="Repository, as owner/name.")
    number: int = Field(description="Its number there.")


class TicketPage(Shape):
    """Tickets by when they last changed, newest first."""

    rows: list[TicketRow] = Field(description="One row for each ticket.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null: this is the last one."
    )


class TicketDetail(TicketRow):
    """One ticket: what it cost, the sessions and changes tied to it, and how it moved."""

    links: list[LinkListRow] = Field(description="Sessions tied to it, newest first.")
    timeline: list[HappenedRow] = Field(description="How it moved, the first thing first.")


def change_row(
    change: ChangeListed, names: Mapping[str, str], outcome: ChangeOutcome | None
) -> ChangeRow:
    """A listed change; ``names`` are those of people, by pseudonym."""
    return ChangeRow(**_change(change, names, outcome))


def change_detail(
    change: ChangeListed,
    names: Mapping[str, str],
    outcome: ChangeOutcome | None,
    links: Sequence[LinkListed],
    timeline: Sequence[Happened],
    asked: datetime | None,
) -> ChangeDetail:
    """A change with all that is known of it."""
    return ChangeDetail(
        **_change(change, names, outcome),
        as_of=asked,
        links=[link_list_row(each) for each in links],
        timeline=[HappenedRow(**asdict(each)) for each in timeline],
    )


def ticket_row(ticket: TicketListed) -> TicketRow:
    """A listed ticket."""
    return TicketRow(**_ticket(ticket))


def ticket_detail(
    ticket: TicketListed, links: Sequence[LinkListed], timeline: Sequence[Happened]
) -> TicketDetail:
    """A ticket with all that is known of it."""
    return TicketDetail(
        **_ticket(ticket),
        links=[link_list_row(each) for each in links],
        timeline=[HappenedRow(**asdict(each)) for each in timeline],
    )


def _change(
    change: ChangeListed, names: Mapping[str, str], outcome: ChangeOutcome | None
) -> dict[str, Any]:
    return {
        **asdict(change),
        "author_name": names.get(change.author or ""),
        "spent": _spent(change.spent),
        "outcome": outcome_view(outcome) if outcome else None,
    }


def _ticket(ticket: TicketListed) -> dict[str, Any]:
    changes = [ChangeName(repo=repo, number=number) for repo, number in ticket.changes]
    return {**asdict(ticket), "changes": changes, "spent": _spent(ticket.spent)}


def _spent(spent: Spent) -> SpentRow:
    return SpentRow(
        cost_usd=usd(spent.cost_nanousd),
        sessions=spent.sessions,
        probable_sessions=spent.probable_sessions,
        sessions_without_cost=spent.sessions_without_cost,
    )
