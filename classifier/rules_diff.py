"""What other thresholds would change: labels, ratios and verdicts, before anybody adopts them.

Both sides are labelled anew as of one moment, from what is in the database, and nothing is written.
What a change is compared with stays as it was measured: other release branches or windows for
reverts change labels here, and who is whose peer only once they are adopted.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from classifier.facts import Compared, Concluded, label_all
from classifier.judge import Judging, judged_now, read
from classifier.norms import Peers
from classifier.thresholds import Thresholds
from domain.judgement import By
from domain.labels import Decision, JudgedSession, Label, Labelled, Maturity, TargetKind
from domain.landed import LandedChange
from store.engine import Connection
from store.labelled import labelled_sessions
from store.landed import landed_changes
from store.links import links_of
from store.membership import ChangeId
from store.totals import totals_of
from store.traces import traces_of

_AT_ONCE = 1_000
_JUDGED = (Label.PRODUCTIVE, Label.INEFFICIENT, Label.WASTEFUL)
# What decides with whom a change is compared; of all else the kept comparison says enough.
_OF_PEERS = (
    "peer_days",
    "peer_changes",
    "endless_percentile",
    "costly_percentile",
    "revert_window_days",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelled:
    """A session with its label by both. ``cost_nanousd`` is None where it is not known."""

    tool: str
    session_id: str | None
    cost_nanousd: int | None
    before: Labelled
    after: Labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How many sessions go from one label to another, and what they cost as far as is known."""

    before: Label
    after: Label
    sessions: int
    cost_nanousd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """The productive share of final, judged spend by both; None where there is no such spend."""

    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A verdict on a tool by both, with its share of spend over the company's mix of work."""

    tool: str
    before: Decision
    after: Decision
    share_before: float | None
    share_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesDiff:
    """All that changes. ``relabelled`` are the sessions with another label, costliest first."""

    as_of: datetime
    sessions: int
    relabelled: tuple[Relabelled, ...]
    moved: tuple[Moved, ...]
    company: Ratio
    by_tool: Mapping[str, Ratio]
    verdicts: tuple[Said, ...]


def diff(connection: Connection, as_of: datetime, now: Judging, then: Judging) -> RulesDiff:
    """Compare the thresholds of ``now`` with those of ``then`` over every session."""
    told = list(_labelled(connection, as_of, now.thresholds.rules, then.thresholds.rules))
    changed = [each for each in told if each.before.label is not each.after.label]
    tools = sorted({each.tool for each in told})
    return RulesDiff(
        as_of=as_of,
        sessions=len(told),
        relabelled=tuple(sorted(changed, key=_costliest)),
        moved=_moved(changed),
        company=_ratio(told),
        by_tool={tool: _ratio([each for each in told if each.tool == tool]) for tool in tools},
        verdicts=_verdicts(connection, as_of, told, now, then),
    )


def _labelled(
    connection: Connection, as_of: datetime, now: Thresholds, then: Thresholds
) -> Iterator[Relabelled]:
    compared = _compared(connection, now, then)
    pks = labelled_sessions(connection)
    for start in range(0, len(pks), _AT_ONCE):
        sessions = kept_sessions(connection, pks[start : start + _AT_ONCE])
        before = label_all(connection, sessions, now, as_of)
        after = label_all(connection, sessions, then, as_of, compared)
        for session, one, other in zip(sessions, before, after, strict=True):
            yield Relabelled(
                tool=session.totals.tool,
                session_id=session.totals.session_id,
                cost_nanousd=session.totals.cost_nanousd,
                before=one,
                after=other,
            )


def kept_sessions(connection: Connection, pks: Sequence[int]) -> list[Concluded]:
    """These sessions with the links that are kept of them."""
    links = links_of(connection, pks)
    traces = traces_of(connection, pks)
    return [
        Concluded(
            pk=pk,
            totals=totals,
            traces=traces.get(pk),
            links=[
                kept.link
                for kept in links.get(pk, ())
                if kept.link.target.kind != TargetKind.TICKET
            ],
        )
        for pk, totals in totals_of(connection, pks).items()
    ]


def _compared(connection: Connection, now: Thresholds, then: Thresholds) -> Compared:
    """How changes compare with others by the other thresholds."""
    if all(getattr(now, name) == getattr(then, name) for name in _OF_PEERS):
        return landed_changes
    peers = Peers(connection, then)

    def compared(
        connection: Connection, ids: Collection[ChangeId]
    ) -> Mapping[ChangeId, LandedChange]:
        found = landed_changes(connection, ids)
        return {id_: replace(each, norms=peers.norms(each)) for id_, each in found.items()}

    return compared


def _costliest(each: Relabelled) -> tuple[int, str, str]:
    return -(each.cost_nanousd or 0), each.tool, each.session_id or ""


def _moved(changed: Sequence[Relabelled]) -> tuple[Moved, ...]:
    held: dict[tuple[Label, Label], list[Relabelled]] = defaultdict(list)
    for each in changed:
        held[each.before.label, each.after.label].append(each)
    moved = [
        Moved(
            before=before,
            after=after,
            sessions=len(of),
            cost_nanousd=sum(each.cost_nanousd or 0 for each in of),
        )
        for (before, after), of in held.items()
    ]
    return tuple(sorted(moved, key=lambda each: (-each.cost_nanousd, each.before, each.after)))


def _ratio(told: Sequence[Relabelled]) -> Ratio:
    return Ratio(
        before=_share([(each.before, each.cost_nanousd) for each in told]),
        after=_share([(each.after, each.cost_nanousd) for each in told]),
    )


def _share(told: Sequence[tuple[Labelled, int | None]]) -> float | None:
    spent: dict[Label, int] = defaultdict(int)
    for labelled, cost in told:
        if labelled.maturity is Maturity.FINAL:
            spent[labelled.label] += cost or 0
    of = sum(spent[label] for label in _JUDGED)
    return spent[Label.PRODUCTIVE] / of if of else None


def _verdicts(
    connection: Connection,
    as_of: datetime,
    told: Sequence[Relabelled],
    now: Judging,
    then: Judging,
) -> tuple[Said, ...]:
    by_id = {(each.tool, each.session_id): each for each in told}

    def labelled(sessions: Sequence[JudgedSession], *, after: bool) -> list[JudgedSession]:
        found = []
        for session in sessions:
            each = by_id.get((session.tool, session.session_id))
            label = (each.after if after else each.before) if each else None
            found.append(
                replace(session, label=label.label, maturity=label.maturity) if label else session
            )
        return found

    before = judged_now(
        connection, labelled(read(connection, as_of, now), after=False), as_of, By.TOOL, now
    )
    after = judged_now(
        connection, labelled(read(connection, as_of, then), after=True), as_of, By.TOOL, then
    )
    others = {verdict.tool: verdict for verdict in after.verdicts}
    return tuple(
        Said(
            tool=one.tool,
            before=one.decision,
            after=others[one.tool].decision,
            share_before=one.standardised_share,
            share_after=others[one.tool].standardised_share,
        )
        for one in before.verdicts
        if one.tool in others
    )
