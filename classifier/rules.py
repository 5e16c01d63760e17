"""The label of a session, by an ordered list of rules: the first that matches wins.

A rule sees the facts known at ``as_of`` and nothing later. Label, rule, the facts it saw and the
rule-set version stay together, so that anybody can check a label by hand. Only links of tier A and
B decide. ``python -m classifier.rules`` prints ``docs/rules.md``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime, timedelta
from functools import lru_cache

from classifier.conditions import Seen
from classifier.rule_table import RULE_SET, RULES, Rule
from classifier.thresholds import LearningThresholds, Thresholds
from domain.labels import Label, Labelled, LinkedChange, Maturity, SessionFacts
from domain.overrules import RuleBook, RuleTold

# The thresholds that conditions compare the time since a fact with.
_WAITS = (
    "revert_window_days",
    "reland_days",
    "abandoned_provisional_days",
    "abandoned_final_days",
    "unlinked_provisional_days",
    "unlinked_final_days",
    "elsewhere_days",
    "superseded_days",
)


def label_session(facts: SessionFacts, thresholds: Thresholds, as_of: datetime) -> Labelled:
    """Label the session as of then, with the rule that decided. Every session gets a label."""
    known = known_at(facts, as_of)
    rule, seen, maturity = _first_match(known, thresholds, as_of)
    return Labelled(
        label=rule.label,
        maturity=maturity,
        rule=rule.name,
        reason=rule.sentence.format_map(_numbers(thresholds)),
        facts=seen.facts,
        rule_set=RULE_SET,
        as_of=as_of,
        due_at=_next_change(known, thresholds, as_of, (rule.label, maturity)),
    )


def rule_book(thresholds: Thresholds) -> RuleBook:
    """The rules as they are shown, with these thresholds."""
    numbers = _numbers(thresholds)
    return RuleBook(
        rule_set=RULE_SET,
        rules=tuple(
            RuleTold(
                name=rule.name,
                label=rule.label,
                sentence=rule.sentence.format_map(numbers),
                final=rule.final.format_map(numbers),
            )
            for rule in RULES
        ),
        thresholds=asdict(thresholds),
    )


def known_at(facts: SessionFacts, as_of: datetime) -> SessionFacts:
    """Hide whatever is later than ``as_of``.

    Counts have no times of their own: a session that still ran keeps all of its counts. What became
    of a change must have been taken as of that time already (``fates`` does), since what it was
    before can't be read off it: what is too late is dropped.
    """
    return replace(
        facts,
        ended_at=max(facts.started_at, min(facts.ended_at, as_of)),
        changes=tuple(_change_at(c, as_of) for c in facts.changes if c.opened_at <= as_of),
        direct=tuple(
            replace(commit, reverted_at=_by(commit.reverted_at, as_of))
            for commit in facts.direct
            if commit.landed_at <= as_of
        ),
    )


def _change_at(change: LinkedChange, as_of: datetime) -> LinkedChange:
    landed_at = _by(change.landed_at, as_of)
    return replace(
        change,
        active_at=_by(change.active_at, as_of) or change.opened_at,
        merged_at=_by(change.merged_at, as_of),
        landed_at=landed_at,
        closed_at=_by(change.closed_at, as_of),
        reverted_at=_by(change.reverted_at, as_of),
        reworked_at=_by(change.reworked_at, as_of),
        # A change is compared with others as it lands.
        cost_nanousd=change.cost_nanousd if landed_at else None,
        tied=change.tied if landed_at else None,
        norms=change.norms if landed_at else None,
    )


def _by(at: datetime | None, as_of: datetime) -> datetime | None:
    return at if at is not None and at <= as_of else None


def _first_match(
    known: SessionFacts, thresholds: Thresholds, as_of: datetime
) -> tuple[Rule, Seen, Maturity]:
    for rule in RULES:
        seen = rule.test(known, thresholds, as_of)
        if seen is not None:
            final = seen.final_at is not None and seen.final_at <= as_of
            return rule, seen, Maturity.FINAL if final else Maturity.PROVISIONAL
    raise LookupError("the last rule must match everything")


def _next_change(
    known: SessionFacts, thresholds: Thresholds, as_of: datetime, now: tuple[Label, Maturity]
) -> datetime | None:
    """Find the first later moment at which these facts give another label or maturity."""
    if now[1] is Maturity.FINAL:
        return None
    for moment in sorted(set(_moments(known, thresholds))):
        if moment > as_of:
            rule, _, maturity = _first_match(known, thresholds, moment)
            if (rule.label, maturity) != now:
                return moment
    return None


def _moments(known: SessionFacts, thresholds: Thresholds) -> Iterator[datetime]:
    """List the moments at which a condition can turn: a fact's time, or a threshold after it."""
    times = {known.started_at, known.ended_at}
    for change in known.changes:
        times |= {change.opened_at, change.active_at}
        told = (change.merged_at, change.landed_at, change.closed_at, change.reverted_at)
        times |= {at for at in told if at}
    for commit in known.direct:
        times |= {at for at in (commit.landed_at, commit.reverted_at) if at}
    days = {0, *(getattr(thresholds, name) for name in _WAITS)}
    for at in times:
        yield from (at + timedelta(days=n) for n in days)


@lru_cache(maxsize=8)
def _numbers(thresholds: Thresholds) -> Mapping[str, object]:
    return asdict(thresholds)


_PAGE = """\
# How a session gets its label

Generated from the rules themselves (rule set {rule_set}): `python -m classifier.rules`.

Each session gets the label of the first rule in this table that matches what was known at the
time. The rule's name, its sentence and the facts it saw are kept with the label. A label is
*provisional* while the mere passing of time may still change it, then *final*; facts that arrive
late can change it either way. Only proof and near proof (links of tier A and B) decide: weaker
evidence proposes and labels nothing.

| # | Rule | Label | Why | Final |
|--:|---|---|---|---|
{rules}

## A session with several pieces of work

One piece that landed and stands, against which nothing speaks, makes the session productive,
whatever became of the others. It is inefficient only if something speaks against every standing
piece: endless review, disproportionate cost, a takeover or heavy rework. What of it is good but
lacks the task that its repository works with makes it *unknown*, not wasteful: it shipped, and who
forgot to name a ticket has wasted nothing; but what it was for can't be told, until somebody names
the ticket. Where nothing stands, an open change at which somebody works comes first, since its work
may still land. Then comes work that was merged where nobody can say whether it shipped, then
reverts, then abandoned changes, and closed ones last. What each of these words means is told in
[outcomes](outcomes.md).

What all standing changes cost together is held against what one change with all their lines would
have cost: to split a change makes it no cheaper. A change with fewer than `minor_share` of the
lines of the session's largest decides nothing, unless that one was superseded, a duplicate, out of
scope or an experiment: beside a feature that was reverted a corrected word is no success.

A session with no such work is judged by what it tried: it *tried* if the tool told an accepted
edit, an edited file, a changed line or a commit. A count that was not told is not zero.

A person may say otherwise (`POST /v1/sessions/{{tool}}/{{session_id}}/label`): then the label is
theirs by the rule `overruled`, final at once, and what the rules say stands beside it. By what
people say the rules are measured (`GET /v1/rules`).

## Thresholds

| Name | Default | Of what, and whence |
|---|--:|---|
{thresholds}

Two models learn from the company's own work: one of titles may say what kind of work a change is
([outcomes](outcomes.md)), one may say how open sessions are likely to end, which never enters a
label ([early warnings](predictions.md), `warning_…`). They take these:

| Name | Default | Of what, and whence |
|---|--:|---|
{learning}
"""


def page() -> str:
    """Write ``docs/rules.md``, with the default thresholds."""
    defaults = asdict(Thresholds())
    rows = [
        (f"{number}", f"`{rule.name}`", rule.label.value, rule.sentence, rule.final)
        for number, rule in enumerate(RULES, start=1)
    ]
    return _PAGE.format(
        rule_set=RULE_SET,
        rules=_table(rows).format_map(defaults),
        thresholds=_numbered(Thresholds()),
        learning=_numbered(LearningThresholds()),
    )


def _numbered(defaults: Thresholds | LearningThresholds) -> str:
    return _table(
        (f"`{f.name}`", _shown(getattr(defaults, f.name)), f.metadata["why"])
        for f in fields(defaults)
    )


def _shown(value: object) -> str:
    return ", ".join(f"`{each}`" for each in value) if isinstance(value, tuple) else f"{value}"


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    print(page(), end="")
