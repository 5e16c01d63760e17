"""What of a change is undone with each of its commits: all of it, or one piece of several."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, Integer, Row, Select, String, Subquery, func, select

from domain.labels import Piece
from store import tables as t
from store.given import asking
from store.landing import on_default_branch
from store.membership import ChangeId, CommitId, changes_of_commits
from store.revert_names import as_target

_CHANGE = {"repo": String(), "number": Integer()}
_COMMIT = {"repo": String(), "sha": String()}


_Work: TypeAlias = frozenset[str]
"""All SHAs of a piece of work."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """What reverting each SHA undoes of a change: a piece of it, or (None) all of it.

    SHAs that came into its branch from elsewhere, and merges, are not in it.
    """

    by_sha: Mapping[str, Piece | None]


def undoing(
    connection: Connection,
    held: Mapping[ChangeId, Collection[str]],
    same: Mapping[CommitId, Collection[str]],
    rows: Mapping[ChangeId, Row[*tuple[Any, ...]]],
) -> dict[ChangeId, Undoing]:
    """What reverting a commit of these changes undoes.

    ``held`` are the SHAs that each change ever held, ``same`` all those of the work of each, and
    ``rows`` are the changes.
    """
    homes = {change: {change[0], rows[change].head_repo or change[0]} for change in held}
    containing = changes_of_commits(
        connection,
        {(home, sha) for change, of in held.items() for home in homes[change] for sha in of},
    )
    works = {
        change: _works(
            [
                sha
                for sha in of
                if any(change in containing.get((home, sha), ()) for home in homes[change])
            ],
            same,
            change[0],
        )
        for change, of in held.items()
    }
    shas = {(repo, sha) for (repo, _), of in works.items() for work in of for sha in work}
    landed = on_default_branch(connection, shas).keys()
    joining = {(repo, sha) for repo, sha in _joining(connection, sorted(shas))}
    listed = {(repo, number, sha) for repo, number, sha in _listed(connection, sorted(held))}
    return {
        (repo, number): _undoing(
            rows[repo, number],
            of - {work for work in of if any((repo, sha) in joining for sha in work)},
            landed={work for work in of if any((repo, sha) in landed for sha in work)},
            listed={work for work in of if any((repo, number, sha) in listed for sha in work)},
            unseen=_unseen(rows[repo, number], of),
        )
        for (repo, number), of in works.items()
    }


def _works(shas: Iterable[str], same: Mapping[CommitId, Collection[str]], repo: str) -> set[_Work]:
    return {frozenset({sha, *same.get((repo, sha), ())}) for sha in shas}


def _unseen(row: Row[*tuple[Any, ...]], works: Collection[_Work]) -> int:
    """How many more commits its forge counts than anybody told of, as of a branch in a fork."""
    seen = [work for work in works if row.merge_sha not in work or row.head_sha in work]
    return max((row.commit_count or 0) - len(seen), 0)


def _undoing(
    row: Row[*tuple[Any, ...]],
    works: Collection[_Work],
    *,
    landed: Collection[_Work],
    listed: Collection[_Work],
    unseen: int,
) -> Undoing:
    """What landed are its pieces; where nobody told of pushes, what its forge listed.

    While some are ``unseen``, the rest is not all of it.
    """
    # The commit that the merge made of all others. It made none where the head itself was taken,
    # or where the others came one by one under other SHAs.
    merge = frozenset({row.merge_sha}) - {None, row.head_sha}
    single = set(works) - ({merge} - set(listed))
    arrived = single & set(landed)
    pieces = arrived or single & set(listed) or single
    # What never was on any list, where there is one, was made of all others as they were merged.
    known = pieces if arrived else single
    by_sha: dict[str, Piece | None] = dict.fromkeys(merge)
    count = len(pieces) + unseen
    for work in known:
        told = Piece(of=as_target((row.repo, row.number)), sha=min(work), count=count)
        by_sha |= dict.fromkeys(work, told if work in pieces and count > 1 else None)
    return Undoing(by_sha)


@asking(_COMMIT)
def _joining(wanted: Subquery) -> Select[Any]:
    p = t.commit_parents.c
    same = (wanted.c.repo == p.repo) & (wanted.c.sha == p.sha)
    query = select(p.repo, p.sha).join(wanted, same).group_by(p.repo, p.sha)
    return query.having(func.count() > 1)


@asking(_CHANGE)
def _listed(wanted: Subquery) -> Select[Any]:
    c = t.change_commits.c
    same = (wanted.c.repo == c.repo) & (wanted.c.number == c.number)
    return select(c.repo, c.number, c.sha).join(wanted, same).where(c.listed_at.is_not(None))
