"""A routing policy as a document for people (Markdown)."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.routing import Escalate, Evidence, Outcome, Policy, Route, Rule

_NANO = 1e9
_ACTIONS = {
    "changed_lines": "it is expected to change {} lines or more",
    "files_touched": "it touches {} files or more",
    "hot_files": "it touches a hot file",
    "review_rounds": "it is in a repository where reviews take {} rounds or more",
    "failed_attempts": "{} attempts have failed",
}


def document(policy: Policy) -> str:
    """Write it."""
    return "\n".join(_lines(policy)) + "\n"


def _lines(policy: Policy) -> Iterator[str]:
    yield "# Which tool and model for which work"
    yield ""
    yield (
        f"As of {_day(policy.as_of)}; the rules are so since {_day(policy.valid_from)}. A route is"
        f" good enough where its productive share of spend reaches {policy.bar:g} with a"
        f" probability of {policy.sure:g}; of those the cheapest by the cost of a surviving change"
        " is used. The first row that fits counts."
    )
    if policy.evidence_from and policy.evidence_to:
        yield ""
        yield (
            f"It rests on sessions from {_day(policy.evidence_from)} to"
            f" {_day(policy.evidence_to)} whose outcome is settled."
        )
    yield ""
    if not policy.rules:
        yield "No kind of work is known yet: nothing can be said."
    else:
        yield "| work | use | escalate to | why |"
        yield "|---|---|---|---|"
        for rule in policy.rules:
            yield f"| {_work(rule)} | {_use(rule)} | {_to(rule)} | {_cell(rule.reason)} |"
    yield from _escalations(policy.rules)
    yield from _evidence(policy.rules)
    yield from ["", "## When to evaluate again", ""]
    for trigger in policy.triggers:
        state = {True: "**due**", False: "not due", None: "cannot say"}[trigger.due]
        names = f" ({', '.join(map(_cell, trigger.names))})" if trigger.names else ""
        yield f"- {trigger.cause.value.replace('_', ' ')}: {state}. {trigger.detail}{names}"


def _escalations(rules: Sequence[Rule]) -> Iterator[str]:
    using = [rule for rule in rules if rule.outcome is Outcome.USE]
    if not using:
        return
    yield from ["", "## When to escalate", ""]
    for rule in using:
        when = "; ".join(_when(each) for each in rule.escalate)
        yield f"- {_work(rule)}: where {when}."


def _when(told: Escalate) -> str:
    action = _ACTIONS[told.condition.value].format(f"{told.at_least:g}")
    where = f" ({', '.join(map(_cell, told.repositories))})" if told.repositories else ""
    return f"{action}{where}"


def _evidence(rules: Sequence[Rule]) -> Iterator[str]:
    if not rules:
        return
    yield from ["", "## What it rests on", ""]
    yield "| work | route | pieces | people | productive share | reaches the bar | a change costs |"
    yield "|---|---|--:|--:|---|--:|---|"
    for rule in rules:
        for each in rule.evidence:
            yield f"| {_work(rule)} | {_route(each.route)} | {_numbers(each)} |"


def _numbers(told: Evidence) -> str:
    counts = f"{told.pieces:.0f} | {told.people}"
    if told.share is None or told.interval is None or told.clears is None:
        return f"{counts} | cannot say | | "
    low, high = told.interval
    share = f"{told.share:.2f} ({low:.2f} to {high:.2f})"
    cost = "not known"
    if told.cost_nanousd is not None and told.cost_interval_nanousd is not None:
        least, most = (each / _NANO for each in told.cost_interval_nanousd)
        cost = f"${told.cost_nanousd / _NANO:,.2f} (${least:,.2f} to ${most:,.2f})"
    return f"{counts} | {share} | {told.clears:.2f} | {cost}"


def _work(rule: Rule) -> str:
    size = f", {rule.match.size}" if rule.match.size else ""
    return f"{_cell(rule.match.work_type)}{size}"


def _use(rule: Rule) -> str:
    if rule.use is not None:
        return f"**{_route(rule.use)}**"
    if rule.outcome is Outcome.NONE_CLEARS and rule.best is not None:
        return f"none is good enough; the best is {_route(rule.best)}"
    return "cannot say"


def _to(rule: Rule) -> str:
    if rule.outcome is not Outcome.USE:
        return ""
    return _route(rule.escalate_to) if rule.escalate_to else "a person"


def _route(route: Route) -> str:
    return _cell(f"{route.tool} with {route.model}" if route.model else route.tool)


def _cell(told: str) -> str:
    """Text from outside can't break the table that it stands in."""
    return told.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _day(at: datetime) -> str:
    return at.date().isoformat()
