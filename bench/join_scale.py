"""Many sessions and commits, made up, and how long it takes to join them.

A person works on one repository for ninety days and has a thousand sessions; two hundred commits of
theirs follow a session and hold some of its files. The rows go through the same writers that fold
telemetry and keep what webhooks say; from there on it is the classifier that is measured.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from classifier.run import classify
from domain.events import Context, Source, Trace
from domain.folded import Folded, SessionKey, SessionSums, UsageKey, UsageSum
from domain.pseudonym import Pseudonyms
from domain.record import EPOCH
from domain.work import Actor, CommitSeen, CommitsPushed, FileTouched, Repository
from store import schema, sessions, statistics, work
from store.engine import Database

SESSIONS_A_PERSON = 1_000
COMMITS_A_PERSON = 200
_PEOPLE_A_REPOSITORY = 10
_FILES = 400
_DAYS = 90
_START = datetime(2026, 1, 5, tzinfo=UTC)
NOW = _START + timedelta(days=_DAYS + 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """How long it took: seconds of the clock and of the processor.

    Of updates after one webhook the median and the longest, in milliseconds, and what the median
    one took of the processor.
    """

    sessions: int
    commits: int
    filled_s: float
    joined_s: float
    cpu_s: float
    update_p50_ms: float
    update_max_ms: float
    update_cpu_ms: float


def join(folder: Path, people: int, updates: int = 40) -> Joined:
    """Fill a database, join all of it, then let single webhooks arrive."""
    database = Database(f"sqlite:///{folder}/join.db")
    schema.migrate(database, _START)
    made = _People(random.Random(7))
    begun = time.perf_counter()
    for person in range(people):
        folded, pushes = made.one(person)
        with database.writing() as connection:
            sessions.apply(connection, folded)
            work.apply(connection, pushes)
    statistics.refresh(database)
    filled, cpu = time.perf_counter(), time.process_time()
    while classify(database, NOW):
        pass
    joined, cpu = time.perf_counter(), time.process_time() - cpu
    waits, worked = zip(
        *(_update(database, made.late(people)) for _ in range(updates)), strict=True
    )
    database.close()
    return Joined(
        sessions=people * SESSIONS_A_PERSON,
        commits=people * COMMITS_A_PERSON,
        filled_s=filled - begun,
        joined_s=joined - filled,
        cpu_s=cpu,
        update_p50_ms=median(waits),
        update_max_ms=max(waits),
        update_cpu_ms=median(worked),
    )


def _update(database: Database, push: CommitsPushed) -> tuple[float, float]:
    """From a webhook's facts until all that hangs on them is concluded: clock, processor, in ms."""
    begun, cpu = time.perf_counter(), time.process_time()
    with database.writing() as connection:
        work.apply(connection, [push])
    while classify(database, NOW):
        pass
    return (time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000


class _People:
    """Makes people up, the same ones each time."""

    def __init__(self, luck: random.Random) -> None:
        self._luck = luck
        self._pseudonyms = Pseudonyms(b"bench bench bench")

    def one(self, person: int) -> tuple[Folded, list[CommitsPushed]]:
        """A person's sessions and pushes."""
        folded = Folded()
        worked: list[tuple[datetime, list[int]]] = []
        for number in range(SESSIONS_A_PERSON):
            begun = self._moment()
            ended = begun + timedelta(minutes=self._luck.randint(1, 90))
            files = self._luck.sample(range(_FILES), self._luck.randint(2, 6))
            folded[SessionKey("claude-code", f"{person}-{number}", "")] = self._session(
                person, begun, ended, files
            )
            worked.append((ended, files))
        return folded, list(self._pushes(person, self._luck.sample(worked, COMMITS_A_PERSON)))

    def late(self, people: int) -> CommitsPushed:
        """One more commit of somebody."""
        person = self._luck.randrange(people)
        files = self._luck.sample(range(_FILES), 3)
        return self._push(person, self._moment(), files)

    def _moment(self) -> datetime:
        return _START + timedelta(seconds=self._luck.randrange(_DAYS * 86_400))

    def _session(
        self, person: int, begun: datetime, ended: datetime, files: list[int]
    ) -> SessionSums:
        sums = SessionSums(begun, ended, usage_rank=0, active=True)
        told = [(Trace.IDENTITY, _identity(person))]
        told += [(Trace.FILE, self._file(person, each, "/Users/dev/")) for each in files]
        sums.traces = dict.fromkeys(told, begun)
        sums.last_traced = dict.fromkeys(told, ended)
        hour = (begun - EPOCH) // timedelta(hours=1)
        key = UsageKey(0, Source.LOG, hour, "claude-sonnet-4-5", None, Context())
        sums.usage[key] = UsageSum(requests=9, input=900, output=90, list_nanousd=4_000_000)
        return sums

    def _pushes(
        self, person: int, worked: list[tuple[datetime, list[int]]]
    ) -> Iterator[CommitsPushed]:
        for ended, files in worked:
            yield self._push(person, ended + timedelta(minutes=5), files[:3])

    def _push(self, person: int, at: datetime, files: list[int]) -> CommitsPushed:
        sha = f"{self._luck.getrandbits(160):040x}"
        touched = [self._file(person, each, "") for each in files]
        commit = CommitSeen(
            sha=sha,
            author=Actor(identities=(_identity(person),)),
            authored_at=at,
            files=tuple(FileTouched(file=name) for name in touched),
        )
        return CommitsPushed(
            repository=_repository(person),
            branch="main",
            before="0" * 40,
            after=sha,
            forced=False,
            pushed_at=at,
            commits=(commit,),
        )

    def _file(self, person: int, number: int, root: str) -> str:
        folder = f"r{person // _PEOPLE_A_REPOSITORY}"
        name = self._pseudonyms.file(f"{root}{folder}/src/part{number % 20}/file{number}.py")
        if name is None:
            raise AssertionError("a path has a name")
        return name


def _identity(person: int) -> str:
    return f"p_{person:020x}"


def _repository(person: int) -> Repository:
    name = f"acme/r{person // _PEOPLE_A_REPOSITORY}"
    return Repository(forge="github", name=name, default_branch="main")
