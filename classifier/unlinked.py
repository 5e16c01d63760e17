"""Say why a session's cost is booked on nothing."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

from domain.events import Quantity
from domain.labels import Link, SessionTraces, TargetKind, Tier
from domain.unlinked import Unlinked
from store.totals import SessionTotals, count_of

_CARRYING = frozenset({Tier.A, Tier.B})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known around some sessions, of which the sets hold the keys.

    ``any_forge`` tells whether any forge reports anything; of the repositories that ``unreported``
    name none reports all. The people of ``committers`` have any commit, those of ``near`` one at
    the time of the session.
    """

    any_forge: bool
    unreported: Set[int]
    committers: Set[int]
    near: Set[int]


def reason_of(
    session: int,
    totals: SessionTotals,
    traces: SessionTraces | None,
    links: Sequence[Link],
    known: Known,
) -> Unlinked:
    """What is missing for this session's cost to be booked on something."""
    if traces is None:
        return Unlinked.NO_SESSION
    work = [link for link in links if link.target.kind != TargetKind.TICKET]
    if any(link.tier in _CARRYING for link in work):
        return Unlinked.BESIDE_COMMITS
    reasons = (
        (edited_nothing(totals, traces), Unlinked.NOTHING_EDITED),
        (not known.any_forge, Unlinked.NO_FORGE),
        (session in known.unreported, Unlinked.REPOSITORY_NOT_CONNECTED),
        (bool(work), Unlinked.WEAK_EVIDENCE),
        (not traces.people, Unlinked.NO_IDENTITY),
        (session not in known.committers, Unlinked.UNKNOWN_IDENTITY),
        (session not in known.near, Unlinked.NO_COMMIT_NEAR),
        (not traces.files, Unlinked.NO_FILES_TOLD),
    )
    return next((reason for holds, reason in reasons if holds), Unlinked.OTHER_FILES)


def edited_nothing(totals: SessionTotals, traces: SessionTraces) -> bool:
    """Whether the session's tool tells that it changed nothing, rather than not telling any.

    Who commits has changed something, by whatever means.
    """
    edited = count_of(totals, Quantity.EDITS_ACCEPTED, Quantity.LINES_ADDED, Quantity.LINES_REMOVED)
    committed = count_of(totals, Quantity.COMMITS) or traces.commits
    return edited == 0 and not traces.files and not committed
