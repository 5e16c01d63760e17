"""Reading a provider to its end: scope by scope, stream by stream, each from its cursor on.

Each page's facts are written in one transaction with the cursor that speaks of them, so that a
crash at any point loses nothing and the next sync goes on from there. A fact that can't be kept is
counted and costs no other; one failing repository never stops the others; what is wrong with the
credentials or the server itself ends the provider.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from collector.client import Client
from collector.client_errors import (
    BadCredentials,
    ClientError,
    Limited,
    NotAllowed,
    NotThere,
    Unreachable,
)
from collector.source import Page, Reading, Scope, Source, Stream
from domain.failures import origin
from domain.folded import CoverageKey
from domain.pseudonym import Pseudonyms
from domain.tickets import TicketSeen
from domain.work import (
    ChangeCommits,
    ChangeSeen,
    CheckSeen,
    CommitsPushed,
    DeploymentSeen,
    Repository,
    RepositoryRenamed,
    ReviewSeen,
    WorkFact,
)
from store import sessions, work
from store import sync as store
from store.engine import Database, StoreError, passing

_log = logging.getLogger(__name__)

NOUNS = ("changes", "commits", "reviews", "checks", "deployments", "tickets", "other")
"""What facts are counted as."""

_NOUN_OF = {
    ChangeSeen: "changes",
    ChangeCommits: "commits",
    CommitsPushed: "commits",
    ReviewSeen: "reviews",
    CheckSeen: "checks",
    DeploymentSeen: "deployments",
    TicketSeen: "tickets",
}
_SIGNAL = "sync"
_UNDERSTOOD = "understood"
_UNFORESEEN = "unforeseen"
# Of a fact: a word longer, or a number larger, than the database holds.
_REFUSED_FACT = "not_storable"
_REFUSED = (NotAllowed.code, NotThere.code)
# A server that failed to answer for this many streams in a row is down.
_DOWN_AFTER = 3
# Longer than anything stays of interest that no sync looked at in between.
_TAGS_KEPT = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one stream; of the provider itself where ``scope`` and ``stream`` are empty.

    ``facts`` counts what was read, by ``NOUNS``; what came twice counts twice. ``skipped``: the
    token may not read it, or there is none. ``code`` and ``error`` say why it was not read to its
    end.
    """

    scope: str
    stream: str
    facts: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    skipped: bool = False
    code: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a sync stands: at the ``number``th of ``of`` scopes, with so many facts of this one."""

    scope: str
    stream: str
    number: int
    of: int
    facts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """One sync of one provider.

    ``wanted`` names what to read (nothing: all), ``since`` bounds the first reading, ``again``
    forgets the cursors. ``tell`` hears of every page.
    """

    database: Database
    source: Source
    client: Client
    pseudonyms: Pseudonyms
    clock: Callable[[], datetime]
    wanted: Sequence[str] = ()
    since: datetime | None = None
    again: bool = False
    tell: Callable[[Progress], None] = lambda _progress: None

    def run(self) -> list[Result]:
        """Read all that is wanted. Raises StoreError where the database can't be written."""
        began = self.clock()
        results: list[Result] = []
        try:
            scopes = list(self.source.scopes(self.client, self.wanted))
            self._read(scopes, began, results)
        except ClientError as error:
            results.append(Result(scope="", stream="", code=error.code, error=str(error)))
            self._note("", "", error.code, str(error))
        else:
            self._note("", "")
            with self.database.writing() as connection:
                store.forget_tags(connection, self.source.name, began - _TAGS_KEPT)
        return results

    def _read(self, scopes: Sequence[Scope], began: datetime, results: list[Result]) -> None:
        silent = 0
        for number, scope in enumerate(scopes, 1):
            client = self.client.acting_for(scope.account)
            self._rename(scope, began)
            for stream in self.source.streams:
                place = Progress(
                    scope=scope.name, stream=stream.name, number=number, of=len(scopes), facts=0
                )
                reading = Reading(
                    client=client,
                    scope=scope,
                    cursor=self._cursor(scope, stream),
                    since=self.since,
                    pseudonyms=self.pseudonyms,
                    now=began,
                )
                self.tell(place)
                result = self._stream(stream, reading, place)
                results.append(result)
                silent = silent + 1 if result.code == Unreachable.code else 0
                if silent == _DOWN_AFTER:
                    raise Unreachable("the server does not answer")
                if stream.needed and result.code in _REFUSED:
                    # There is nothing here for this token: no need to hear it of each stream.
                    break

    def _rename(self, scope: Scope, began: datetime) -> None:
        if scope.before is not None:
            of = Repository(
                forge=self.source.name, name=scope.name, default_branch=scope.default_branch
            )
            told = RepositoryRenamed(repository=of, before=scope.before, at=began)
            with self.database.writing() as connection:
                work.apply(connection, [told])

    def _stream(self, stream: Stream, reading: Reading, place: Progress) -> Result:
        """Read one stream. Raises only what ends the provider."""
        facts: Counter[str] = Counter()
        unreadable = 0
        scope = reading.scope.name
        code: str | None = None
        error: str | None = None
        try:
            for told in stream.read(reading):
                page = self._write(scope, stream.name, told)
                for fact in page.facts:
                    facts[_NOUN_OF.get(type(fact), "other")] += _count(fact)
                unreadable += len(page.unreadable)
                self.tell(_further(place, facts.total()))
        except (BadCredentials, Limited) as broken:
            self._note(scope, stream.name, broken.code, str(broken))
            raise
        except ClientError as broken:
            code, error = broken.code, str(broken)
        except StoreError:
            raise
        except Exception as broken:  # noqa: BLE001
            code, error = _UNFORESEEN, f"unforeseen: {type(broken).__name__}"
            _log.error("%s %s can't be read: %s", self.source.name, scope, origin(broken))
        self._note(scope, stream.name, code, error)
        return Result(
            scope=scope,
            stream=stream.name,
            facts=facts,
            unreadable=unreadable,
            skipped=not stream.needed and code in _REFUSED,
            code=code,
            error=error,
        )

    def _cursor(self, scope: Scope, stream: Stream) -> str | None:
        if self.again:
            return None
        with self.database.reading() as connection:
            return store.cursor(connection, self.source.name, scope.name, stream.name)

    def _write(self, scope: str, stream: str, page: Page) -> Page:
        """Write a page, without the facts that the database refuses; what was written of it.

        Raises StoreError where it can't be written now.
        """
        try:
            self._keep(scope, stream, page)
        except Exception as error:
            if passing(error):
                raise
            kept = tuple(fact for fact in page.facts if self._keeps(scope, fact))
            lost = (_REFUSED_FACT,) * (len(page.facts) - len(kept))
            page = replace(page, facts=kept, unreadable=(*page.unreadable, *lost))
            self._keep(scope, stream, page)
        return page

    def _keeps(self, scope: str, fact: WorkFact) -> bool:
        """Whether the database takes this fact; it is written then, and may be once more."""
        try:
            with self.database.writing() as connection:
                work.apply(connection, [fact])
        except Exception as error:
            if passing(error):
                raise
            told = (self.source.name, scope, type(fact).__name__, origin(error))
            _log.error("%s %s: a %s can't be kept: %s", *told)
            return False
        return True

    def _keep(self, scope: str, stream: str, page: Page) -> None:
        """Write what belongs together: facts, how far they reach, and what need not be asked."""
        name, now = self.source.name, self.clock()
        tallies = Counter({CoverageKey(name, _SIGNAL, stream, _UNDERSTOOD): len(page.facts)})
        tallies.update(CoverageKey(name, _SIGNAL, stream, code) for code in page.unreadable)
        with self.database.writing() as connection:
            tallies += work.apply(connection, page.facts)
            sessions.cover(connection, [(+tallies, now)])
            if page.cursor is not None:
                store.keep_cursor(connection, name, scope, stream, page.cursor)
            tags = {tag.address: tag.value for tag in page.tags}
            store.keep_tags(connection, name, tags, now)

    def _note(
        self, scope: str, stream: str, code: str | None = None, error: str | None = None
    ) -> None:
        name, now = self.source.name, self.clock()
        with self.database.writing() as connection:
            if code is None:
                store.note_success(connection, name, scope, stream, now)
            else:
                store.note_failure(
                    connection, name, scope, stream, at=now, code=code, error=error or code
                )


def _count(fact: WorkFact) -> int:
    return len(fact.commits) if isinstance(fact, ChangeCommits | CommitsPushed) else 1


def _further(place: Progress, facts: int) -> Progress:
    return Progress(
        scope=place.scope, stream=place.stream, number=place.number, of=place.of, facts=facts
    )
