"""One session over time: how it used by the hour, and what happened to it and its work in order."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from api.pages import formats
from api.pages import tables as cells
from api.pages.charts import Chart, Form, Series, Tone, Unit
from api.pages.tables import Cell, Column, Row, Table
from api.pages.timelines import change_path
from domain.events import Trace
from domain.labels import TargetKind
from domain.overrules import Overrule
from domain.usage import NANOUSD, add
from store import report_changes
from store.engine import Connection
from store.predictions import Warned
from store.report_changes import Happened
from store.report_detail import HourUsage, LabelKept
from store.report_links import LinkSeen
from store.report_sessions import SessionSeen

_MOST_CHANGES = 5
_SHA = 12
_TRACES = {
    Trace.BRANCH: "worked on branch",
    Trace.COMMIT: "made or saw commit",
    Trace.TICKET: "named ticket",
}


class Moment(NamedTuple):
    """Something that happened. ``of`` says to what, ``note`` more about it."""

    at: datetime
    what: str
    of: str | None = None
    href: str | None = None
    note: str | None = None


def hours_table(hours: Sequence[HourUsage]) -> Table:
    """Usage of each hour in which there was any."""
    return Table(
        name="hours",
        caption="By hour, with all that belongs to it",
        columns=(
            Column(title="From (UTC)", names=("from",)),
            Column(title="Requests", names=("requests",), numeric=True),
            Column(title="Failed", names=("failed_requests",), numeric=True),
            Column(title="Prompt per request", names=("prompt_tokens_mean",), numeric=True),
            Column(title="Tokens", names=("tokens",), numeric=True, wide=True),
            Column(title="List price", names=("list_usd",), numeric=True),
        ),
        rows=[_hour(each) for each in hours],
    )


def _hour(each: HourUsage) -> Row:
    usage = each.usage
    prompt = mean_prompt(each)
    return (
        cells.moment(each.hour),
        cells.count(usage.requests),
        cells.count(usage.failed_requests),
        cells.count(None if prompt is None else round(prompt)),
        cells.count(formats.tokens(usage.tokens)),
        cells.dollars(usage.list_nanousd),
    )


def mean_prompt(each: HourUsage) -> float | None:
    """Prompt tokens of a request of this hour, cached or not; None where either is not told."""
    told = each.usage.tokens
    prompts = add(add(told.input, told.cache_read), told.cache_write)
    return prompts / each.usage.requests if prompts is not None and each.usage.requests else None


def hour_charts(hours: Sequence[HourUsage]) -> list[Chart]:
    """Cost and length of prompts by hour; none where there is one hour only."""
    labels = tuple(f"{each.hour.day} {each.hour:%b %H:%M}" for each in hours)
    cost = tuple(
        None if each.usage.list_nanousd is None else each.usage.list_nanousd / NANOUSD
        for each in hours
    )
    prompts = tuple(mean_prompt(each) for each in hours)
    if len(hours) <= 1:
        return []
    drawn = (
        ("List price by hour (UTC)", Form.STACKED, Unit.USD, "list price", cost),
        ("Prompt per request by hour (UTC)", Form.LINES, Unit.NUMBER, "prompt tokens", prompts),
    )
    return [
        Chart(
            title=title,
            form=form,
            unit=unit,
            labels=labels,
            series=(Series(name, Tone.MAIN, values),),
        )
        for title, form, unit, name, values in drawn
        if any(value is not None for value in values)
    ]


def moments_of_work(connection: Connection, links: Iterable[LinkSeen]) -> list[Moment]:
    """What happened to the changes that it is tied to, of the surest few."""
    sure = [link for link in links if link.kind == TargetKind.CHANGE and link.tier in "AB"]
    found = []
    for link in sure[:_MOST_CHANGES]:
        change = report_changes.find(connection, (link.repo, int(link.target_id)))
        if change is not None:
            told = report_changes.timeline(connection, change)
            found += [_of_change(each, link) for each in told]
    return found


def _of_change(each: Happened, link: LinkSeen) -> Moment:
    what = {"committed": "commit written", "closed": "closed without a merge"}
    state = formats.words(each.state) if each.state else None
    named = each.id[:_SHA] if each.id and each.kind == "committed" else each.id
    return Moment(
        at=each.at,
        what=what.get(each.kind, each.kind),
        of=f"{link.repo} #{link.target_id}",
        href=change_path(link.repo, link.target_id),
        note=": ".join(part for part in (named, state) if part) or None,
    )


def moments_of_session(
    seen: SessionSeen,
    traces: Mapping[Trace, Mapping[str, datetime]],
    labels: Iterable[LabelKept],
    overrules: Iterable[Overrule],
    warned: Warned | None,
) -> list[Moment]:
    """What happened in it, and what was said of it: every label with the rule that gave it."""
    found = [Moment(seen.first_at, "first record")]
    if seen.last_at != seen.first_at:
        found.append(Moment(seen.last_at, "last record"))
    for trace, words in _TRACES.items():
        for value, at in traces.get(trace, {}).items():
            named = value[:_SHA] if trace is Trace.COMMIT else value
            found.append(Moment(at, words, named))
    for label in labels:
        told = f"labelled {label.label}" + (", provisional" * (label.maturity == "provisional"))
        found.append(Moment(label.labelled_at, told, f"rule {label.rule}", note=label.reason))
    for said in overrules:
        told = f"overruled: {said.label.value}"
        found.append(Moment(said.said_at, told, f"by {said.said_by}", note=said.reason))
        if said.withdrawn_at is not None:
            found.append(
                Moment(said.withdrawn_at, "overrule taken back", f"by {said.withdrawn_by}")
            )
    if warned is not None:
        answer = warned.prediction.answer
        told = f"foretold: {answer.value}" if answer else "foretold: not sure enough to say"
        found.append(Moment(warned.predicted_at, told, note="a prediction, no label"))
    return found


def timeline(moments: Iterable[Moment]) -> Table:
    """All of it, the first thing first."""
    return Table(
        name="timeline",
        caption="What happened, in order",
        columns=(
            Column(title="When (UTC)", names=("at",)),
            Column(title="What", names=("what",)),
            Column(title="Of what", names=("of", "note")),
        ),
        rows=[
            (
                cells.moment(each.at),
                Cell(text=formats.capital(each.what), values=(each.what,)),
                Cell(
                    text=each.of or ("it" if each.note else None),
                    values=(each.of, each.note),
                    href=each.href,
                    note=each.note,
                    missing="\u2013",
                ),
            )
            for each in sorted(moments, key=lambda each: (each.at, each.what, each.of or ""))
        ],
    )
