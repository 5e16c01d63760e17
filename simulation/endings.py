"""How a piece of work goes on after its sessions: pushes, reviews, merges, reverts, or nothing."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from simulation.calendar import later
from simulation.company import WorkType
from simulation.history import Change, Commit, Ending, Piece, Review, Session
from simulation.sessions import Doing, commit, session

# Most pieces take one session; two thirds of the others two.
_SESSIONS = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)
_COSTLY = 7.0
# More than the four rounds from which on a review counts as endless.
_ROUNDS = (5, 6, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The ticket's side of a piece of work; ``squash`` is how its repository merges."""

    ticket: str
    title: str
    team: str
    work_type: WorkType
    reviewers: Sequence[str]
    squash: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Going:
    """A piece of work whose sessions are done."""

    chance: random.Random
    task: Task
    doing: Doing
    sessions: list[Session]

    def opened(self, title: str | None = None, branch: str | None = None) -> Change:
        """A change with the commits of all sessions so far, pushed as each session ended."""
        first = self.sessions[0]
        return Change(
            repository=self.doing.repository,
            title=title or self.task.title,
            body=f"Closes {self.task.ticket}." if self.chance.random() < 0.5 else "",  # noqa: PLR2004
            branch=branch or self.doing.branch,
            author=self.doing.developer.login,
            opened_at=first.ended_at + timedelta(minutes=self.chance.uniform(3, 20)),
            lines=self.doing.lines,
            pushes=[
                (each.ended_at + timedelta(minutes=1), list(each.commits)) for each in self.sessions
            ],
        )

    def reviewed(self, change: Change, state: str, hours: float) -> datetime:
        """Somebody else looks at it, so many hours after the last thing that happened."""
        at = later(_last(change), self.chance.lognormvariate(0, 0.8) * hours)
        reviewer = self.chance.choice(self.task.reviewers)
        change.reviews.append(Review(reviewer=reviewer, state=state, at=at))
        return at

    def merged(self, change: Change) -> datetime:
        """It is approved and merged; late merges are as late as in life."""
        if self.chance.random() < 0.75:  # noqa: PLR2004
            self.reviewed(change, "approved", 4.0)
        at = later(_last(change), self.chance.lognormvariate(0.3, 1.0))
        change.merged_at = change.closed_at = at
        own = [each for _, commits in change.pushes for each in commits]
        change.merge = Commit(
            sha=f"{self.chance.getrandbits(160):040x}",
            author=change.author,
            authored_at=at.replace(microsecond=0),
            message=f"{change.title} (#{{}})" if self.task.squash else "Merge pull request #{}",
            files=tuple(sorted({path for each in own for path in each.files})),
            parent=own[0].parent if own else "0" * 40,
        )
        return at

    def undone(self, change: Change, days: float) -> Change:
        """A change that reverts this one, made by hand and merged."""
        if change.merge is None or change.merged_at is None:
            raise ValueError("only what was merged can be reverted")
        at = later(change.merged_at, 24 * days)
        sha = f"{self.chance.getrandbits(160):040x}"
        back = Commit(
            sha=sha,
            author=change.author,
            authored_at=at.replace(microsecond=0),
            message=f'Revert "{change.title}"\n\nThis reverts commit {change.merge.sha}.',
            files=change.merge.files,
            parent=change.merge.sha,
        )
        reverting = Change(
            repository=change.repository,
            title=f'Revert "{change.title}"',
            body=f"Reverts {change.repository}#{{}}",
            mentions=change,
            branch=f"revert-{sha[:8]}-{change.branch}",
            author=change.author,
            opened_at=at + timedelta(minutes=5),
            lines=change.lines,
            pushes=[(at + timedelta(minutes=1), [back])],
        )
        self.merged(reverting)
        return reverting


_Told = tuple[list[Change], datetime | None]


def piece(chance: random.Random, task: Task, doing: Doing, ending: Ending, at: datetime) -> Piece:
    """Work on a task with a tool until this ending."""
    going = _Going(chance=chance, task=task, doing=doing, sessions=[])
    _work(going, ending, at)
    changes, settled_at = _ENDINGS[ending](going)
    return Piece(
        ticket=task.ticket,
        title=task.title,
        team=task.team,
        tool=doing.tool.name,
        work_type=task.work_type,
        ending=ending,
        sessions=going.sessions,
        changes=changes,
        created_at=at,
        settled_at=settled_at,
    )


def number(pieces: Iterable[Piece]) -> None:
    """Number the changes of each repository in the order in which they were opened."""
    last: defaultdict[str, int] = defaultdict(int)
    changes = [change for each in pieces for change in each.changes]
    for change in sorted(changes, key=lambda each: (each.opened_at, each.branch)):
        last[change.repository] += 1
        change.number = last[change.repository]


def _work(going: _Going, ending: Ending, at: datetime) -> None:
    """The sessions, each with its share of the lines and, if it comes to that, a commit."""
    chance, doing = going.chance, going.doing
    parts = chance.choice(_SESSIONS)
    parent = f"{chance.getrandbits(160):040x}"
    for part in range(parts):
        own = Doing(
            tool=doing.tool,
            developer=doing.developer,
            repository=doing.repository,
            branch=doing.branch,
            lines=max(doing.lines // parts, 1),
            files=doing.files[part::parts] or doing.files[:1],
        )
        done = session(chance, own, at, waste=_COSTLY if ending is Ending.COSTLY else 1.0)
        going.sessions.append(done)
        if ending is not Ending.UNPUSHED:
            parent = commit(chance, done, f"{going.task.title}, part {part + 1}", parent).sha
        at = later(done.ended_at, chance.uniform(0.3, 18))


def _last(change: Change) -> datetime:
    pushed = [at for at, _ in change.pushes]
    return max(change.opened_at, *pushed, *(review.at for review in change.reviews))


def _shipped(going: _Going) -> _Told:
    change = going.opened()
    if going.chance.random() < 0.15:  # noqa: PLR2004
        _round(going, change)
    return [change], going.merged(change)


def _round(going: _Going, change: Change) -> None:
    """One round: changes are requested, and the author pushes once more, by hand."""
    at = going.reviewed(change, "changes_requested", 5.0)
    change.pushes.append(_by_hand(going, change, at))


def _by_hand(going: _Going, change: Change, after: datetime) -> tuple[datetime, list[Commit]]:
    at = later(after, going.chance.uniform(0.5, 6))
    made = Commit(
        sha=f"{going.chance.getrandbits(160):040x}",
        author=change.author,
        authored_at=at.replace(microsecond=0),
        message="address review",
        files=tuple(going.doing.files[:1]),
        parent=change.pushes[-1][1][-1].sha,
    )
    return at + timedelta(minutes=2), [made]


def _endless(going: _Going) -> _Told:
    change = going.opened()
    for _ in range(going.chance.choice(_ROUNDS)):
        _round(going, change)
    return [change], going.merged(change)


def _reverted(going: _Going) -> _Told:
    change = going.opened()
    going.merged(change)
    reverting = going.undone(change, going.chance.uniform(0.5, 18))
    return [change, reverting], reverting.merged_at


def _relanded(going: _Going) -> _Told:
    change = going.opened()
    going.merged(change)
    reverting = going.undone(change, going.chance.uniform(0.2, 3))
    again = going.undone(reverting, going.chance.uniform(0.5, 4))
    return [change, reverting, again], again.merged_at


def _rejected(going: _Going) -> _Told:
    change = going.opened()
    at = going.reviewed(change, "changes_requested", 8.0)
    change.closed_at = later(at, going.chance.uniform(4, 72))
    return [change], change.closed_at


def _stalled(going: _Going) -> _Told:
    return [going.opened()], None


def _unpushed(_: _Going) -> _Told:
    return [], None


def _superseded(going: _Going) -> _Told:
    """The first change is closed for a second one, which one more session makes and which ships."""
    first = going.opened()
    doing = going.doing
    again = Doing(
        tool=doing.tool,
        developer=doing.developer,
        repository=doing.repository,
        branch=f"{doing.branch}-again",
        lines=doing.lines,
        files=doing.files,
    )
    done = session(going.chance, again, later(_last(first), going.chance.uniform(3, 30)))
    commit(going.chance, done, going.task.title, first.pushes[-1][1][-1].parent)
    second = _Going(chance=going.chance, task=going.task, doing=again, sessions=[done]).opened(
        branch=again.branch
    )
    going.sessions.append(done)
    settled_at = going.merged(second)
    first.mentions, first.body = second, "Superseded by #{}"
    first.closed_at = second.opened_at + timedelta(minutes=10)
    return [first, second], settled_at


def _experiment(going: _Going) -> _Told:
    change = going.opened(title=f"experiment: {going.task.title}")
    change.closed_at = later(_last(change), going.chance.uniform(10, 60))
    return [change], change.closed_at


_ENDINGS: Mapping[Ending, Callable[[_Going], _Told]] = MappingProxyType(
    {
        Ending.SHIPPED: _shipped,
        Ending.RELANDED: _relanded,
        Ending.ENDLESS: _endless,
        Ending.COSTLY: _shipped,
        Ending.REVERTED: _reverted,
        Ending.REJECTED: _rejected,
        Ending.STALLED: _stalled,
        Ending.UNPUSHED: _unpushed,
        Ending.SUPERSEDED: _superseded,
        Ending.EXPERIMENT: _experiment,
    }
)
