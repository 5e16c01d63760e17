"""Data quality: what keeps the numbers from being complete, and what to do about each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from api.pages import formats, ratios
from api.pages import tables as cells
from api.pages.filters import PageParameters
from api.pages.tables import Cell, Column, Row, Table
from api.schemas.links import REASONS
from api.wiring import Wiring
from domain.alerts import Told
from domain.budgets import basis_of
from domain.digests import Sending
from domain.efficiency import EfficiencyRow
from domain.labels import Label
from domain.unlinked import Unlinked
from store import digest_sendings, report_quality, report_status, sync
from store.report_quality import Idle, Unpriced
from store.report_status import Arrival, Covered
from store.sync import SyncState
from store.unlinked import UnlinkedSpend, spend_unlinked

SILENT_AFTER = timedelta(days=7)
_DAY = timedelta(days=1)
# How far back it is told that copies of the digest were not sent.
_DIGESTS = timedelta(weeks=5)
_MOST_RECORDS = 50
SETTLED = ("understood", "ignored", "duplicate_source", "too_old")
"""What may become of a record without anything being wrong."""
_PEOPLE = (Unlinked.NO_IDENTITY, Unlinked.UNKNOWN_IDENTITY)
WHAT_HELPS: Mapping[Unlinked, str] = {
    Unlinked.NO_SESSION: "let the tool, or the gateway in between, send its session id",
    Unlinked.NO_FORGE: "connect a forge",
    Unlinked.REPOSITORY_NOT_CONNECTED: "connect the forge of that repository",
    Unlinked.WEAK_EVIDENCE: "let a lead review these links",
    Unlinked.NO_IDENTITY: "make keys with --user, or set enduser.id",
    Unlinked.UNKNOWN_IDENTITY: "assay people unresolved, then a people file",
    Unlinked.NO_FILES_TOLD: "let the tool tell commits and branches",
}
"""What somebody can do so that more is tied, where somebody can."""
_OUTCOMES = {"unknown": "not known", "malformed": "malformed", "unsupported": "not supported"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolArrival:
    """What arrived of one tool. ``last_at`` is when its last record came."""

    tool: str
    records: int
    not_understood: int
    first_at: datetime
    last_at: datetime
    signals: Mapping[str, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """Everything that the page says. ``total`` is None where too few people are behind it.

    ``priced_since`` is the day from which on prices are looked for, where the period begins before.
    """

    now: datetime
    arrival: Arrival
    silent: Sequence[ToolArrival]
    failing: int
    not_understood: int
    unlinked_nanousd: int
    unresolved: Sequence[UnlinkedSpend]
    total: EfficiencyRow | None
    priced_since: date | None
    tables: Sequence[Table]


def quality_view(wiring: Wiring, parameters: PageParameters) -> QualityView:
    """Gather the page."""
    now = wiring.clock()
    since = parameters.since(now)
    with wiring.database.reading() as connection:
        covered = report_status.coverage(connection)
        idle = report_quality.idle(connection, now, SILENT_AFTER)
        states = sync.states(connection)
        unlinked = spend_unlinked(connection, since)
        basis = basis_of(wiring.company)
        priced_since = report_quality.told_since(connection, basis, since.date(), now.date())
        unpriced = report_quality.unpriced(
            connection, basis, priced_since, now.date() + _DAY, now.date()
        )
        report = ratios.report(
            wiring, connection, PageParameters(weeks=parameters.weeks), now, None
        )
        arrival = report_status.arrival(wiring.database)
        copies = digest_sendings.since(connection, now.date() - _DIGESTS)
    tools = arrivals(covered)
    unknown = [each for each in covered if each.outcome not in SETTLED]
    total = report.total if report else None
    return QualityView(
        now=now,
        arrival=arrival,
        silent=[each for each in tools if now - each.last_at > SILENT_AFTER],
        failing=sum(each.error_code is not None for each in states),
        not_understood=sum(each.records for each in unknown),
        unlinked_nanousd=sum(each.cost_nanousd or 0 for each in unlinked),
        unresolved=[each for each in unlinked if each.reason in _PEOPLE],
        total=total,
        priced_since=priced_since if priced_since > since.date() else None,
        tables=[
            _tools(tools, idle, now),
            _unlinked(unlinked),
            _unpriced(unpriced),
            _providers(states, now),
            _records(unknown[:_MOST_RECORDS], now),
            _labels(total),
            _digests([each for each in copies if each.state is not Told.SENT]),
        ],
    )


def arrivals(covered: Sequence[Covered]) -> list[ToolArrival]:
    """What arrived by tool; webhooks of forges are none."""
    by_tool: dict[str, list[Covered]] = {}
    for each in covered:
        if each.signal != "webhook":
            by_tool.setdefault(each.tool, []).append(each)
    found = []
    for tool, kinds in sorted(by_tool.items()):
        signals: dict[str, datetime] = {}
        for each in kinds:
            signals[each.signal] = max(each.last_at, signals.get(each.signal, each.last_at))
        found.append(
            ToolArrival(
                tool=tool,
                records=sum(each.records for each in kinds),
                not_understood=sum(e.records for e in kinds if e.outcome not in SETTLED),
                first_at=min(each.first_at for each in kinds),
                last_at=max(signals.values()),
                signals=signals,
            )
        )
    return found


def _tools(tools: Sequence[ToolArrival], idle: Sequence[Idle], now: datetime) -> Table:
    machines = {each.tool: each for each in idle}
    return Table(
        name="tools",
        caption="What arrives, by tool",
        columns=(
            Column(title="Tool", names=("tool",)),
            Column(title="Last record", names=("last_at",)),
            Column(title="Records", names=("records",), numeric=True, wide=True),
            Column(title="Not understood", names=("not_understood",), numeric=True, wide=True),
            Column(title="Installations", names=("installations_14_days",), numeric=True),
            Column(title="Silent for a week", names=("installations_silent",), numeric=True),
        ),
        rows=[_tool(each, machines.get(each.tool), now) for each in tools],
    )


def _tool(each: ToolArrival, machines: Idle | None, now: datetime) -> Row:
    return (
        cells.words(each.tool, href=f"/sessions?tool={each.tool}"),
        ago(each.last_at, now),
        cells.count(each.records),
        cells.count(each.not_understood),
        cells.count(machines.before if machines else 0),
        cells.count(machines.not_since if machines else 0),
    )


def ago(at: datetime | None, now: datetime) -> Cell:
    """How long ago that was, marked where it is long."""
    if at is None:
        return Cell(text=None, values=(None,), missing="never")
    silent = now - at > SILENT_AFTER
    return Cell(
        text=formats.ago(at, now),
        values=(at.isoformat(),),
        note=formats.moment(at),
        mark="decision" if silent else "",
    )


def _unlinked(unlinked: Sequence[UnlinkedSpend]) -> Table:
    ordered = sorted(unlinked, key=lambda each: -(each.cost_nanousd or 0))
    parts = cells.parts([each.cost_nanousd for each in ordered])
    return Table(
        name="unlinked",
        caption="Spend that is booked on no change or commit, by reason",
        columns=(
            Column(title="Reason", names=("reason",)),
            Column(title="Spend", names=("cost_usd",), numeric=True),
            Column(title="Of it", names=("share",), numeric=True, wide=True),
            Column(title="Sessions", names=("sessions",), numeric=True),
            Column(title="What helps", names=("helps",)),
        ),
        rows=[
            (
                Cell(
                    text=formats.capital(REASONS[each.reason]),
                    values=(each.reason.value,),
                ),
                cells.dollars(each.cost_nanousd, missing="not known"),
                part,
                cells.count(each.sessions),
                Cell(
                    text=WHAT_HELPS.get(each.reason),
                    values=(WHAT_HELPS.get(each.reason),),
                    missing="nothing here",
                ),
            )
            for each, part in zip(ordered, parts, strict=True)
        ],
    )


def _unpriced(unpriced: Sequence[Unpriced]) -> Table:
    return Table(
        name="unpriced",
        caption="Models with tokens that have no price",
        columns=(
            Column(title="Model", names=("model",)),
            Column(title="Without a price", names=("unpriced_tokens",), numeric=True),
            Column(title="Of its tokens", names=("tokens",), numeric=True),
        ),
        rows=[
            (
                cells.words(each.model),
                cells.count(each.unpriced_tokens),
                Cell(
                    text=formats.share(each.unpriced_tokens / each.tokens),
                    values=(each.tokens,),
                    note=f"of {formats.number(each.tokens)}",
                ),
            )
            for each in unpriced
        ],
    )


def _providers(states: Sequence[SyncState], now: datetime) -> Table:
    return Table(
        name="providers",
        caption="How forges and trackers are read, those that fail first",
        columns=(
            Column(title="Provider", names=("provider", "scope", "stream")),
            Column(title="Last read", names=("succeeded_at",)),
            Column(title="Last failure", names=("failed_at",), wide=True),
            Column(title="What is wrong", names=("error_code", "error")),
        ),
        rows=[
            (
                Cell(
                    text=each.provider,
                    values=(each.provider, each.scope or None, each.stream or None),
                    note=" ".join(part for part in (each.scope, each.stream) if part) or None,
                ),
                ago(each.succeeded_at, now),
                cells.moment(each.failed_at),
                Cell(
                    text=each.error_code,
                    values=(each.error_code, each.error),
                    note=each.error,
                    missing="nothing",
                ),
            )
            for each in sorted(states, key=lambda each: each.error_code is None)
        ],
    )


def _records(unknown: Sequence[Covered], now: datetime) -> Table:
    return Table(
        name="records",
        caption="Records that were not understood, the most first",
        columns=(
            Column(title="Record", names=("tool", "signal", "name")),
            Column(title="What is wrong", names=("outcome",)),
            Column(title="How many", names=("records",), numeric=True),
            Column(title="Last", names=("last_at",), wide=True),
        ),
        rows=[
            (
                Cell(
                    text=each.name or "without a name",
                    values=(each.tool, each.signal, each.name),
                    note=f"{each.tool}, {each.signal}",
                ),
                Cell(
                    text=_OUTCOMES.get(each.outcome, formats.words(each.outcome)),
                    values=(each.outcome,),
                ),
                cells.count(each.records),
                ago(each.last_at, now),
            )
            for each in unknown
        ],
    )


def _labels(total: EfficiencyRow | None) -> Table:
    spent = {each.label: each for each in total.spent} if total else {}
    told = [label for label in Label if label in spent]
    parts = cells.parts([spent[label].cost_nanousd for label in told])
    return Table(
        name="labels",
        caption="Sessions by label",
        columns=(
            Column(title="Label", names=("label",)),
            Column(title="Spend", names=("cost_usd",), numeric=True),
            Column(title="Of all", names=("share",), numeric=True),
            Column(title="Sessions", names=("sessions",), numeric=True),
            Column(title="Final", names=("final_sessions",), numeric=True),
        ),
        rows=[
            (
                cells.label(label),
                ratios.spent_on(spent[label]),
                part,
                cells.count(spent[label].sessions),
                cells.count(spent[label].final_sessions),
            )
            for label, part in zip(told, parts, strict=True)
        ],
    )


def _digests(unsent: Sequence[Sending]) -> Table:
    return Table(
        name="digests",
        caption="Copies of the digest that were not sent, the newest first",
        columns=(
            Column(title="Week before", names=("week",)),
            Column(title="By", names=("through", "recipient", "about")),
            Column(title="What became of it", names=("state", "attempts", "error")),
        ),
        rows=[
            (
                Cell(text=formats.day(each.week), values=(each.week.isoformat(),)),
                Cell(
                    text=each.copy.through.value,
                    values=(each.copy.through.value, each.copy.recipient, each.copy.scope.value),
                    note=each.copy.recipient or None,
                ),
                Cell(
                    text=formats.words(each.state.value),
                    values=(each.state.value, each.attempts, each.error),
                    note=each.error,
                ),
            )
            for each in unsent
        ],
    )
