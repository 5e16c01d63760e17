"""Conclude sessions whose commits stand: their changes, tickets, cost and label.

Everything is read first, of many sessions at once, and written in one short transaction, so that
the collector never waits long.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from classifier import contributions
from classifier.cost import Shares, cost_shares, ticket_shares
from classifier.facts import Concluded, label_all
from classifier.fates import Fate, fates
from classifier.link import is_shared_branch
from classifier.link_changes import link_changes, link_tickets
from classifier.thresholds import Thresholds
from classifier.unlinked import Known, edited_nothing, reason_of
from domain.labels import Labelled, Link, SessionTraces, Target, TargetKind, Tier
from domain.unlinked import Unlinked
from store import aside, conclusions, dirty, links, unlinked
from store.candidates import authored_at, changes, changes_from, tickets_of
from store.dirty import Marks
from store.engine import Connection, Database
from store.links import KeptLink
from store.membership import ChangeId, CommitId, changes_of_commits
from store.reported import reported
from store.totals import SessionTotals, totals_of
from store.traces import traces_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Concluded:
    """What follows for one session."""

    links: tuple[Link, ...]
    costs: Mapping[Target, int | None]
    unlinked: tuple[Unlinked, int | None] | None
    label: Labelled
    totals: SessionTotals
    repositories: frozenset[str]

    @property
    def ended(self) -> contributions.Ended:
        """What its part in the sums of ratios and indicators follows from."""
        return contributions.Ended(
            totals=self.totals,
            repositories=self.repositories,
            links=self.links,
            costs=self.costs,
            label=self.label,
        )


def conclude_sessions(
    database: Database, thresholds: Thresholds, now: datetime, marks: Mapping[int, int]
) -> None:
    """Conclude these sessions, that are marked or due."""
    pks = list(marks)
    with database.reading() as connection:
        kept = links.links_of(connection, pks)
        concluded, known = _conclude(connection, pks, kept, thresholds, now)
        ended = {pk: of.ended for pk, of in concluded.items()}
        gathered = contributions.gather(connection, ended, known, thresholds, now)
    with database.writing() as connection:
        _write_links(connection, pks, kept, concluded)
        reasons = {pk: of.unlinked for pk, of in concluded.items() if of.unlinked is not None}
        unlinked.keep_unlinked(connection, pks, reasons)
        # Who has no conclusion is idle, or known by now to be a part of another session.
        conclusions.withdraw_labels(connection, [pk for pk in pks if pk not in concluded])
        conclusions.keep_labels(connection, {pk: of.label for pk, of in concluded.items()})
        contributions.keep(connection, pks, gathered)
        aside.concluded(connection, Marks.LABELS, marks)


def _write_links(
    connection: Connection,
    pks: Iterable[int],
    kept: Mapping[int, Sequence[KeptLink]],
    concluded: Mapping[int, _Concluded],
) -> None:
    changed: list[tuple[int, Link, int | None]] = []
    gone: list[str] = []
    booked: dict[str, int | None] = {}
    touched: set[Target] = set()
    for pk in pks:
        then = {each.link.target: each for each in kept.get(pk, ())}
        of = concluded.get(pk)
        now = {link.target: replace(link, via=()) for link in of.links} if of else {}
        gone += [then[target].id for target in then.keys() - now.keys()]
        touched |= then.keys() - now.keys()
        for target, link in now.items():
            cost = of.costs.get(target) if of else None
            before = then.get(target)
            if before is None or before.link != link:
                changed.append((pk, link, cost))
                touched.add(target)
            elif before.cost_nanousd != cost:
                booked[before.id] = cost
                touched.add(target)
    links.drop_links(connection, gone)
    links.put_links(connection, changed)
    links.book(connection, booked)
    of_changes = (target for target in touched if target.kind == TargetKind.CHANGE)
    dirty.mark_changes(connection, {(target.repo, int(target.id)) for target in of_changes})


def _conclude(
    connection: Connection,
    pks: Sequence[int],
    kept: Mapping[int, Sequence[KeptLink]],
    thresholds: Thresholds,
    now: datetime,
) -> tuple[dict[int, _Concluded], dict[ChangeId, Fate]]:
    """What follows for each session, and what became of the changes that they are linked to."""
    totals = {pk: of for pk, of in totals_of(connection, pks).items() if of.active}
    traces = traces_of(connection, totals)
    tied = _linked(connection, totals, traces, kept)
    targets = {link.target for of in tied.values() for link in of}
    tickets = tickets_of(connection, targets)
    commits = _commits(targets)
    moments = authored_at(connection, commits)
    reviews = links.reviews_of(connection, traces)
    known = _known(connection, totals, traces, tied, thresholds, now)
    for pk, of in traces.items():
        told = link_tickets(of, tied.get(pk, ()), tickets, reviews.get(pk, {}))
        tied[pk] = (*tied.get(pk, ()), *told)
    sessions = [
        Concluded(pk=pk, totals=of, traces=traces.get(pk), links=_labelling(tied.get(pk, ())))
        for pk, of in totals.items()
    ]
    became = fates(connection, _changes(targets), thresholds, now)
    labels = label_all(connection, sessions, thresholds, now, known=became)
    concluded: dict[int, _Concluded] = {}
    for (pk, total), label in zip(totals.items(), labels, strict=True):
        all_links = tied.get(pk, ())
        priced = total.cost_nanousd is not None
        shares = cost_shares(_hours(total), all_links, moments) if priced else None
        concluded[pk] = _Concluded(
            links=all_links,
            costs=_costs(all_links, shares, tickets),
            unlinked=_unlinked(total, traces.get(pk), all_links, shares, known, pk),
            label=label,
            totals=total,
            repositories=traces[pk].repositories if pk in traces else frozenset(),
        )
    return concluded, became


def _linked(
    connection: Connection,
    totals: Mapping[int, SessionTotals],
    traces: Mapping[int, SessionTraces],
    kept: Mapping[int, Sequence[KeptLink]],
) -> dict[int, tuple[Link, ...]]:
    """The links of each session to commits, as they stand, and to changes."""
    to_commits = {
        pk: [each.link for each in kept.get(pk, ()) if each.link.target.kind == TargetKind.COMMIT]
        for pk in traces
    }
    commits = _commits(link.target for of in to_commits.values() for link in of)
    containing: dict[CommitId, set[int]] = {
        commit: {number for repo, number in of if repo == commit[0]}
        for commit, of in changes_of_commits(connection, commits).items()
    }
    names = {name for of in traces.values() for name in of.branches if not is_shared_branch(name)}
    from_branch = changes_from(connection, names)
    known = changes(connection, set[ChangeId]().union(*from_branch.values()))
    reviews = links.reviews_of(connection, traces)
    found: dict[int, tuple[Link, ...]] = {}
    for pk, of in traces.items():
        numbers = {change for name in of.branches for change in from_branch.get(name, ())}
        to_changes = link_changes(
            of,
            to_commits[pk],
            containing,
            [known[change] for change in sorted(numbers)],
            reviews.get(pk, {}),
            edited_nothing=edited_nothing(totals[pk], of),
        )
        found[pk] = (*to_commits[pk], *to_changes)
    return found


def _commits(targets: Iterable[Target]) -> set[CommitId]:
    return {(target.repo, target.id) for target in targets if target.kind == TargetKind.COMMIT}


def _changes(targets: Iterable[Target]) -> set[ChangeId]:
    return {(target.repo, int(target.id)) for target in targets if target.kind == TargetKind.CHANGE}


def _labelling(all_links: Iterable[Link]) -> list[Link]:
    return [link for link in all_links if link.target.kind != TargetKind.TICKET]


def _hours(totals: SessionTotals) -> list[tuple[datetime, int]]:
    """What each hour cost in nano-dollars, all by the cost that the whole session is told by."""
    return [
        (hour.hour, (hour.reported_nanousd if totals.by_report else hour.list_nanousd) or 0)
        for hour in totals.hours
    ]


def _costs(
    all_links: Sequence[Link],
    shares: Shares | None,
    tickets: Mapping[Target, Iterable[str]],
) -> dict[Target, int | None]:
    """What is booked on each link; None where the session's cost is unknown."""
    if shares is None:
        return {link.target: None for link in all_links}
    of_tickets = ticket_shares(shares, all_links, tickets)
    return {
        link.target: of_tickets.get(link.target.id, 0)
        if link.target.kind == TargetKind.TICKET
        else shares.get(link.target, 0)
        for link in all_links
    }


def _known(
    connection: Connection,
    totals: Mapping[int, SessionTotals],
    traces: Mapping[int, SessionTraces],
    tied: Mapping[int, Sequence[Link]],
    thresholds: Thresholds,
    now: datetime,
) -> Known:
    """What is known around the sessions that nothing is booked on."""
    loose = {
        pk: traces[pk]
        for pk in totals
        if pk in traces and not any(link.tier in (Tier.A, Tier.B) for link in tied[pk])
    }
    committers, near = unlinked.with_commits(connection, loose)
    told = reported(connection)
    waiting = timedelta(days=thresholds.unlinked_final_days)
    return Known(
        any_forge=bool(told.repositories),
        unreported={
            pk
            for pk, of in traces.items()
            if pk in totals
            and of.repositories
            and not told.reports(of.repositories, totals[pk].last_at + waiting, now)
        },
        committers=committers,
        near=near,
    )


def _unlinked(
    totals: SessionTotals,
    traces: SessionTraces | None,
    all_links: Sequence[Link],
    shares: Shares | None,
    known: Known,
    pk: int,
) -> tuple[Unlinked, int | None] | None:
    """Why what of the cost is booked on nothing; None where all of it is booked."""
    reason = reason_of(pk, totals, traces, all_links, known)
    left = None if shares is None else shares.get(None, 0)
    if reason is Unlinked.BESIDE_COMMITS and not left:
        return None
    return reason, left
