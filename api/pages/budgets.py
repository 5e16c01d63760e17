"""Budgets: how each stands, what its period will end with, and when it runs out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from api.asker import Asker
from api.floor import reader_of_budgets
from api.pages import formats
from api.pages import tables as cells
from api.pages.charts import Chart, Form, Series, Tone, Unit
from api.pages.tables import CANNOT_SAY, Cell, Column, Plain, Row, Table
from api.wiring import Wiring
from domain.budgets import Budget, RunsOut, ScopeKind, Standing
from domain.budgets import Unit as Counted
from store import budgets as kept

_FULL = 1.0
_MOST_BARS = 20
_NOT_NOW, _WITHHELD = "not at present", "too few people"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetsView:
    """All budgets that whoever asks may see. ``over`` and ``short`` count those that run out.

    ``unsaid`` are so many of which it can't be said yet.
    ``withheld`` are so many of which it is not told how they stand, as fewer than ``floor`` people
    are behind them, or beside them.
    """

    standings: Sequence[Standing]
    over: int
    short: int
    unsaid: int
    withheld: int
    floor: int
    basis: str | None
    charts: Sequence[Chart]
    tables: Sequence[Table]


def budgets_view(wiring: Wiring, asking: Asker, *, sees_people: bool) -> BudgetsView:
    """Gather the page."""
    now = wiring.clock()
    with wiring.database.reading() as connection:
        shown = [
            each
            for each in kept.standing(connection)
            if sees_people or each.part.kind is not ScopeKind.PERSON
        ]
        of = reader_of_budgets(wiring, connection, asking, shown)
        withheld = {each.id for each in shown if not of.tells_budget(each)}
        may = [each for each in shown if each.id not in withheld]
        told = wiring.planner.standings(connection, may, now, wiring.company)
        names = wiring.names(
            connection, [b.part.value for b in shown if b.part.kind is ScopeKind.PERSON]
        )
    by_id = {each.budget.id: each for each in told}
    # Those that are nearest to their end first; those without a present period last.
    shown.sort(key=lambda budget: -_used(by_id.get(budget.id)))
    standings = [by_id[each.id] for each in shown if each.id in by_id]
    return BudgetsView(
        standings=standings,
        over=sum(each.runs_out is RunsOut.ALREADY for each in standings),
        short=sum(each.runs_out is RunsOut.ON_DAY for each in standings),
        unsaid=sum(each.runs_out is RunsOut.CANNOT_SAY for each in standings),
        withheld=len(withheld),
        floor=wiring.privacy_floor,
        basis=next((each.basis.value for each in standings), None),
        charts=[_chart(standings)] if standings else [],
        tables=[
            _table(
                [
                    _row(each, by_id.get(each.id), names, withheld=each.id in withheld)
                    for each in shown
                ]
            )
        ],
    )


def _used(standing: Standing | None) -> float:
    return -1.0 if standing is None else standing.used_share or 0.0


def _chart(standings: Sequence[Standing]) -> Chart:
    top = standings[:_MOST_BARS]
    return Chart(
        title="Part of each budget that is used (spent and committed)",
        form=Form.BARS,
        unit=Unit.SHARE,
        labels=tuple(each.budget.name for each in top),
        series=(Series("used", Tone.MAIN, tuple(_used(each) for each in top)),),
        height=60 + 32 * len(top),
    )


def _table(rows: Sequence[Row]) -> Table:
    return Table(
        name="budgets",
        caption="Budgets, the most used first",
        columns=(
            Column(title="Budget", names=("budget", "scope", "value", "period", "unit")),
            Column(title="Amount", names=("amount",), numeric=True),
            Column(title="Spent", names=("spent", "priced_share"), numeric=True),
            Column(title="Committed", names=("committed",), numeric=True, wide=True),
            Column(title="Used", names=("used_share",), numeric=True),
            Column(
                title="At the end (forecast)",
                names=("end_expected", "end_low", "end_high"),
                numeric=True,
            ),
            Column(title="Runs out", names=("runs_out", "runs_out_on")),
            Column(
                title="Forecast was off by",
                names=("backtest_wape", "backtest_origins"),
                numeric=True,
                wide=True,
            ),
        ),
        rows=rows,
    )


def _row(
    budget: Budget, standing: Standing | None, names: dict[str, str], *, withheld: bool
) -> Row:
    of = names.get(budget.part.value, budget.part.value) or "the whole company"
    span = standing.span if standing else None
    missing = _WITHHELD if withheld else _NOT_NOW
    days = f", {_day(span.first)} to {_day(span.after)}" if span else f", {missing}"
    plain = (budget.part.kind.value, budget.part.value, budget.period.value, budget.unit.value)
    name = Cell(
        text=budget.name,
        values=(budget.name, *plain),
        note=f"{formats.words(budget.part.kind.value)}: {of}; a {budget.period.value}{days}",
    )
    amount = _amount(budget.amount, budget.unit)
    if standing is None:
        nothing = Cell(text=None, values=(None,), missing=missing)
        two = Cell(text=None, values=(None, None), missing=missing)
        three = Cell(text=None, values=(None, None, None), missing=missing)
        return (name, amount, two, nothing, nothing, three, two, two)
    return (name, amount, *_stands(standing))


def _stands(told: Standing) -> Row:
    unit = told.budget.unit
    spent = _amount(told.spent, unit, missing="nothing has a price")
    covered = told.coverage
    return (
        Cell(
            text=spent.text,
            values=(*spent.values, covered),
            missing=spent.missing,
            note=f"{formats.share(covered)} of tokens have a price"
            if covered is not None and covered < _FULL
            else None,
        ),
        _amount(told.committed, unit, missing=CANNOT_SAY),
        cells.part(told.used_share),
        _end(told),
        _runs_out(told),
        _backtest(told),
    )


def _end(told: Standing) -> Cell:
    if told.end is None:
        return Cell(text=None, values=(None,) * 3, missing=CANNOT_SAY, note=told.unsaid)
    each = (told.end.expected, told.end.low, told.end.high)
    amounts = [_amount(None if value is None else round(value), told.budget.unit) for value in each]
    low, high = amounts[1].text, amounts[2].text
    return Cell(
        text=amounts[0].text,
        values=tuple(value for amount in amounts for value in amount.values),
        note=f"{low} to {high} (80 %)" if low and high else "no interval can be told yet",
    )


def _runs_out(told: Standing) -> Cell:
    texts = {
        RunsOut.ALREADY: "it has",
        RunsOut.NOT_IN_PERIOD: "not in this period",
        RunsOut.CANNOT_SAY: None,
    }
    day = told.runs_out_on
    sure = told.runs_out in (RunsOut.ALREADY, RunsOut.ON_DAY)
    return Cell(
        text=_day(day) if day else texts.get(told.runs_out),
        values=(told.runs_out.value, day.isoformat() if day else None),
        mark="decision" if sure else "",
        missing=CANNOT_SAY,
    )


def _backtest(told: Standing) -> Cell:
    of = told.backtest
    if of is None or of.wape is None:
        return Cell(text=None, values=(None, of.origins if of else None), missing=CANNOT_SAY)
    return Cell(
        text=formats.share(of.wape),
        values=(of.wape, of.origins),
        note=f"made {of.origins} times before, over {of.horizon_days} days",
    )


def _amount(amount: int | None, unit: Counted, *, missing: str = "not told") -> Cell:
    """An amount in its unit; in a file in US dollars or tokens."""
    if unit is Counted.USD:
        return cells.dollars(amount, missing=missing)
    value: Plain = amount
    text = None if amount is None else f"{formats.number(amount)} tokens"
    return Cell(text=text, values=(value,), missing=missing)


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
