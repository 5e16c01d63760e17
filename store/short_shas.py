"""Whole SHAs for the short ones that a forge tells.

Bitbucket Cloud's pull requests name their head and their merge by twelve digits, all else that it
tells by forty. Whatever comes first, the change or the commit, the whole SHA is written in the end:
a short one is looked up when it is told, and looked for when whole ones are. One that begins two
known commits stays short, and so does one whose commit nobody ever told.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from sqlalchemy import Connection, and_, delete, select, update

from domain.work import (
    ChangeCommits,
    ChangeSeen,
    CheckSeen,
    CommitsPushed,
    WorkFact,
)
from store import tables as t
from store.membership import any_of, chunks, starting_with
from store.upsert import earliest, merge_into
from store.work_rows import WorkRows

_SHORTENING = "bitbucket-cloud"
_DIGITS, _WHOLE = 12, 40

_Sha = tuple[str, str]
"""(repository, whole SHA, or its first digits)"""


def lengthened(connection: Connection, facts: Sequence[WorkFact]) -> list[WorkFact]:
    """The facts with whole SHAs for the short ones whose commits are known or told beside them."""
    short = {each for fact in facts for each in _short(fact)}
    if not short:
        return list(facts)
    known = _by_start(_told(facts))
    for sha, wholes in _known(connection, short).items():
        known[sha] |= wholes
    return [_with_whole(fact, known) for fact in facts]


def complete(connection: Connection, rows: WorkRows, facts: Sequence[WorkFact]) -> None:
    """Put the whole SHAs that these facts tell where only short ones were; mark what it touches."""
    wholes = _by_start(_told(facts))
    starts = sorted({sha for _, sha in wholes})
    for some in chunks(starts):
        _complete_merges(connection, rows, some, wholes)
        _complete_heads(connection, rows, some, wholes)


def _complete_merges(
    connection: Connection,
    rows: WorkRows,
    starts: Sequence[object],
    wholes: Mapping[_Sha, set[str]],
) -> None:
    c = t.changes.c
    found = connection.execute(
        select(c.repo, c.number, c.merge_sha).where(c.merge_sha.in_(starts))
    ).all()
    for repo, number, short in found:
        whole = _only(wholes.get((repo, short), set()))
        if whole is not None:
            own = (c.repo == repo, c.number == number)
            connection.execute(update(t.changes).where(*own).values(merge_sha=whole))
            rows.mark("change", repo, [number])
            rows.mark("commit", repo, [whole])


def _complete_heads(
    connection: Connection,
    rows: WorkRows,
    starts: Sequence[object],
    wholes: Mapping[_Sha, set[str]],
) -> None:
    c, held = t.changes.c, t.change_commits.c
    query = (
        select(c.repo, c.number, c.head_repo, held.sha, held.seen_at, held.listed_at)
        .join(t.change_commits, and_(held.repo == c.repo, held.number == c.number))
        .where(held.sha.in_(starts))
    )
    for repo, number, home, short, seen_at, listed_at in connection.execute(query).all():
        # The head of a fork's change was pushed to the fork.
        whole = _only(wholes.get((repo, short), set()) | wholes.get((home or repo, short), set()))
        if whole is None:
            continue
        own = {"repo": repo, "number": number}
        merge_into(
            connection,
            t.change_commits,
            [{**own, "sha": whole, "seen_at": seen_at, "listed_at": listed_at}],
            {"seen_at": earliest},
        )
        connection.execute(
            delete(t.change_commits).where(
                held.repo == repo, held.number == number, held.sha == short
            )
        )
        connection.execute(
            update(t.changes)
            .where(c.repo == repo, c.number == number, c.head_sha == short)
            .values(head_sha=whole)
        )
        rows.mark("change", repo, [number])
        rows.mark("commit", repo, [whole])


def _short(fact: WorkFact) -> Iterator[_Sha]:
    """The short SHAs of a change, each with the repositories that may know it."""
    if isinstance(fact, ChangeSeen) and fact.repository.forge == _SHORTENING:
        repo = fact.repository.name
        for sha in (fact.head_sha, fact.merge_sha):
            if sha and len(sha) < _WHOLE:
                yield repo, sha
        if len(fact.head_sha) < _WHOLE and fact.head_repository:
            yield fact.head_repository, fact.head_sha


def _told(facts: Iterable[WorkFact]) -> Iterator[_Sha]:
    """The whole SHAs that these facts tell."""
    for fact in facts:
        match fact:
            case CommitsPushed(repository=of, after=after, commits=commits):
                shas = [after, *(each.sha for each in commits)]
            case ChangeCommits(repository=of, commits=commits):
                shas = [each.sha for each in commits]
            case ChangeSeen(repository=of, head_sha=head, merge_sha=merge):
                shas = [head, merge or ""]
            case CheckSeen(repository=of, sha=sha):
                shas = [sha]
            case _:
                continue
        if of.forge == _SHORTENING:
            yield from ((of.name, sha) for sha in shas if len(sha) >= _WHOLE)


def _known(connection: Connection, short: set[_Sha]) -> dict[_Sha, set[str]]:
    """The whole SHAs in the database that begin like these."""
    found: dict[_Sha, set[str]] = defaultdict(set)
    columns = (
        (t.commits.c.repo, t.commits.c.sha),
        (t.pushes.c.repo, t.pushes.c.sha),
        (t.checks.c.repo, t.checks.c.sha),
        (t.change_commits.c.repo, t.change_commits.c.sha),
        (t.changes.c.repo, t.changes.c.merge_sha),
    )
    for some in chunks(sorted(short)):
        pairs = cast("list[_Sha]", some)
        for repo_column, sha_column in columns:
            alike = [
                and_(repo_column == repo, starting_with(sha_column, sha)) for repo, sha in pairs
            ]
            for repo, whole in connection.execute(
                select(repo_column, sha_column).where(any_of(alike)).distinct()
            ):
                if len(whole) >= _WHOLE:
                    found[repo, whole[:_DIGITS]].add(whole)
    return found


def _by_start(told: Iterable[_Sha]) -> dict[_Sha, set[str]]:
    wholes: dict[_Sha, set[str]] = defaultdict(set)
    for repo, sha in told:
        wholes[repo, sha[:_DIGITS]].add(sha)
    return wholes


def _with_whole(fact: WorkFact, known: Mapping[_Sha, set[str]]) -> WorkFact:
    if not isinstance(fact, ChangeSeen) or fact.repository.forge != _SHORTENING:
        return fact
    repo, home = fact.repository.name, fact.head_repository or fact.repository.name
    head, merge = fact.head_sha, fact.merge_sha
    if len(head) < _WHOLE:
        alike = known.get((repo, head), set()) | known.get((home, head), set())
        head = _only(alike) or head
    if merge and len(merge) < _WHOLE:
        merge = _only(known.get((repo, merge), set())) or merge
    return replace(fact, head_sha=head, merge_sha=merge)


def _only(wholes: set[str]) -> str | None:
    return next(iter(wholes)) if len(wholes) == 1 else None
