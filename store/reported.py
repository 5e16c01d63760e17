"""Which repositories forges report, and what is lost of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, String, Subquery, select

from domain.events import Trace
from domain.labels import TargetKind
from domain.reported import Reported
from store import tables as t
from store.dirty import mark_labels
from store.given import asking
from store.upsert import earliest, merge_into

_REPOSITORIES = select(t.repositories.c.repo)
_LOST = select(t.lost_repositories.c.repo, t.lost_repositories.c.lost_at)


def reported(connection: Connection) -> Reported:
    """All repositories that a forge reports."""
    return Reported(
        repositories=frozenset(connection.execute(_REPOSITORIES).scalars()),
        lost_at=_lost_at(connection),
    )


def lose(connection: Connection, lost: Mapping[str, datetime]) -> None:
    """Since these times at the latest not all of these repositories is told, or kept.

    Where that is news, all sessions that worked there, or made its changes, are labelled anew.
    """
    if not lost:
        return
    known = _lost_at(connection)
    news = {repo: at for repo, at in sorted(lost.items()) if repo not in known or at < known[repo]}
    rows = [{"repo": repo, "lost_at": at} for repo, at in news.items()]
    merge_into(connection, t.lost_repositories, rows, {"lost_at": earliest})
    named = [(Trace.REPOSITORY.value, repo) for repo in news]
    linked = [(TargetKind.CHANGE.value, repo) for repo in news]
    there = [*_working_there(connection, named), *_linked_there(connection, linked)]
    mark_labels(connection, {pk for (pk,) in there})


def _lost_at(connection: Connection) -> dict[str, datetime]:
    return {row.repo: row.lost_at for row in connection.execute(_LOST)}


@asking({"trace": String(), "repo": String()})
def _working_there(wanted: Subquery) -> Select[Any]:
    c = t.session_traces.c
    same = (wanted.c.trace == c.trace) & (wanted.c.repo == c.value)
    return select(c.session_pk).join(wanted, same)


@asking({"kind": String(), "repo": String()})
def _linked_there(wanted: Subquery) -> Select[Any]:
    c = t.links.c
    return select(c.session_pk).join(wanted, (wanted.c.repo == c.repo) & (wanted.c.kind == c.kind))
