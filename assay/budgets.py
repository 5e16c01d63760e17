"""``assay budgets``: how much may be spent, and how that stands."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console

from assay.company import read_prices
from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart
from assay.tables import listing
from classifier.budgets import standings
from domain.budgets import (
    Budget,
    Part,
    PeriodKind,
    Range,
    RunsOut,
    ScopeKind,
    Standing,
    Unit,
)
from domain.company_prices import CompanyPrices
from domain.usage import NANOUSD, nanousd
from store import budgets as kept
from store import spending
from store.digest_recipients import known_teams
from store.engine import Connection

app = typer.Typer(help="Budgets, and how they stand.", no_args_is_help=True)
_LONGEST_NAME, _MOST_THRESHOLDS = 200, 10
_MOST = {Unit.USD: 10**9, Unit.TOKENS: 10**15}


@app.callback()
def main() -> None:
    """Budgets: docs/budgets.md describes what counts."""


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name, for people.")],
    amount: Annotated[float, typer.Argument(min=0.01, help="How much, in dollars or tokens.")],
    scope: Annotated[ScopeKind, typer.Option(help="What it is for.")] = ScopeKind.COMPANY,
    value: Annotated[
        str, typer.Option(help="Which team, repo (owner/name), tool, model or person (pseudonym).")
    ] = "",
    period: Annotated[PeriodKind, typer.Option(help="For how long.")] = PeriodKind.MONTH,
    unit: Annotated[Unit, typer.Option(help="What the amount is in.")] = Unit.USD,
    thresholds: Annotated[
        str, typer.Option(help="Percents that raise an alert, apart by commas.")
    ] = "50,80,100",
    valid_from: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From when on; default: today.")
    ] = None,
    valid_to: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day; default: no end.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Set a budget. The period that it begins in counts as a whole."""
    if (scope is ScopeKind.COMPANY) == bool(value):
        end("--value says which one; only with --scope company there is none.")
    if not name.strip() or len(name) > _LONGEST_NAME:
        end(f"A budget has a name of 1 to {_LONGEST_NAME} letters.")
    if amount > _MOST[unit]:
        end(f"At most {_MOST[unit]:,}.")
    if unit is Unit.TOKENS and amount != int(amount):
        end("Tokens are whole numbers.")
    if valid_from and valid_to and valid_to < valid_from:
        end("--valid-to must not be before --valid-from.")
    now = datetime.now(UTC)
    budget = Budget(
        id=kept.new_id(),
        name=name,
        part=Part(kind=scope, value=value),
        period=period,
        unit=unit,
        amount=nanousd(amount) if unit is Unit.USD else int(amount),
        thresholds=_percents(thresholds),
        valid_from=valid_from.date() if valid_from else now.date(),
        valid_to=valid_to.date() if valid_to else None,
        created_by="command line",
        created_at=now,
    )
    with opened(data, database_url) as database, database.writing() as connection:
        kept.add(connection, budget)
        unseen = _unseen(connection, budget.part)
    typer.echo(f"Budget {budget.id} is set.")
    if unseen:
        typer.echo(f"Note: {unseen}", err=True)


@app.command("list")
def list_all(data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Show all budgets and how they stand."""
    company = _company(data, database_url)
    with opened(data, database_url) as database, database.reading() as connection:
        budgets = kept.standing(connection)
        told = standings(connection, budgets, datetime.now(UTC), company)
    if not budgets:
        typer.echo("No budget is set. 'assay budgets add' sets one.")
        return
    known = {each.budget.id: each for each in told}
    table = listing("id", "name", "for", "period", "amount", "used", "at the end", "runs out")
    for budget in budgets:
        standing = known.get(budget.id)
        table.add_row(budget.id, budget.name, _part(budget), *_row(budget, standing))
    Console().print(table)


@app.command()
def show(
    budget_id: Annotated[str, typer.Argument(help="The budget's id.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show one budget with everything that is known of it."""
    company = _company(data, database_url)
    with opened(data, database_url) as database, database.reading() as connection:
        budget = kept.find(connection, budget_id)
        if budget is None or budget.archived_at is not None:
            end("There is no such budget.")
        told = standings(connection, [budget], datetime.now(UTC), company)
    typer.echo(f"{budget.name}: {_amount(budget.amount, budget.unit)} a {budget.period.value}")
    typer.echo(f"for: {_part(budget)}; alerts at {', '.join(map(str, budget.thresholds))} %")
    for each in told:
        for line in _told(each):
            typer.echo(line)
    if not told:
        typer.echo("It holds in no period of today's.")


@app.command()
def remove(
    budget_id: Annotated[str, typer.Argument(help="The budget's id.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Remove a budget. Alerts about it resolve themselves."""
    with opened(data, database_url) as database, database.writing() as connection:
        done = kept.archive(connection, budget_id, datetime.now(UTC))
    if not done:
        end("There is no such budget.")
    typer.echo("It is removed.")


def _company(data: object, database_url: object) -> CompanyPrices | None:
    try:
        return read_prices(settings_from(data=data, database_url=database_url).prices).company
    except CannotStart as error:
        end(str(error))


def _unseen(connection: Connection, part: Part) -> str | None:
    """What is to be said of a part that nothing was heard of so far; it may yet come."""
    if part.kind is ScopeKind.COMPANY or spending.first_day(connection, part) is not None:
        return None
    if part.kind is not ScopeKind.TEAM:
        return f"no usage of {part.kind.value} {part.value} has arrived yet."
    if part.value in known_teams(connection):
        return f"no usage of team {part.value} has arrived yet."
    return f"nobody is in team {part.value} yet, and no usage names it."


def _percents(told: str) -> tuple[int, ...]:
    try:
        percents = sorted({int(each) for each in told.split(",")})
    except ValueError:
        percents = []
    right = 0 < len(percents) <= _MOST_THRESHOLDS
    if not right or not 0 < percents[0] <= percents[-1] <= 1000:  # noqa: PLR2004
        end(
            f"--thresholds: write up to {_MOST_THRESHOLDS} percents from 1 to 1000, for example"
            " 50,80,100"
        )
    return tuple(percents)


def _told(standing: Standing) -> list[str]:
    unit = standing.budget.unit
    last = standing.span.after - timedelta(days=1)
    lines = [f"{standing.span.first} to {last}, at {standing.basis.value} prices"]
    spent = "not known" if standing.spent is None else _amount(standing.spent, unit)
    fees = "cannot say" if standing.committed is None else _amount(standing.committed, unit)
    share = standing.used / standing.budget.amount
    lines.append(f"spent: {spent}; committed: {fees}; {share:.0%} of the amount")
    if standing.coverage is not None and standing.coverage < 1:
        lines.append(f"only {standing.coverage:.1%} of the tokens have a price")
    lines.append(f"at the end: {_range(standing.end, unit) or standing.unsaid}")
    if standing.backtest and standing.backtest.wape is not None:
        lines.append(
            f"such forecasts were off by {standing.backtest.wape:.0%} over"
            f" {standing.backtest.horizon_days} days before"
        )
    lines.append(f"runs out: {_runs_out(standing.runs_out, standing.runs_out_on)}")
    return lines


def _row(budget: Budget, standing: Standing | None) -> tuple[str, str, str, str, str]:
    amount = _amount(budget.amount, budget.unit)
    if standing is None:
        return budget.period.value, amount, "not now", "", ""
    return (
        budget.period.value,
        amount,
        f"{standing.used / budget.amount:.0%}",
        _range(standing.end, budget.unit) or "cannot say",
        _runs_out(standing.runs_out, standing.runs_out_on),
    )


def _runs_out(told: RunsOut, day: date | None) -> str:
    return str(day) if told is RunsOut.ON_DAY else told.value.replace("_", " ")


def _part(budget: Budget) -> str:
    return f"{budget.part.kind.value} {budget.part.value}".strip()


def _range(told: Range | None, unit: Unit) -> str:
    if told is None:
        return ""
    expected = _amount(told.expected, unit)
    if told.low is None or told.high is None:
        return expected
    return f"{expected} ({_amount(told.low, unit)} to {_amount(told.high, unit)})"


def _amount(amount: float, unit: Unit) -> str:
    return f"${amount / NANOUSD:,.2f}" if unit is Unit.USD else f"{round(amount):,} tokens"
