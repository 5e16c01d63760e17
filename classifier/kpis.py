"""Indicators: what tasks and changes cost, and how sessions went, by group and time.

Each says how many sessions it rests on and what share of them does not tell what it takes. They are
sums over all labels, settled or not: spend is spend. ``docs/kpis.md`` says what each means.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from classifier.measured import Detail, Sheet, counted, measure
from classifier.parting import Pieces
from domain.contributions import COUNTS, Counts, Facet, upper_end
from domain.efficiency import Asked, Interval, Kind, Kpi, KpiReport, KpiRow, Measured
from domain.usage import NANOUSD
from domain.weeks import BLOCK, HALF
from store import report_outcomes
from store.engine import Connection
from store.outcomes import EVERYTHING
from store.report_outcomes import Span

_DETAIL = Detail(counts=COUNTS, by_label=False)
_FENCE = 3
_FEWEST = 20
_DOUBLING = 4
_NO_TASKS = "No task was completed."
_NO_CHANGES = "No change landed and stands."
_NOT_TOLD = "No session tells it."
_NO_REVIEWS = "No reviewed change landed."
_NO_LEAD = "Of no landed change the first commit is known."
_BY_BLOCKS = "It is known for whole blocks of four weeks, of one dimension at a time."
_TOO_FEW = "Too few sessions of any tool to say what is usual."


@dataclass(frozen=True, slots=True)
class _Rate:
    """An indicator that is one sum over another, times ``scale``.

    ``told`` counts the sessions that it rests on.
    """

    name: str
    unit: str
    part: Callable[[Counts], float]
    of: Callable[[Counts], float]
    told: Callable[[Counts], int]
    why: str


def _tokens(counts: Counts) -> int:
    return _prompts(counts) + counts["output"]


def _prompts(counts: Counts) -> int:
    return counts["input"] + counts["cache_read"] + counts["cache_write"]


_RATES = (
    _Rate(
        "cost_per_task",
        "usd",
        lambda c: c["cost_nanousd"] / NANOUSD,
        lambda c: c["tasks"],
        lambda c: c["priced"],
        _NO_TASKS,
    ),
    _Rate(
        "cost_per_surviving_change",
        "usd",
        lambda c: c["cost_nanousd"] / NANOUSD,
        lambda c: c["changes_standing"],
        lambda c: c["priced"],
        _NO_CHANGES,
    ),
    _Rate(
        "tokens_per_task",
        "tokens",
        _tokens,
        lambda c: c["tasks"],
        lambda c: c["tokens_told"],
        _NO_TASKS,
    ),
    _Rate(
        "input_to_output",
        "ratio",
        _prompts,
        lambda c: c["output"],
        lambda c: c["tokens_told"],
        _NOT_TOLD,
    ),
    _Rate(
        "cache_hit_rate",
        "share",
        lambda c: c["cache_read"],
        lambda c: c["prompts_told"],
        lambda c: c["tokens_told"],
        _NOT_TOLD,
    ),
    _Rate(
        "retry_rate",
        "share",
        lambda c: c["failed_requests"],
        lambda c: c["requests_tried"],
        lambda c: c["requests_told"],
        _NOT_TOLD,
    ),
    _Rate(
        "loop_rate",
        "share",
        lambda c: c["looping"],
        lambda c: c["loops_told"],
        lambda c: c["loops_told"],
        _NOT_TOLD,
    ),
    _Rate(
        "escalation_rate",
        "share",
        lambda c: c["escalated"],
        lambda c: c["escalations_told"],
        lambda c: c["escalations_told"],
        _NOT_TOLD,
    ),
    _Rate(
        "first_pass_rate",
        "share",
        lambda c: c["changes_first_pass"],
        lambda c: c["changes_reviewed"],
        lambda c: c["sessions"],
        _NO_REVIEWS,
    ),
)
NAMES = (
    *(rate.name for rate in _RATES),
    "cost_per_user",
    "anomaly_rate",
    "lead_time_median",
    "lead_time_p90",
)
"""All indicators; each has a heading in ``docs/kpis.md``."""


def kpis(connection: Connection, asked: Asked, now: datetime, floor: int) -> KpiReport:
    """The indicators of every group asked for. Raises TooFewPeople."""
    sheet = measure(connection, asked, floor, now, _DETAIL)
    if sheet.total is None:
        return KpiReport(period=sheet.period, rows=(), total=None)
    spread = _spread(connection, sheet)

    def row(each: Measured) -> KpiRow:
        return KpiRow(measured=each, kpis=indicators(each, spread.get((each.kind, each.value))))

    return KpiReport(period=sheet.period, rows=tuple(map(row, sheet.rows)), total=row(sheet.total))


@dataclass(frozen=True, slots=True)
class Spread:
    """How a group's costs and lead times are spread.

    Of ``compared`` sessions, whose tool has enough to say what is usual, ``beyond`` cost more than
    that. ``leads`` are landed changes by the bin of their lead time.
    """

    compared: int
    beyond: int
    leads: Mapping[int, int]


def indicators(measured: Measured, spread: Spread | None) -> tuple[Kpi, ...]:
    """All indicators of one group; ``spread`` is None where it is not known."""
    counts = counted(measured.sums)
    found = [_rate(rate, counts) for rate in _RATES]
    found.append(_cost_per_user(measured, counts))
    found.append(_anomalies(spread, counts))
    found += [_lead("lead_time_median", 0.5, spread), _lead("lead_time_p90", 0.9, spread)]
    return tuple(found)


def _rate(rate: _Rate, counts: Counts) -> Kpi:
    whole, told = rate.of(counts), rate.told(counts)
    missing = 1 - told / counts["sessions"] if counts["sessions"] else None
    if rate.name == "cache_hit_rate":
        prompts = _prompts(counts)
        missing = 1 - counts["prompts_told"] / prompts if prompts else None
    if rate.name == "first_pass_rate":
        landed = counts["changes_landed"]
        missing = 1 - counts["changes_reviewed"] / landed if landed else None
    return Kpi(
        name=rate.name,
        value=rate.part(counts) / whole if whole and told else None,
        unit=rate.unit,
        sessions=told,
        missing=missing,
        why=None if whole and told else (rate.why if told else _NOT_TOLD),
    )


def _cost_per_user(measured: Measured, counts: Counts) -> Kpi:
    people, priced = measured.people, counts["priced"]
    return Kpi(
        name="cost_per_user",
        value=counts["cost_nanousd"] / NANOUSD / people if people and priced else None,
        unit="usd",
        sessions=priced,
        missing=1 - priced / counts["sessions"] if counts["sessions"] else None,
        why=None if people and priced else _NOT_TOLD,
    )


def _anomalies(spread: Spread | None, counts: Counts) -> Kpi:
    compared = spread.compared if spread else 0
    return Kpi(
        name="anomaly_rate",
        value=spread.beyond / compared if spread and compared else None,
        unit="share",
        sessions=compared,
        missing=1 - compared / counts["sessions"] if spread and counts["sessions"] else None,
        why=None if compared else (_TOO_FEW if spread is not None else _BY_BLOCKS),
    )


def fence_of(bins: Mapping[int, int]) -> float | None:
    """The bin beyond which a cost is out of the ordinary; None where there are too few to say.

    Bins are even on a logarithmic scale: the third quartile and three times the quartiles' distance
    on it, which is taken to be a doubling at least.
    """
    if sum(bins.values()) < _FEWEST:
        return None
    low, high = _quantile(bins, 0.25), _quantile(bins, 0.75)
    return high + _FENCE * max(high - low, _DOUBLING)


def _lead(name: str, at: float, spread: Spread | None) -> Kpi:
    own = spread.leads if spread else {}
    return Kpi(
        name=name,
        value=upper_end(_quantile(own, at)) if own else None,
        unit="hours",
        sessions=sum(own.values()),
        missing=None,
        why=None if own else (_NO_LEAD if spread is not None else _BY_BLOCKS),
    )


def _quantile(bins: Mapping[int, int], at: float) -> int:
    """The bin that so large a share lies in or below."""
    needed = at * sum(bins.values())
    so_far = 0
    for number, sessions in sorted(bins.items()):
        so_far += sessions
        if so_far >= needed:
            return number
    raise ValueError("there is nothing in any bin")


def _spread(connection: Connection, sheet: Sheet) -> dict[tuple[Kind, str | None], Spread]:
    """How costs and lead times are spread, by row, of whole blocks of one dimension at a time."""
    made, asked = sheet.pieces, sheet.asked
    if asked.interval is not Interval.NONE or any(span.weeks != BLOCK for span in made.spans):
        return {}
    everything = [(span, EVERYTHING) for span in _halved(made)]
    tools = sorted({tool for of in _tools(made).values() for tool in of})
    fences: dict[str, float | None] = {}
    for tool in tools:
        kind = f"cost {tool}"
        usual = report_outcomes.bins(connection, EVERYTHING, kind, everything)
        fences[kind] = fence_of(usual.get(EVERYTHING, {}))
    rows = {
        row.value: row for row in sheet.rows if row.kind is Kind.GROUP and row.value is not None
    }
    found: dict[tuple[Kind, str | None], Spread] = {}
    if asked.only is None and sheet.total:
        told = _of(connection, EVERYTHING, everything, fences, {EVERYTHING: sheet.total})
        found[Kind.TOTAL, None] = told[EVERYTHING]
    facet = asked.group_by or (asked.only[0] if asked.only else None)
    if facet is None:
        return found
    if asked.only is not None and sheet.total:
        rows = {asked.only[1]: sheet.total}
    pairs = [(span, value) for span, of in made.shown.items() for value in of if value in rows]
    for value, spread in _of(connection, facet.value, made.joined(pairs), fences, rows).items():
        if asked.only is not None:
            found[Kind.TOTAL, None] = spread
        found[Kind.GROUP, value] = spread
    return found


def _halved(made: Pieces) -> list[Span]:
    """The pieces, with half-years in the place of all their blocks."""
    halves = made.halves()
    within = {span for spans in halves.values() for span in spans}
    return [span for span in made.spans if span not in within] + [Span(HALF, w) for w in halves]


def _tools(made: Pieces) -> Mapping[int, Mapping[str, object]]:
    weeks = [week for live in made.live.values() for week in live]
    return made.weeks.held(Facet.TOOL, weeks)


def _of(
    connection: Connection,
    dimension: str,
    pairs: Collection[tuple[Span, str]],
    fences: Mapping[str, float | None],
    rows: Mapping[str, Measured],
) -> dict[str, Spread]:
    known = {kind: fence for kind, fence in fences.items() if fence is not None}
    above = report_outcomes.beyond(connection, dimension, known, pairs) if known else {}
    leads = report_outcomes.bins(connection, dimension, "lead", pairs)
    apart: Counter[str] = Counter()
    for kind in fences.keys() - known.keys():
        for value, held in report_outcomes.bins(connection, dimension, kind, pairs).items():
            apart[value] += sum(held.values())
    return {
        value: Spread(
            compared=counted(row.sums)["priced"] - apart[value] if known else 0,
            beyond=above.get(value, 0),
            leads=leads.get(value, {}),
        )
        for value, row in rows.items()
    }
