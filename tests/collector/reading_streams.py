"""Reads one stream of a source from a server, without a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from collector.client import Client, Surroundings
from collector.source import Access, Page, Reading, Scope, Source
from domain.work import WorkFact
from tests.capturing import PSEUDONYMS
from tests.collector.sync_server import NOW, TOKEN, Clock, SyncServer


@contextmanager
def client_of(source: Source, server: SyncServer, user: str | None = None) -> Iterator[Client]:
    """Open a client that never waits and keeps no tags."""

    def never(_authorise: object) -> Client:
        raise AssertionError

    clock = Clock()
    access = Access(url=server.url, token=TOKEN, user=user)
    client = Client(
        source.root(server.url),
        source.authorise(access, never),
        headers=source.headers,
        find_limit=source.limited,
        around=Surroundings(clock=clock, sleep=clock.sleep),
    )
    try:
        yield client
    finally:
        client.close()


def pages(
    source: Source,
    server: SyncServer,
    stream: str,
    scope: Scope | None = None,
    cursor: str | None = None,
    since: datetime | None = None,
) -> list[Page]:
    """Read all pages of a stream; of the source's only scope, where none is named."""
    [read] = [each.read for each in source.streams if each.name == stream]
    with client_of(source, server) as client:
        if scope is None:
            [scope] = source.scopes(client, ())
        reading = Reading(
            client=client,
            scope=scope,
            cursor=cursor,
            since=since,
            pseudonyms=PSEUDONYMS,
            now=NOW,
        )
        return list(read(reading))


def facts(told: list[Page]) -> list[WorkFact]:
    """All that these pages tell."""
    return [fact for page in told for fact in page.facts]


def last_cursor(told: list[Page]) -> str | None:
    """Where the next reading goes on."""
    return next((page.cursor for page in reversed(told) if page.cursor is not None), None)
