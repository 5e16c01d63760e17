"""Indicators: what tasks and changes cost, and how sessions went, by group and time.

Each says how many sessions it rests on and what share of them does not tell what it takes. They are
sums over all labels, settled or not: spend is spend. ``docs/kpis.md`` says what each means.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from classifier.fences import Spread, quantile, spread_of
from classifier.measured import Detail, Row, measure
from domain.contributions import COUNTS, Counts, upper_end
from domain.efficiency import Asked, Kpi, KpiReport, KpiRow, Measured
from domain.usage import NANOUSD
from store.engine import Connection

_DETAIL = Detail(counts=COUNTS, by_label=False, unnamed=True)
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
    spreads = spread_of(sheet)

    def row(each: Row) -> KpiRow:
        measured = each.measured
        own = spreads.get((measured.kind, measured.value))
        counts = each.sums.counted
        told = indicators(measured, counts, own, each.unnamed)
        return KpiRow(
            measured=measured,
            lower_bound_sessions=counts["lower_bounds"],
            incomplete_sessions=counts["incomplete"],
            kpis=told,
        )

    return KpiReport(period=sheet.period, rows=tuple(map(row, sheet.rows)), total=row(sheet.total))


def indicators(
    measured: Measured, counts: Counts, spread: Spread | None, unnamed: int
) -> tuple[Kpi, ...]:
    """All indicators of one group; ``spread`` is None where it is not known.

    ``unnamed`` is how many of its sessions nobody is told of.
    """
    found = [_rate(rate, counts) for rate in _RATES]
    found.append(_cost_per_user(measured, counts, unnamed))
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


def _cost_per_user(measured: Measured, counts: Counts, unnamed: int) -> Kpi:
    people, priced, sessions = measured.people, counts["priced"], counts["sessions"]
    # Which sessions lack both is not kept: what the one or the other lacks is the least.
    lacking = max(sessions - priced, min(unnamed, sessions))
    return Kpi(
        name="cost_per_user",
        value=counts["cost_nanousd"] / NANOUSD / people if people and priced else None,
        unit="usd",
        sessions=priced,
        missing=lacking / sessions if sessions else None,
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


def _lead(name: str, at: float, spread: Spread | None) -> Kpi:
    own = spread.leads if spread else {}
    return Kpi(
        name=name,
        value=upper_end(quantile(own, at)) if own else None,
        unit="hours",
        sessions=sum(own.values()),
        missing=None,
        why=None if own else (_NO_LEAD if spread is not None else _BY_BLOCKS),
    )
