"""The page of one session: what it used, what came of it, and why it has its label."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.asker import Asker
from api.authority import reviews_session
from api.pages import session_time
from api.pages.charts import Chart
from api.pages.tables import Table
from api.routes.sessions import find
from api.schemas.activity import RepeatedFailures, ToolCalls, repeated_failures, tool_calls
from api.wiring import Wiring
from domain.events import Quantity, Trace
from domain.labels import Labelled
from domain.overrules import Overrule
from store import overrules, predictions, report_detail
from store.predictions import Warned
from store.report_detail import LabelKept, SessionSides
from store.report_sessions import SessionSeen

_COUNTS = (
    (Quantity.PROMPTS, "prompts"),
    (Quantity.EDITS_ACCEPTED, "edits accepted"),
    (Quantity.EDITS_REJECTED, "edits rejected"),
    (Quantity.LINES_ADDED, "lines added"),
    (Quantity.LINES_REMOVED, "lines removed"),
    (Quantity.COMMITS, "commits"),
    (Quantity.CHANGES_OPENED, "changes opened"),
    (Quantity.RETRIES, "retries"),
    (Quantity.COMPACTIONS, "compactions"),
    (Quantity.SUBAGENTS, "subagents"),
    (Quantity.REQUESTS_UNMEASURED, "requests without usage"),
)
_TRACES = (
    (Trace.REPOSITORY, "Repositories"),
    (Trace.BRANCH, "Branches"),
    (Trace.COMMIT, "Commits"),
    (Trace.TICKET, "Tickets"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """Everything that the page of a session says.

    ``place`` is where the rule that decided stands among all, of how many; None where it is none
    of them. ``warned`` is what is foretold while its end is open. ``said`` are all words of people,
    the newest first. ``may_review``: whether forms are shown.
    """

    now: datetime
    seen: SessionSeen
    sides: SessionSides
    labelled: Labelled | None
    place: tuple[int, int] | None
    history: Sequence[LabelKept]
    warned: Warned | None
    said: Sequence[Overrule]
    too_low: str | None
    may_review: bool
    user_name: str | None
    charts: Sequence[Chart]
    tables: Sequence[Table]
    tool_versions: Sequence[str]
    tool_calls: Sequence[ToolCalls]
    repeated: RepeatedFailures | None
    counts: Mapping[str, int | None]
    traces: Mapping[str, Sequence[str]]


def session_view(wiring: Wiring, asking: Asker, tool: str, session_id: str) -> SessionView:
    """Gather a session's page, or refuse with ``session_not_found``."""
    now = wiring.clock()
    with wiring.database.reading() as connection:
        seen = find(connection, tool, session_id)
        sides = report_detail.sides(connection, seen.pk)
        labelled = wiring.labeller(connection, seen.pk, now)
        history = report_detail.history(connection, seen.pk)
        warned = predictions.of_session(connection, seen.pk)
        said = overrules.history(connection, seen.pk)
        names = wiring.names(connection, [seen.user])
        may_review = reviews_session(connection, asking, seen.pk)
        of_work = session_time.moments_of_work(connection, sides.links)
    of_it = session_time.moments_of_session(seen, sides.traces, history, said, warned)
    told = {quantity: sum(items.values()) for quantity, items in sides.counts.items()}
    return SessionView(
        now=now,
        seen=seen,
        sides=sides,
        labelled=labelled,
        place=_place(wiring, labelled),
        history=history,
        warned=warned,
        said=said,
        too_low=too_low(seen),
        may_review=may_review,
        user_name=names.get(seen.user) if seen.user else None,
        charts=session_time.hour_charts(sides.hours),
        tables=[
            session_time.timeline([*of_it, *of_work]),
            session_time.hours_table(sides.hours),
        ],
        tool_versions=sorted(sides.traces.get(Trace.TOOL_VERSION, ())),
        tool_calls=tool_calls(sides.counts),
        repeated=repeated_failures(sides.counts),
        counts={
            **{name: told.get(quantity) for quantity, name in _COUNTS},
            "files edited": sides.files_edited,
        },
        traces={name: list(sides.traces[each]) for each, name in _TRACES if each in sides.traces},
    )


def too_low(seen: SessionSeen) -> str | None:
    """Why a session cost at least what is told; None: nothing says so."""
    why = []
    if seen.cost.lower_bound:
        why.append("some of its tokens have no known cost")
    if seen.completeness.complete is False:
        why.append("some of its telemetry is missing")
    return " and ".join(why) or None


def _place(wiring: Wiring, labelled: Labelled | None) -> tuple[int, int] | None:
    """Where the rule that decided stands: the first that matches wins."""
    if labelled is None:
        return None
    names = [rule.name for rule in wiring.rules.rules]
    rule = (labelled.beside or labelled).rule
    return (names.index(rule) + 1, len(names)) if rule in names else None
