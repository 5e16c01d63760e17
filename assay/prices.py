"""``assay prices`` and ``assay reprice``: the company's own prices, and booking them anew."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assay.company import read_prices
from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart, there
from collector.dialects import DIALECTS
from domain.company_prices import STANDARD, CompanyPrices, Kind, Rule, effective_tariff
from domain.price_book import PriceBook
from domain.pricing import Priced, Unpriced, list_tariff, listed
from domain.tariff import Tariff
from domain.usage import NANOUSD, Tokens
from store import report_prices
from store.engine import StoreError
from store.repricing import Money, Repricing
from store.repricing import reprice as reprice_usage

app = typer.Typer(help="The company's own prices.", no_args_is_help=True)

File = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE", help="The price file.", envvar="ASSAY_PRICES", show_default=False
    ),
]
PricesOption = Annotated[
    Path | None,
    typer.Option(envvar="ASSAY_PRICES", help="The price file.", show_default=False),
]
_WHY = {
    Unpriced.MODEL_UNTOLD: "unpriced: no model is told",
    Unpriced.MODEL_UNKNOWN: "unpriced: not in the price list",
    Unpriced.NOT_BY_TOKENS: "unpriced: the price list has no price by tokens",
    Unpriced.TIER_UNPRICED: "unpriced: the price list has no price of this tier",
}
_UNKNOWN = "not known: no price file"


@app.callback()
def prices() -> None:
    """The company's own prices: docs/prices.md describes the file."""


@app.command()
def check(file: File = None, data: Data = None, database_url: DatabaseUrl = None) -> None:
    """Say what is wrong with the price file, and what every model seen so far is priced by."""
    settings = settings_from(data=data, database_url=database_url)
    path = file or settings.prices
    try:
        company = read_prices(path).company
    except CannotStart as error:
        end(str(error))
    typer.echo(f"{path} is right: {_contents(company)}." if company else "No price file is set.")
    if settings.database_url is None and not there(settings):
        typer.echo(f"There is no database in {settings.data} yet to hold it against.")
        return
    with opened(data, database_url) as database, database.reading() as connection:
        usage = report_prices.seen_usage(connection)
        pools = report_prices.balances(connection, company) if company else []
    for tool in sorted(_named_tools(company) - _known_tools(usage)):
        typer.echo(f"Note: {tool} is no tool that is known or was seen.")
    _print_usage(company, usage)
    for balance in pools:
        typer.echo(_told(balance))


def reprice(
    *,
    start: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First UTC day of the usage.")
    ],
    until: Annotated[
        datetime | None,
        typer.Option("--to", formats=["%Y-%m-%d"], help="The UTC day after the last one."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    prices: PricesOption = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Book stored usage at the present price list and price file, and show what that changes.

    The costs that tools reported stay as they are. To do it twice changes nothing more.
    """
    settings = settings_from(data=data, database_url=database_url, prices=prices)
    if until is not None and until <= start:
        end("--to must be after --from: it is the day after the last one.")
    try:
        company = read_prices(settings.prices).company
    except CannotStart as error:
        end(str(error))
    first = report_prices.hour_of(start.date())
    after = None if until is None else report_prices.hour_of(until.date())
    with opened(data, database_url) as database:
        try:
            done = reprice_usage(database, PriceBook(company), first, after, dry_run=dry_run)
        except StoreError as error:
            end(f"Stopped: {error}. What was done stays; the same command does the rest.")
    _print_repricing(done, company is not None, dry_run)


def _contents(company: CompanyPrices) -> str:
    kinds = [rule.kind for rule in company.rules]
    counts = {
        "discounts": kinds.count(Kind.DISCOUNT),
        "prices": kinds.count(Kind.PRICE),
        "seats": len(company.seats),
        "pools": len(company.pools),
    }
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _named_tools(company: CompanyPrices | None) -> set[str]:
    return {tool for rule in company.rules for tool in rule.scope.tools} if company else set()


def _known_tools(usage: Iterable[report_prices.SeenUsage]) -> set[str]:
    return {dialect.tool for dialect in DIALECTS} | {each.tool for each in usage}


def _print_usage(company: CompanyPrices | None, usage: Iterable[report_prices.SeenUsage]) -> None:
    rows = list(usage)
    if not rows:
        typer.echo("No usage has been seen yet.")
        return
    by_team = any(rule.scope.teams for rule in company.rules) if company else False
    by_tier = any(each.tier for each in rows)
    columns = ["tool", *(["team"] if by_team else []), "model", *(["tier"] if by_tier else [])]
    table = Table(*columns, "from", "list", "effective")
    told: set[tuple[str, ...]] = set()
    for each in rows:
        team = [each.team or "(not told)"] if by_team else []
        tier = [each.tier or STANDARD] if by_tier else []
        of = (each.tool, *team, each.model or "(not told)", *tier)
        for day, at_list, effective in _sources(company, each):
            shown = (*of, f"{day}", at_list, effective)
            if shown not in told:
                told.add(shown)
                table.add_row(*shown)
    Console().print(table)


def _sources(
    company: CompanyPrices | None, seen: report_prices.SeenUsage
) -> Iterator[tuple[date, str, str]]:
    """What the usage is priced by, from each day on which that changes."""
    turns = [seen.first]
    if company is not None:
        turns = company.turns(seen.first, seen.last + timedelta(days=1))
    before = ("", "")
    for day in turns:
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        price = list_tariff(seen.model, noon, seen.tier)
        at_list = _list_source(seen, price)
        effective = _UNKNOWN
        if company is not None:
            rule = company.rule(seen.tool, seen.team, seen.model, day, seen.tier)
            effective = _effective_source(rule, price, seen.tokens)
        if (at_list, effective) != before:
            yield day, at_list, effective
        before = (at_list, effective)


def _list_source(seen: report_prices.SeenUsage, price: Priced) -> str:
    known = listed(seen.model)
    if not isinstance(price, Tariff) or known is None:
        return _priced(price, seen.tokens)
    named = f", {known.tier}" if known.tier else ""
    clock = ", by the time of day" if known.by_clock else ""
    return f"{known.provider} {known.name}{named}{clock}{_lacking(price, seen.tokens)}"


def _effective_source(rule: Rule | None, price: Priced, tokens: Tokens) -> str:
    if rule is None:
        return "list" if isinstance(price, Tariff) else _priced(price, tokens)
    cost = effective_tariff(rule, price)
    if rule.kind is Kind.SEATS:
        return f"included in {rule.place}"
    if isinstance(rule.terms, Tariff):
        return f"{rule.place}{_lacking(rule.terms, tokens)}"
    if not isinstance(cost, Tariff):
        return f"{rule.place}, but {_priced(cost, tokens)}"
    return f"{rule.place}: {float(rule.terms * 100):g} % of list{_lacking(cost, tokens)}"


def _priced(price: Priced, tokens: Tokens) -> str:
    return f"priced{_lacking(price, tokens)}" if isinstance(price, Tariff) else _WHY[price]


def _lacking(tariff: Tariff, tokens: Tokens) -> str:
    missing = tariff.base.missing(tokens)
    return f"; unpriced: {', '.join(missing)}" if missing else ""


def _told(balance: report_prices.Balance) -> str:
    pool = balance.pool
    drawn = f"{_usd(balance.drawn_nanousd)} of {_usd(pool.credit_nanousd)}"
    told = f"Pool {pool.name}: {drawn} drawn at list price through {pool.period.last}"
    if balance.overdrawn_nanousd:
        return f"{told}; {_usd(balance.overdrawn_nanousd)} more than there is, booked all the same"
    return f"{told}; {_usd(balance.left_nanousd)} left"


def _print_repricing(done: Repricing, company: bool, dry_run: bool) -> None:
    table = Table("tool", "cost", "before", "after", "change", "tokens without a price")
    for tool, money in sorted(done.tools.items()):
        table.add_row(tool, "list", *_change(money.listed))
        table.add_row("", "effective", *_change(money.effective))
    if done.tools:
        Console().print(table)
    verb = "would change" if dry_run else "changed"
    typer.echo(f"{done.changed} of {done.rows} sums of usage {verb}.")
    if not company:
        typer.echo("No price file is set (ASSAY_PRICES): effective costs stay as they are.")
    for (tool, model, why), tokens in sorted(done.kept.items()):
        typer.echo(f"Kept as booked: {tokens:,} tokens of {tool} {model or '(not told)'}: {why}.")


def _change(money: Money) -> tuple[str, str, str, str]:
    before, after = money.unpriced_before, money.unpriced_after
    tokens = f"{after:,}" if after == before else f"{before:,} → {after:,}"
    if money.before is None and money.after is None:
        return "not known", "not known", "", tokens
    change = (money.after or 0) - (money.before or 0)
    shown = [
        _usd(each) if each is not None else "not known" for each in (money.before, money.after)
    ]
    return shown[0], shown[1], _usd(change, sign=True), tokens


def _usd(nano: int, *, sign: bool = False) -> str:
    """Dollars; below a cent with all the decimals it takes."""
    lead = "-" if nano < 0 else "+" if sign and nano else ""
    cents, rest = divmod(abs(nano), NANOUSD // 100)
    whole = f"{lead}${cents // 100:,}.{cents % 100:02d}"
    return whole + f"{rest:07d}".rstrip("0") if rest else whole
