"""What a digest says of the company or one team: spend, its ratio over time, and what moved it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from api.digest.content import Line, Section, Span, line
from api.pages import formats, ratios
from api.pages.charts import Chart
from domain.efficiency import EfficiencyReport, EfficiencyRow, Kind, Trend
from domain.labels import Label
from domain.weeks import WEEK

_LABELLED = (Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL, Label.NEUTRAL)
_BEFORE = 4
# A reason is named from a whole per cent of spend on: less is noise.
_LEAST_MOVE = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The company (``team`` is None) or a team, and the report on it by week.

    ``report`` is None where too few people are behind it.
    """

    team: str | None
    report: EfficiencyReport | None

    @property
    def title(self) -> str:
        """What it is called."""
        return "The whole company" if self.team is None else self.team

    @property
    def path(self) -> str:
        """The page about it."""
        return "/" if self.team is None else f"/?{urlencode({'team': self.team})}"


def rows_of(group: Group) -> tuple[EfficiencyRow, ...]:
    """The group over time, the newest last."""
    if group.report is None:
        return ()
    timed = [row for row in group.report.rows if row.measured.kind is not Kind.OTHERS]
    return tuple(sorted(timed, key=lambda row: row.measured.time or 0))


def trend(group: Group) -> Trend | None:
    """The newest time that is settled enough, against the four before it."""
    told = [row.trend for row in rows_of(group) if row.trend and ratios.is_settled(row)]
    return told[-1] if told else None


def section(group: Group, until: datetime, sentences: Mapping[str, str]) -> Section:
    """Everything about one group; ``sentences`` are those of the rules, by name."""
    rows = rows_of(group)
    if group.report is None:
        lines: tuple[Line, ...] = (line(_TOO_FEW),)
    elif not rows:
        lines = (line(_NOTHING),)
    else:
        lines = tuple(filter(None, (_spend(group, rows, until), *_settled(group, rows, sentences))))
    charts = (ratios.spend_chart(rows), _ratios(group, rows)) if len(rows) > 1 else ()
    return Section(title=group.title, path=group.path, lines=lines, charts=charts)


_NOTHING = "No spend has been seen until then. What comes in a week is told once it is over."
_TOO_FEW = "Too few people are behind this to tell anything that nobody can be recognised by."


def _ratios(group: Group, rows: Sequence[EfficiencyRow]) -> Chart:
    total = group.report.total if group.report else None
    if group.team is not None:
        return ratios.ratio_chart(rows, "whole company", [row.baseline for row in rows])
    whole = total.by_spend.value if total and total.by_spend else None
    return ratios.ratio_chart(rows, "whole period", [whole] * len(rows))


def _spend(group: Group, rows: Sequence[EfficiencyRow], until: datetime) -> Line:
    """What was spent in the newest time, beside the mean week of the four times before."""
    newest, earlier = rows[-1], rows[-1 - _BEFORE : -1]
    measured = newest.measured
    spent, sessions = newest.cost_nanousd, ratios.sessions_of(newest)
    last = measured.start is not None and measured.start + WEEK * (measured.weeks or 1) >= until
    when = "Last week" if last and measured.weeks == 1 else f"From {_time(newest)}"
    spans: list[Span | str] = [
        f"{when}: ",
        Span(_money(newest), group.path, strong=True),
        f" in {formats.number(sessions)} session{'' if sessions == 1 else 's'}",
    ]
    known = [row for row in earlier if row.cost_nanousd is not None]
    weeks = sum(row.measured.weeks or 1 for row in known)
    if weeks and spent is not None:
        mean = sum(map(ratios.known_of, known)) / weeks
        change = spent / (measured.weeks or 1) / mean - 1 if mean else None
        spans.append(f"; a week before that, on average {formats.money(round(mean))}")
        spans.append("" if change is None else f" ({formats.change(change)})")
    return line(*spans, ".")


def _money(row: EfficiencyRow) -> str:
    """What all sessions of a row cost, as far as that is known."""
    if row.cost_nanousd is None:
        return "spend not known"
    least = "at least " if row.at_least else ""
    return f"{least}{formats.money(row.cost_nanousd)}"


def _settled(
    group: Group, rows: Sequence[EfficiencyRow], sentences: Mapping[str, str]
) -> Sequence[Line | None]:
    """The ratio, what it is made of and what moved: of the newest time that is settled enough."""
    place = next(
        (place for place in reversed(range(len(rows))) if _told(rows[place])),
        None,
    )
    if place is None:
        if any(map(ratios.lacks_cost, rows)):
            return [line("What is settled is of unknown cost: no share of it can be told.")]
        return [line("Nothing of it is settled yet: it takes weeks until it shows what stands.")]
    row, earlier = rows[place], rows[max(place - _BEFORE, 0) : place]
    return [
        _ratio(group, row, earlier),
        _labels(group, row),
        _reason(group, row, earlier, sentences),
        _coverage(group),
    ]


def _told(row: EfficiencyRow) -> bool:
    return row.by_spend is not None and ratios.is_settled(row)


def _ratio(group: Group, row: EfficiencyRow, earlier: Sequence[EfficiencyRow]) -> Line:
    share, before = row.by_spend, row.trend
    if share is None:
        raise ValueError("a time without a ratio was told as settled")
    last = next((each.by_spend for each in reversed(earlier) if each.by_spend), None)
    spans: list[Span | str] = [
        "Productive: ",
        Span(formats.share(share.value), group.path, strong=True),
        f" of what is settled from {_time(row)}"
        f" ({formats.share(share.low)} to {formats.share(share.high)})",
    ]
    if last is not None:
        spans.append(f"; {formats.share(last.value)} the time before")
    if before is not None:
        spans.append(f", {formats.share(before.before)} over the four before")
        sure = "up" if before.low > 0 else "down" if before.high < 0 else "no clear change"
        spans.append(f": {sure}")
    if group.team is not None and row.baseline is not None:
        spans.append(f"; the company {formats.share(row.baseline)}")
    return line(*spans, ".")


def _labels(group: Group, row: EfficiencyRow) -> Line:
    spent = {each.label: each.cost_nanousd for each in row.spent}
    parts = [
        f"{label.value} {formats.money(cost)}" for label in Label if (cost := spent.get(label))
    ]
    return line("Of that time's spend: ", Span(", ".join(parts), group.path), ".")


def _reason(
    group: Group,
    row: EfficiencyRow,
    earlier: Sequence[EfficiencyRow],
    sentences: Mapping[str, str],
) -> Line | None:
    """The rule whose part of spend moved most, other than that of work that stands."""
    now, before = _parts([row]), _parts(earlier)
    if not earlier or not now or not before:
        return None
    moved = {rule: now.get(rule, 0.0) - before.get(rule, 0.0) for rule in {*now, *before}}
    rule = max(sorted(moved), key=lambda each: abs(moved[each]), default=None)
    if rule is None or abs(moved[rule]) < _LEAST_MOVE:
        return None
    more = "more" if moved[rule] > 0 else "less"
    return line(
        "What moved most: ",
        Span(
            f"{more} {formats.words(rule)}, {formats.share(before.get(rule, 0.0))} to"
            f" {formats.share(now.get(rule, 0.0))} of spend",
            group.path,
        ),
        ".",
        below=(line(sentences[rule]),) if rule in sentences else (),
    )


def _parts(rows: Sequence[EfficiencyRow]) -> dict[str, float]:
    """The part of all labelled spend that went to each rule whose label is not productive."""
    spent: Counter[str] = Counter()
    whole = 0
    for each in (each for row in rows for each in row.spent if each.label in _LABELLED):
        whole += each.cost_nanousd or 0
        if each.label is not Label.PRODUCTIVE:
            spent.update({rule: cost or 0 for rule, (_, cost) in each.rules.items()})
    return {rule: cost / whole for rule, cost in spent.items()} if whole else {}


def _coverage(group: Group) -> Line | None:
    total = group.report.total if group.report else None
    if total is None or total.coverage is None:
        return None
    spent = ratios.open_of(total)
    least = "at least " if ratios.opens_unknown(total) else ""
    rest = f"; {least}{formats.money(spent)} is pending or can't be told" if spent else ""
    return line(
        Span(f"{formats.share(total.coverage)} of spend has a label", "/quality"), f"{rest}."
    )


def _time(row: EfficiencyRow) -> str:
    start, weeks = row.measured.start, row.measured.weeks or 1
    if start is None:
        return "all weeks"
    return f"the {'week' if weeks == 1 else f'{weeks} weeks'} of {start.day} {start:%b}"
