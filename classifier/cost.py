"""Split what a session cost over what it made, to the last nano-dollar.

Only proof and near proof (tiers A and B) carry cost. What has neither stays in one visible unlinked
bucket: it is not spread over guesses. A long session is cut at its commits: what an hour cost goes
to what was committed next. Usage is kept by the hour, so commits of one hour share what it cost.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from domain.labels import Link, Target, TargetKind, Tier
from domain.usage import split

_CARRYING = frozenset({Tier.A, Tier.B})
# Link probabilities are kept to four decimals.
_WEIGHT = 10_000
# Work that waits for its commit longer than this was for something else; and so was what goes on
# a day after the last commit.
WAITING = timedelta(days=7)
LINGERING = timedelta(hours=24)

Shares = dict[Target | None, int]
"""Nano-dollars by target; under None what is booked on nothing."""


def cost_shares(
    hours: Sequence[tuple[datetime, int]],
    links: Sequence[Link],
    authored_at: Mapping[tuple[str, str], datetime],
) -> Shares:
    """Give each carrying link its share of what the hours cost; the shares add up to all of it.

    ``hours`` hold when each hour began and what it cost, ``authored_at`` the times of linked
    commits by repository and SHA. A change, or a commit that belongs to none, takes what was spent
    since the commit before its own; of one hour they share by probability. A change that is linked
    by its branch alone has no time: it shares in every hour. Nothing depends on the order of the
    links. Raises ValueError where all hours together cost less than nothing.
    """
    if sum(cost for _, cost in hours) < 0:
        raise ValueError("a cost is not negative")
    carrying = _carrying(links)
    booked: dict[tuple[Link, ...], int] = defaultdict(int)
    for takers, cost in _by_takers(hours, carrying, authored_at):
        booked[takers] += cost
    if any(cost < 0 for cost in booked.values()):
        # Costs that were told anew may take an hour below zero; all hours together are right.
        booked = {tuple(carrying): sum(booked.values())}
    shares: Shares = defaultdict(int)
    for takers, cost in booked.items():
        if not takers:
            shares[None] += cost
            continue
        weights = [round(link.probability * _WEIGHT) for link in takers]
        for link, share in zip(takers, split(cost, weights), strict=True):
            shares[link.target] += share
    return dict(shares)


def ticket_shares(
    shares: Shares, links: Sequence[Link], tickets: Mapping[Target, Iterable[str]]
) -> dict[str, int]:
    """What each ticket cost, by key: what is booked on its changes and commits.

    A change of several tickets is shared between them equally. It is the same money once more, so
    tickets are never added to changes. What a session told itself goes before: all that it cost is
    its own tickets'.
    """
    told = sorted(
        link.target.id
        for link in links
        if link.target.kind == TargetKind.TICKET and link.tier is Tier.A
    )
    found: dict[str, int] = defaultdict(int)
    if told:
        for key, share in zip(told, split(sum(shares.values()), [1] * len(told)), strict=True):
            found[key] += share
        return dict(found)
    for target, cost in shares.items():
        keys = sorted(set(tickets.get(target, ()))) if target else []
        for key, share in zip(keys, split(cost, [1] * len(keys)), strict=True):
            found[key] += share
    return dict(found)


def _by_takers(
    hours: Sequence[tuple[datetime, int]],
    carrying: Sequence[Link],
    authored_at: Mapping[tuple[str, str], datetime],
) -> list[tuple[tuple[Link, ...], int]]:
    """What each hour cost, with the links that take it; none where it was for nothing known."""
    at: dict[datetime, set[int]] = defaultdict(set)
    timeless = set()
    for place, link in enumerate(carrying):
        moments = _moments(link, authored_at)
        for moment in moments:
            at[_hour(moment)].add(place)
        if not moments:
            timeless.add(place)
    committed = sorted(at)
    found = []
    for hour, cost in hours:
        following = next((each for each in committed if each >= _hour(hour)), None)
        takers = set(timeless)
        if following is not None:
            if following - hour <= WAITING:
                takers |= at[following]
        elif committed and hour - committed[-1] <= LINGERING:
            takers |= at[committed[-1]]
        found.append((tuple(carrying[place] for place in sorted(takers)), cost))
    return found


def _moments(link: Link, authored_at: Mapping[tuple[str, str], datetime]) -> list[datetime]:
    repo = link.target.repo
    shas = link.via if link.target.kind == TargetKind.CHANGE else (link.target.id,)
    return [authored_at[repo, sha] for sha in shas if (repo, sha) in authored_at]


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _carrying(links: Sequence[Link]) -> list[Link]:
    strong = [link for link in links if link.tier in _CARRYING]
    # By SHA alone: a fork's copy of a commit is the same commit.
    booked = {sha for link in strong for sha in link.via}
    carrying = [
        link
        for link in strong
        if link.target.kind == TargetKind.CHANGE
        or (link.target.kind == TargetKind.COMMIT and link.target.id not in booked)
    ]
    return sorted(carrying, key=lambda link: (link.target.kind, link.target.repo, link.target.id))
