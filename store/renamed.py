"""What repositories are called today. A name that one had before still means it.

A clone keeps the remote that it was made with, and a webhook may be late: both tell an old name.
What was told under it is moved to the name of today, so that a history is one; a fact about a time
before the renaming follows. Where another repository took the old name since, facts of later times
are about that, and a session that names it may mean either.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from domain.work import ChangeSeen, Repository, WorkFact
from store import tables as t
from store.upsert import latest, merge_into, replaced

Names = Mapping[str, tuple[str, datetime]]
"""By old name: the one of today, and until when the old one meant the same repository."""

_ALL = select(t.repository_names.c.before, t.repository_names.c.repo, t.repository_names.c.until)


def names(connection: Connection) -> Names:
    """All names that were given up."""
    return {row.before: (row.repo, row.until) for row in connection.execute(_ALL)}


def keep(connection: Connection, before: str, repo: str, at: datetime) -> None:
    """``before`` has been called ``repo`` since then, and so has what was called ``before``."""
    c = t.repository_names.c
    connection.execute(update(t.repository_names).where(c.repo == before).values(repo=repo))
    rows = [{"before": before, "repo": repo, "until": at}]
    merge_into(connection, t.repository_names, rows, {"repo": replaced, "until": latest})
    # Called so again, a name is nobody's old one.
    connection.execute(t.repository_names.delete().where(c.before == c.repo))


def today(repo: str, at: datetime, known: Names) -> str:
    """What that which was called so then is called today."""
    name, until = known.get(repo, (repo, at))
    return name if at <= until else repo


def called(connection: Connection, told: Collection[str]) -> dict[str, frozenset[str]]:
    """By each of these names that was given up: which repositories clones of it may be of."""
    known = {before: name for before, (name, _) in names(connection).items() if before in told}
    if not known:
        return {}
    c = t.repositories.c.repo
    taken = set(connection.execute(select(c).where(c.in_(sorted(known)))).scalars())
    return {
        before: frozenset({name, before} if before in taken else {name})
        for before, name in known.items()
    }


def under_names_of_today(
    facts: Iterable[tuple[WorkFact, datetime | None]], known: Names
) -> list[WorkFact]:
    """These facts, each with the time that it is about, of repositories by their names of today."""
    return [fact if at is None else _renamed(fact, at, known) for fact, at in facts]


def _renamed(fact: Any, at: datetime, known: Names) -> WorkFact:
    told: Repository = fact.repository
    called: dict[str, Any] = {"repository": replace(told, name=today(told.name, at, known))}
    if isinstance(fact, ChangeSeen) and fact.head_repository is not None:
        called["head_repository"] = today(fact.head_repository, at, known)
    renamed: WorkFact = replace(fact, **called)
    return renamed
