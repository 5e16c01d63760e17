"""Work by models: which tool and model to use for which work, and when to look at it again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from api.pages import formats
from api.pages import tables as cells
from api.pages.tables import CANNOT_SAY, Cell, Column, Row, Table
from api.pages.tools import amount
from api.wiring import Wiring
from domain.routing import Escalate, Evidence, Match, Outcome, Policy, Route, Rule, Trigger

_DUE = {True: "now", False: "not yet", None: CANNOT_SAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingView:
    """The policy in force; None where none was made yet."""

    now: datetime
    policy: Policy | None
    tables: Sequence[Table]


def routing_view(wiring: Wiring) -> RoutingView:
    """Gather the page."""
    now = wiring.clock()
    with wiring.database.reading() as connection:
        policy = wiring.policy(connection, now)
    if policy is None:
        return RoutingView(now=now, policy=None, tables=())
    return RoutingView(
        now=now,
        policy=policy,
        tables=[_rules(policy), _evidence(policy), _triggers(policy.triggers)],
    )


def route(told: Route | None) -> str | None:
    """A tool with its model in words."""
    if told is None:
        return None
    return f"{told.tool} with {told.model}" if told.model else told.tool


def _rules(policy: Policy) -> Table:
    return Table(
        name="policy",
        caption="The routing policy: of several rules the first that matches counts",
        columns=(
            Column(title="Work", names=("work_type", "size")),
            Column(title="Use", names=("outcome", "use")),
            Column(title="Reaches the bar", names=("clears",), numeric=True),
            Column(
                title="Per surviving change",
                names=("cost_usd", "cost_low_usd", "cost_high_usd"),
                numeric=True,
            ),
            Column(title="Escalate when", names=("escalate",), wide=True),
            Column(title="Escalate to", names=("escalate_to",), wide=True),
        ),
        rows=[_rule(rule) for rule in policy.rules],
    )


def _rule(rule: Rule) -> Row:
    chosen = rule.use or rule.best
    known = next((each for each in rule.evidence if each.route == chosen), None)
    clears = known.clears if known else None
    return (
        _match(rule.match, note=f"since {formats.day(rule.since)}"),
        _use(rule),
        Cell(
            text=None if clears is None else formats.share(clears),
            values=(clears,),
            missing=CANNOT_SAY,
        ),
        amount(
            known.cost_nanousd if known else None, known.cost_interval_nanousd if known else None
        ),
        _escalation(rule.escalate),
        Cell(text=route(rule.escalate_to) or "a person", values=(route(rule.escalate_to),)),
    )


def _match(match: Match, note: str | None = None) -> Cell:
    size = f" ({match.size})" if match.size else ""
    return Cell(text=f"{match.work_type}{size}", values=(match.work_type, match.size), note=note)


def _use(rule: Rule) -> Cell:
    text = {
        Outcome.USE: route(rule.use) or "",
        Outcome.NONE_CLEARS: "none reaches the bar",
        Outcome.CANNOT_SAY: "cannot say yet",
    }[rule.outcome]
    note = rule.reason
    if rule.cheapest is not None:
        note += f" Cheaper than the next one with {formats.share(rule.cheapest)} probability."
    mark = "decision keep" if rule.outcome is Outcome.USE else "decision"
    return Cell(text=text, values=(rule.outcome.value, route(rule.use)), mark=mark, note=note)


def _escalation(told: Sequence[Escalate]) -> Cell:
    spelled = [
        f"{formats.words(each.condition.value)} ≥ {formats.number(each.at_least)}" for each in told
    ]
    return Cell(text="; ".join(spelled) or None, values=("; ".join(spelled),), missing="never")


def _evidence(policy: Policy) -> Table:
    return Table(
        name="evidence",
        caption="What each route has done at each kind of work",
        columns=(
            Column(title="Work", names=("work_type", "size")),
            Column(title="Route", names=("tool", "model")),
            Column(title="Pieces of work", names=("pieces",), numeric=True),
            Column(title="People", names=("people",), numeric=True, wide=True),
            Column(
                title="Productive share", names=("share", "share_low", "share_high"), numeric=True
            ),
            Column(title="Reaches the bar", names=("clears",), numeric=True),
            Column(
                title="Per surviving change",
                names=("cost_usd", "cost_low_usd", "cost_high_usd"),
                numeric=True,
                wide=True,
            ),
        ),
        rows=list(_evidence_rows(policy)),
    )


def _evidence_rows(policy: Policy) -> Iterator[Row]:
    for rule in policy.rules:
        for each in rule.evidence:
            yield (
                _match(rule.match),
                _route_cell(each),
                cells.count(round(each.pieces, 1)),
                cells.count(each.people),
                cells.share(each.share, each.interval),
                Cell(
                    text=None if each.clears is None else formats.share(each.clears),
                    values=(each.clears,),
                    missing=CANNOT_SAY,
                ),
                amount(each.cost_nanousd, each.cost_interval_nanousd),
            )


def _route_cell(each: Evidence) -> Cell:
    return Cell(
        text=route(each.route),
        values=(each.route.tool, each.route.model),
        note=None if each.enough else "too little to judge",
    )


def _triggers(told: Sequence[Trigger]) -> Table:
    return Table(
        name="triggers",
        caption="When to evaluate again",
        columns=(
            Column(title="Cause", names=("cause",)),
            Column(title="Due", names=("due",)),
            Column(title="What is known", names=("detail",)),
        ),
        rows=[
            (
                Cell(text=formats.capital(formats.words(each.cause.value)), values=(each.cause,)),
                Cell(
                    text=_DUE[each.due],
                    values=(None if each.due is None else str(each.due).lower(),),
                    mark="tone-low" if each.due else "",
                ),
                Cell(text=each.detail, values=(each.detail,)),
            )
            for each in told
        ],
    )
