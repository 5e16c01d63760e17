"""Many sessions and commits, made up, and how long it takes to join them.

A person works on one repository for ninety days and has a thousand sessions; two hundred commits of
theirs follow a session and hold some of its files. Half of these are pushed to the default branch,
half come by twos in a merged change that names a ticket. The rows go through the same writers that
fold telemetry and keep what webhooks say; from there on it is the classifier that is measured.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import event

from assay import cycles
from classifier.run import classify
from domain.events import Context, Source, Trace
from domain.folded import Folded, SessionKey, SessionSums, UsageKey, UsageSum
from domain.pseudonym import Pseudonyms
from domain.record import EPOCH
from domain.tickets import TicketSeen, TicketState
from domain.work import (
    Actor,
    ChangeSeen,
    ChangeState,
    CommitSeen,
    CommitsPushed,
    FileTouched,
    Repository,
    WorkFact,
)
from store import migrating, sessions, statistics, work
from store.engine import Database

SESSIONS_A_PERSON = 1_000
COMMITS_A_PERSON = 200
_PEOPLE_A_REPOSITORY = 10
_FILES = 400
_WARM = 6
_DAYS = 90
_START = datetime(2026, 1, 5, tzinfo=UTC)
NOW = _START + timedelta(days=_DAYS + 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """How long it took: seconds of the clock and of the processor, and of the latter by session.

    An update is all that follows one webhook: a push of one commit, or a change that was merged.
    """

    sessions: int
    commits: int
    filled_s: float
    joined_s: float
    cpu_s: float
    cpu_ms_a_session: float
    push: "Updates"
    merge: "Updates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """Of many updates the median and the longest, in milliseconds; what the median took of the CPU.

    ``statements`` is how many statements an update takes on average.
    """

    p50_ms: float
    max_ms: float
    cpu_ms: float
    statements: float


def join(folder: Path, people: int, updates: int = 40) -> Joined:
    """Fill a database, join all of it, then let single webhooks arrive."""
    database = Database(f"sqlite:///{folder}/join.db")
    migrating.migrate(database, _START)
    made = _People(random.Random(7))
    begun = time.perf_counter()
    for person in range(people):
        folded, pushes = made.one(person)
        with database.writing() as connection:
            sessions.apply(connection, folded)
            work.apply(connection, pushes)
    statistics.refresh(database)
    # As in the worker, of which this is a part: else a third of the time goes there, and it grows.
    cycles.look_rarely(cycles.FOLDING)
    filled, cpu = time.perf_counter(), time.process_time()
    while classify(database, NOW):
        pass
    joined, cpu = time.perf_counter(), time.process_time() - cpu
    # As the worker does every five minutes: of an empty table no plan is right for a full one.
    statistics.refresh(database)
    # The first ones compile their statements.
    for warm in range(_WARM):
        _update(database, made.late_change(people) if warm % 2 else [made.late(people)])
    push = _updates(database, [[made.late(people)] for _ in range(updates)])
    merge = _updates(database, [made.late_change(people) for _ in range(updates)])
    database.close()
    return Joined(
        sessions=people * SESSIONS_A_PERSON,
        commits=people * COMMITS_A_PERSON,
        filled_s=filled - begun,
        joined_s=joined - filled,
        cpu_s=cpu,
        cpu_ms_a_session=1000 * cpu / (people * SESSIONS_A_PERSON),
        push=push,
        merge=merge,
    )


def _updates(database: Database, webhooks: Sequence[Sequence[WorkFact]]) -> Updates:
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    event.listen(database.engine, "before_cursor_execute", count)
    waits, worked = zip(*(_update(database, facts) for facts in webhooks), strict=True)
    event.remove(database.engine, "before_cursor_execute", count)
    return Updates(
        p50_ms=median(waits),
        max_ms=max(waits),
        cpu_ms=median(worked),
        statements=statements / len(webhooks),
    )


def _update(database: Database, facts: Sequence[WorkFact]) -> tuple[float, float]:
    """From a webhook's facts until all that hangs on them is concluded: clock, processor, in ms."""
    begun, cpu = time.perf_counter(), time.process_time()
    with database.writing() as connection:
        work.apply(connection, facts)
    while classify(database, NOW):
        pass
    return (time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000


class _People:
    """Makes people up, the same ones each time."""

    def __init__(self, luck: random.Random) -> None:
        self._luck = luck
        self._changes = 0
        self._pseudonyms = Pseudonyms(b"bench bench bench")

    def one(self, person: int) -> tuple[Folded, list[WorkFact]]:
        """A person's sessions, and what they made."""
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
        picked = self._luck.sample(worked, COMMITS_A_PERSON)
        half = COMMITS_A_PERSON // 2
        facts: list[WorkFact] = list(self._pushes(person, picked[:half]))
        for start in range(half, COMMITS_A_PERSON, 2):
            facts += self._change(person, picked[start : start + 2])
        return folded, facts

    def late(self, people: int) -> CommitsPushed:
        """One more commit of somebody."""
        person = self._luck.randrange(people)
        files = self._luck.sample(range(_FILES), 3)
        return self._push(person, self._moment(), files)

    def late_change(self, people: int) -> list[WorkFact]:
        """One more change of somebody, merged in the last days: others land after no old one."""
        person = self._luck.randrange(people)
        at = _START + timedelta(days=_DAYS, seconds=-self._luck.randrange(3 * 86_400))
        worked = [(at, self._luck.sample(range(_FILES), 3)) for _ in range(2)]
        return self._change(person, worked)

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

    def _change(self, person: int, worked: list[tuple[datetime, list[int]]]) -> list[WorkFact]:
        """A ticket, the pushes to a branch, and the change that was merged from it."""
        self._changes += 1
        number, repository = self._changes, _repository(person)
        branch, key = f"work/{number}", f"PAY-{number}"
        pushes = [
            self._push(person, ended + timedelta(minutes=5), files[:3], branch)
            for ended, files in worked
        ]
        begun, ended = (of(each.pushed_at for each in pushes) for of in (min, max))
        merged_at = ended + timedelta(hours=2)
        change = ChangeSeen(
            repository=repository,
            number=number,
            state=ChangeState.MERGED,
            draft=False,
            title=f"{key}: a change",
            author=Actor(identities=(_identity(person),)),
            head_ref=branch,
            head_sha=pushes[-1].after,
            base_ref="main",
            head_repository=repository.name,
            merge_sha=f"{self._luck.getrandbits(160):040x}",
            created_at=begun - timedelta(minutes=1),
            updated_at=merged_at,
            merged_at=merged_at,
            closed_at=merged_at,
            additions=self._luck.randint(5, 500),
            deletions=3,
            tasks=(key,),
        )
        ticket = TicketSeen(
            tracker="jira",
            key=key,
            project="PAY",
            kind="Story",
            title="A ticket",
            state=TicketState.DONE,
            state_name="Done",
            created_at=begun - timedelta(days=1),
            updated_at=merged_at,
            closed_at=merged_at,
        )
        return [ticket, *pushes, change]

    def _push(
        self, person: int, at: datetime, files: list[int], branch: str = "main"
    ) -> CommitsPushed:
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
            branch=branch,
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
