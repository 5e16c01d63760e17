"""The label of a session, by an ordered list of rules: the first that matches wins.

A rule sees the facts known at ``as_of`` and nothing later. Label, rule, the facts it saw and the
rule-set version stay together, so that anybody can check a label by hand. Only links of tier A and
B decide. ``python -m classifier.rules`` prints ``docs/rules.md``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from functools import lru_cache

from classifier import conditions
from classifier.conditions import Condition, Seen
from classifier.thresholds import LearningThresholds, Thresholds
from domain.labels import Label, Labelled, LinkedChange, Maturity, SessionFacts

# Goes up with every change that can give any session another label or maturity.
RULE_SET = "2"
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


@dataclass(frozen=True, slots=True)
class Rule:
    """One reason for a label. ``sentence`` and ``final`` may name thresholds in braces.

    ``final`` says when the label becomes final.
    """

    name: str
    label: Label
    sentence: str
    final: str
    test: Condition


RULES: tuple[Rule, ...] = (
    Rule(
        "no_session",
        Label.UNKNOWN,
        "The telemetry names no session for this usage, so nothing can be tied to it.",
        "at once",
        conditions.no_session,
    ),
    Rule(
        "not_begun",
        Label.PENDING,
        "At that time the session had not begun.",
        "never: it begins",
        conditions.not_begun,
    ),
    Rule(
        "endless_review",
        Label.INEFFICIENT,
        "Its work landed and stands, but all of it took {endless_rounds} or more review rounds.",
        "{revert_window_days} days after the first of it landed",
        conditions.endless_review,
    ),
    Rule(
        "heavy_rework",
        Label.INEFFICIENT,
        "Its work landed and stands, but all of it was heavily reworked within {rework_days} days "
        "or took {endless_rounds} or more review rounds.",
        "{revert_window_days} days after the first of it landed",
        conditions.heavy_rework,
    ),
    Rule(
        "landed_and_stands",
        Label.PRODUCTIVE,
        "Work of this session landed on the default or a release branch and is not reverted, in "
        "fewer than {endless_rounds} review rounds and without heavy rework. Other work of it that "
        "failed does not count against it.",
        "{revert_window_days} days after the first of it landed",
        conditions.landed_and_stands,
    ),
    Rule(
        "open_change",
        Label.PENDING,
        "Nothing of it stands yet, but a change is open and its author was active within the last "
        "{abandoned_provisional_days} days.",
        "never: it waits for the change",
        conditions.open_change,
    ),
    Rule(
        "merged_elsewhere",
        Label.PENDING,
        "A change was merged into a branch that is neither the default one nor for releases within "
        "the last {elsewhere_days} days; that branch may still land.",
        "never: it waits for the branch",
        conditions.merged_elsewhere,
    ),
    Rule(
        "lost_elsewhere",
        Label.UNKNOWN,
        "A change was merged into a branch that is neither the default one nor for releases; "
        "whether that branch ever landed can't be told.",
        "at once",
        conditions.lost_elsewhere,
    ),
    Rule(
        "reverted",
        Label.WASTEFUL,
        "Everything of it that landed was reverted and has not landed again.",
        "{reland_days} days after the last revert",
        conditions.reverted,
    ),
    Rule(
        "abandoned",
        Label.WASTEFUL,
        "Nothing landed, and no open change of it saw its author for {abandoned_provisional_days} "
        "days or more.",
        "{abandoned_final_days} days after the author's last activity",
        conditions.abandoned,
    ),
    Rule(
        "beside_the_point",
        Label.NEUTRAL,
        "All its changes were closed without landing, as superseded, duplicate, out of scope or an "
        "experiment: that says nothing of the work.",
        "{superseded_days} days after the last was closed",
        conditions.beside_the_point,
    ),
    Rule(
        "closed_as_failed",
        Label.WASTEFUL,
        "All its changes were closed without landing, with changes requested, failing checks or an "
        "error of the agent.",
        "{superseded_days} days after the last was closed",
        conditions.closed_as_failed,
    ),
    Rule(
        "closed_unmerged",
        Label.UNKNOWN,
        "All its changes were closed without landing, and why can't be told of each: of 353 such "
        "changes labelled by hand 36 % failed because of the tool, 31 % were superseded or the "
        "like, and the rest could not be told.",
        "{superseded_days} days after the last was closed",
        conditions.closed_unmerged,
    ),
    Rule(
        "no_tools_used",
        Label.NEUTRAL,
        "It used no tools, so it was a question or a conversation.",
        "at once",
        conditions.no_tools_used,
    ),
    Rule(
        "weak_links",
        Label.UNKNOWN,
        "There is work that may be its own, but only by weak evidence (tier C or D).",
        "at once",
        conditions.weak_links,
    ),
    Rule(
        "no_forge",
        Label.UNKNOWN,
        "It edited or committed, but no forge is connected, so what came of it can't be seen.",
        "at once",
        conditions.no_forge,
    ),
    Rule(
        "work_may_come",
        Label.PENDING,
        "It edited or committed and ended less than {unlinked_provisional_days} days ago: its work "
        "may still turn up.",
        "never: it waits for work",
        conditions.work_may_come,
    ),
    Rule(
        "nothing_came_of_it",
        Label.WASTEFUL,
        "It edited or committed, but {unlinked_provisional_days} days after its end no change and "
        "no landed commit of it is known.",
        "{unlinked_final_days} days after its end",
        conditions.nothing_came_of_it,
    ),
    Rule(
        "no_edits",
        Label.NEUTRAL,
        "It edited nothing: a question, an exploration or a review.",
        "at once",
        conditions.no_edits,
    ),
    Rule(
        "not_told",
        Label.UNKNOWN,
        "The tool does not tell whether anything was edited, and no work is linked.",
        "at once",
        conditions.not_told,
    ),
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
    return replace(
        change,
        active_at=_by(change.active_at, as_of) or change.opened_at,
        merged_at=_by(change.merged_at, as_of),
        landed_at=_by(change.landed_at, as_of),
        closed_at=_by(change.closed_at, as_of),
        reverted_at=_by(change.reverted_at, as_of),
        reworked_at=_by(change.reworked_at, as_of),
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

One piece that landed and stands makes the session productive, whatever became of the others; it is
inefficient only if every standing piece took endless review or heavy rework. Where nothing stands,
an open change at which somebody works comes first, since its work may still land. Then comes work
that was merged where nobody can say whether it shipped, then reverts, then abandoned changes, and
closed ones last. What each of these words means is told in [outcomes](outcomes.md).

A session with no such work is judged by what it tried: it *tried* if the tool told an accepted
edit, a changed line or a commit. A count that was not told is not zero.

## Thresholds

| Name | Default | Of what, and whence |
|---|--:|---|
{thresholds}

A model of titles, which may say what kind of work a change is, takes these:

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
