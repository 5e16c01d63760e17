"""Changes (pull and merge requests): what sessions spent on each, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import ClassVar, Literal

from api.cursors import cut, read_cursor
from api.pages import formats
from api.pages.lists import Choice, ListParameters, typed
from api.pages.tables import Cell, Column, Row, Table
from api.pages.timelines import change_path, happened, ticket_path, tied
from api.problems import Refusal
from api.wiring import Wiring
from domain.labels import TargetKind
from domain.outcomes import ChangeOutcome, Deployed
from domain.usage import NANOUSD
from domain.work import ChangeState
from store import report_changes, report_links
from store.report_changes import ChangeFilter, ChangeListed, ChangePosition, Spent
from store.report_links import LinkFilter

MOST_LINKS = 500
COLUMNS = (
    Column(title="Change", names=("repo", "number", "title")),
    Column(title="State", names=("state",)),
    Column(title="Opened", names=("opened_at",), wide=True),
    Column(title="Cost of sessions", names=("cost_usd", "sessions", "proposed"), numeric=True),
    Column(title="What became of it", names=("outcome",)),
    Column(title="Tickets", names=("tickets",), wide=True),
)


class ChangeListParameters(ListParameters):
    """What the list of changes can be narrowed by."""

    OWN: ClassVar[tuple[str, ...]] = ("state", "sessions")

    state: ChangeState | None = None
    sessions: Literal["with", "without"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesView:
    """A page of changes."""

    tables: Sequence[Table]
    next_cursor: str | None
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """One change. ``outcome`` is None where nothing can be said of it."""

    change: ChangeListed
    author: str | None
    outcome: ChangeOutcome | None
    facts: Sequence[tuple[str, str]]
    tickets: Sequence[tuple[str, str]]
    most_links: bool
    tables: Sequence[Table]


def changes_view(wiring: Wiring, parameters: ChangeListParameters) -> ChangesView:
    """Gather the page."""
    now, after = wiring.clock(), None
    if parameters.cursor is not None:
        opened_at, repo, number = read_cursor(parameters.cursor, str, int)
        after = ChangePosition(opened_at=opened_at, repo=repo, number=number)
    wanted = ChangeFilter(
        start=parameters.since(now),
        repos=frozenset([parameters.repo.lower()] if parameters.repo else ()),
        states=frozenset([parameters.state.value] if parameters.state else ()),
        linked=None if parameters.sessions is None else parameters.sessions == "with",
    )
    with wiring.database.reading() as connection:
        found = report_changes.page(connection, wanted, parameters.limit + 1, after)
        shown, cursor = cut(
            found, parameters.limit, lambda each: (each.opened_at, each.repo, each.number)
        )
        ids = [(each.repo, each.number) for each in shown]
        outcomes = wiring.outcomes(connection, ids, now)
    return ChangesView(
        tables=[listed([(each, outcomes.get((each.repo, each.number))) for each in shown])],
        next_cursor=cursor,
        choices=[
            typed("repo", "Repository", (each.repo for each in shown)),
            Choice(
                name="state", title="State", options=tuple((each, each) for each in ChangeState)
            ),
            Choice(
                name="sessions",
                title="Sessions",
                options=(("with", "with sessions"), ("without", "without any")),
            ),
        ],
    )


def listed(changes: Sequence[tuple[ChangeListed, ChangeOutcome | None]]) -> Table:
    """Changes as rows, in this order."""
    return Table(
        name="changes",
        caption="Changes, newest first",
        columns=COLUMNS,
        rows=[_row(change, outcome) for change, outcome in changes],
    )


def _row(change: ChangeListed, outcome: ChangeOutcome | None) -> Row:
    told = became(outcome)
    return (
        Cell(
            text=f"{change.repo} #{change.number}",
            values=(change.repo, change.number, change.title),
            href=change_path(change.repo, change.number),
            note=change.title,
        ),
        Cell(text=change.state, values=(change.state,), mark=f"label {change.state}"),
        Cell(text=formats.day(change.opened_at), values=(change.opened_at.isoformat(),)),
        spent_cell(change.spent),
        Cell(text=told, values=(told,), missing="nothing yet"),
        Cell(
            text=", ".join(change.tickets) or None,
            values=(" ".join(change.tickets) or None,),
            missing="none",
        ),
    )


def spent_cell(spent: Spent) -> Cell:
    """What sessions spent on a change or ticket, and how many they are."""
    cost = spent.cost_nanousd
    sessions = f"{spent.sessions} session{'' if spent.sessions == 1 else 's'}"
    proposed = f", {spent.probable_sessions} proposed" if spent.probable_sessions else ""
    lacking = f", {spent.sessions_without_cost} of unknown cost" * bool(spent.sessions_without_cost)
    return Cell(
        text=None if cost is None else formats.money(cost),
        values=(None if cost is None else cost / NANOUSD, spent.sessions, spent.probable_sessions),
        note=f"{sessions}{lacking}{proposed}" if spent.sessions or proposed else None,
        missing="not known" if spent.sessions else "no session is linked",
    )


def became(outcome: ChangeOutcome | None) -> str | None:
    """What became of a change, the last word of it first; None where nothing has."""
    if outcome is None:
        return None
    if outcome.reverted_at is not None:
        return f"reverted on {formats.day(outcome.reverted_at)}"
    if outcome.rework is not None and outcome.rework.heavy_at is not None:
        return f"landed, heavily reworked by {formats.day(outcome.rework.heavy_at)}"
    if outcome.landed_at is not None:
        deployed = outcome.deployment
        runs = deployed is not None and deployed.state is Deployed.YES
        return f"landed on {formats.day(outcome.landed_at)}" + (", in production" if runs else "")
    if outcome.closed_reason is not None:
        return f"closed: {formats.words(outcome.closed_reason.value)}"
    return "abandoned" if outcome.abandoned is not None else None


def change_view(wiring: Wiring, repo: str, number: int) -> ChangeView:
    """Gather the page of a change, or refuse with ``change_not_found``."""
    of_it = LinkFilter(
        kinds=frozenset({TargetKind.CHANGE.value}),
        repos=frozenset({repo}),
        ids=frozenset({str(number)}),
    )
    with wiring.database.reading() as connection:
        change = report_changes.find(connection, (repo, number))
        if change is None:
            detail = "No forge has told of such a change."
            raise Refusal(HTTPStatus.NOT_FOUND, "change_not_found", detail)
        links = report_links.page(connection, of_it, MOST_LINKS)
        timeline = report_changes.timeline(connection, change)
        names = wiring.names(connection, [change.author])
        outcome = wiring.outcomes(connection, [(repo, number)], wiring.clock()).get((repo, number))
    return ChangeView(
        change=change,
        author=names.get(change.author, change.author) if change.author else None,
        outcome=outcome,
        facts=_facts(outcome) if outcome else [],
        tickets=[(key, ticket_path(key)) for key in change.tickets],
        most_links=len(links) == MOST_LINKS,
        tables=[tied(links), happened("timeline", "What happened, in order", timeline)],
    )


def _facts(told: ChangeOutcome) -> list[tuple[str, str]]:
    """What is known of a change's outcome; what is not told is left out."""
    found: list[tuple[str, str | None]] = [
        ("Landed", _landed(told)),
        ("In production", formats.words(told.deployment.state.value) if told.deployment else None),
        ("Reverted", formats.moment(told.reverted_at) if told.reverted_at else None),
        ("Reverted and landed again", "yes" if told.relanded else None),
        ("Reworked", _rework(told)),
        ("Rounds of review", str(told.review_rounds)),
        ("First review", formats.moment(told.first_review_at) if told.first_review_at else None),
        ("Merged without review", _yes(told.unreviewed)),
        ("Lines added and deleted", None if told.lines is None else formats.number(told.lines)),
        ("First commit", formats.moment(told.first_commit_at) if told.first_commit_at else None),
        ("Abandoned", told.abandoned.value if told.abandoned else None),
        ("Closed", formats.words(told.closed_reason.value) if told.closed_reason else None),
        ("Kind of work", _kind(told)),
        ("Commits by people alone", _share(told.takeover)),
    ]
    return [(name, value) for name, value in found if value is not None]


def _landed(told: ChangeOutcome) -> str | None:
    if told.landed_at is None:
        return None
    return formats.moment(told.landed_at) + (f" ({told.route.value})" if told.route else "")


def _share(told: float | None) -> str | None:
    return None if told is None else formats.share(told)


def _yes(told: bool | None) -> str | None:
    return None if told is None else "yes" if told else "no"


def _kind(told: ChangeOutcome) -> str | None:
    if told.kind is None:
        return None
    sure = f", {formats.share(told.kind.confidence)} sure" if told.kind.confidence < 1 else ""
    return f"{told.kind.work_type.value} (told by the {told.kind.source.value}{sure})"


def _rework(told: ChangeOutcome) -> str | None:
    if told.rework is None:
        return None
    over = "" if told.rework.complete else ", so far"
    return (
        f"{formats.share(told.rework.touched)} of its {told.rework.files} files touched again,"
        f" {formats.share(told.rework.usual)} are usual{over}"
    )
