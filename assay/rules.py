"""``assay rules``: the rules of labels, and what other thresholds would change."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from assay.company import read_prices
from assay.console import Data, DatabaseUrl, end, opened, settings_from
from assay.opening import CannotStart
from assay.threshold_file import read_thresholds
from classifier.judge import Judging
from classifier.rules import rule_book
from classifier.rules_diff import Ratio, Relabelled, RulesDiff, Said, diff
from domain.labels import Labelled
from domain.price_book import PriceBook
from domain.usage import usd

app = typer.Typer(help="The rules of labels.", no_args_is_help=True)

_SHOWN = 20


@app.callback()
def main() -> None:
    """The rules of labels: docs/rules.md tells them, docs/outcomes.md what their words mean."""


@app.command()
def show() -> None:
    """Print the rules in their order, with the company's own thresholds where there are any."""
    settings = settings_from()
    try:
        book = rule_book(read_thresholds(settings.thresholds).told.rules)
    except CannotStart as error:
        end(str(error))
    table = Table("", "rule", "label", Column("why", overflow="fold"), "final", show_lines=True)
    for number, rule in enumerate(book.rules, start=1):
        table.add_row(str(number), rule.name, rule.label.value, rule.sentence, rule.final)
    console = Console()
    console.print(f"Rule set {book.rule_set}. The first rule that matches gives the label.")
    console.print(table)


@app.command("diff")
def compare(
    *,
    thresholds: Annotated[
        Path, typer.Option(metavar="FILE.toml", help="The thresholds to compare with those in use.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, no tables.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show what other thresholds would change: labels, spend, ratios and verdicts.

    Every session is labelled by both, as of now. Nothing is changed by it; adopt a file by naming
    it as ASSAY_THRESHOLDS.
    """
    settings = settings_from(data=data, database_url=database_url)
    try:
        now, then = read_thresholds(settings.thresholds).told, read_thresholds(thresholds).told
        prices = PriceBook(read_prices(settings.prices).company)
    except CannotStart as error:
        end(str(error))
    with opened(data, database_url) as database, database.reading() as connection:
        found = diff(
            connection,
            datetime.now(UTC),
            Judging(thresholds=now, prices=prices),
            Judging(thresholds=then, prices=prices),
        )
    if as_json:
        typer.echo(json.dumps(_json(found), indent=1))
    else:
        _print(found, Console())


def _print(found: RulesDiff, console: Console) -> None:
    cost = sum(each.cost_nanousd or 0 for each in found.relabelled)
    console.print(
        f"{len(found.relabelled)} of {found.sessions} sessions get another label:"
        f" {_dollars(cost)} of spend."
    )
    if found.moved:
        table = Table("from", "to", _right("sessions"), _right("US dollars"))
        for each in found.moved:
            row = (each.before.value, each.after.value, str(each.sessions))
            table.add_row(*row, _dollars(each.cost_nanousd))
        console.print(table)
        console.print(_costliest(found.relabelled[:_SHOWN]))
    ratios = Table("productive share of spend", _right("now"), _right("then"))
    for name, ratio in (("the company", found.company), *found.by_tool.items()):
        ratios.add_row(name, _percent(ratio.before), _percent(ratio.after))
    console.print(ratios)
    verdicts = Table("verdict", "now", "then", _right("share now"), _right("share then"))
    for said in found.verdicts:
        shares = (_percent(said.share_before), _percent(said.share_after))
        verdicts.add_row(said.tool, _words(said.before), _words(said.after), *shares)
    console.print(verdicts)


def _costliest(sessions: Iterable[Relabelled]) -> Table:
    table = Table(
        Column("the costliest of them", overflow="fold"),
        _right("US dollars"),
        Column("now", overflow="fold"),
        Column("then", overflow="fold"),
    )
    for each in sessions:
        name = f"{each.tool} {each.session_id or ''}"
        cost = "" if each.cost_nanousd is None else _dollars(each.cost_nanousd)
        table.add_row(name, cost, _rule(each.before), _rule(each.after))
    return table


def _rule(labelled: Labelled) -> str:
    return f"{labelled.label.value}: {_words(labelled.rule)}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _right(name: str) -> Column:
    return Column(name, justify="right")


def _dollars(nanousd: int) -> str:
    return f"{usd(nanousd) or 0:,.2f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _json(found: RulesDiff) -> dict[str, Any]:
    return {
        "as_of": found.as_of.isoformat(),
        "sessions": found.sessions,
        "relabelled": len(found.relabelled),
        "relabelled_usd": usd(sum(each.cost_nanousd or 0 for each in found.relabelled)),
        "moved": [
            {
                "from": each.before.value,
                "to": each.after.value,
                "sessions": each.sessions,
                "cost_usd": usd(each.cost_nanousd),
            }
            for each in found.moved
        ],
        "costliest": [_session(each) for each in found.relabelled[:_SHOWN]],
        "company": _ratio(found.company),
        "tools": {tool: _ratio(ratio) for tool, ratio in found.by_tool.items()},
        "verdicts": [_verdict(each) for each in found.verdicts],
    }


def _session(each: Relabelled) -> dict[str, Any]:
    return {
        "tool": each.tool,
        "session_id": each.session_id,
        "cost_usd": usd(each.cost_nanousd),
        "now": {"label": each.before.label.value, "rule": each.before.rule},
        "then": {"label": each.after.label.value, "rule": each.after.rule},
    }


def _ratio(ratio: Ratio) -> dict[str, float | None]:
    return {"now": ratio.before, "then": ratio.after}


def _verdict(said: Said) -> dict[str, Any]:
    return {
        "tool": said.tool,
        "now": {"decision": said.before.value, "share": said.share_before},
        "then": {"decision": said.after.value, "share": said.share_after},
    }
