"""Measuring leaks: week by week through the sessions, each before every detector.

Only sums, people and the few dearest sessions of each group are held, never all sessions, so that
memory does not grow with their number.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappush, heapreplace

from classifier.leak_detector import Detector
from classifier.leak_usual import Usual
from classifier.leaks import DETECTORS
from classifier.thresholds import LeakThresholds
from domain.leaks import (
    NOTHING,
    DetectorCoverage,
    Group,
    LeakEvidence,
    LeakFound,
    LeakWeek,
    Measured,
    Money,
    Untold,
    Watched,
)
from domain.people import somebody

# Sessions named as evidence of a finding.
EVIDENCE = 10

_Key = tuple[str | None, ...]


@dataclass(slots=True)
class _Week:
    """What a group lost and spent in a week, and by whom."""

    lost: Money = NOTHING
    spent: int = 0
    people: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Held:
    """What is held of a group."""

    weeks: dict[date, _Week] = field(default_factory=dict)
    sessions: int = 0
    people: set[str] = field(default_factory=set)
    seen_on: date | None = None
    dearest: list[tuple[int, int, LeakEvidence]] = field(default_factory=list)


@dataclass(slots=True)
class Tally:
    """Sums over the weeks measured so far, as known at ``as_of``."""

    thresholds: LeakThresholds
    as_of: datetime
    detectors: Sequence[Detector] = DETECTORS
    _groups: dict[str, dict[_Key, _Held]] = field(default_factory=lambda: defaultdict(dict))
    _judged: Counter[str] = field(default_factory=Counter)
    _untold: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lost: Money = NOTHING
    _spent: int = 0
    _sessions: int = 0
    _people: set[str] = field(default_factory=set)
    _usual: Usual = field(default_factory=Usual)

    def add(self, week: date, sessions: Iterable[Watched], usual: Usual) -> None:
        """Look at the sessions of the week that begins on this Monday."""
        self._usual = usual
        end = datetime.combine(week + timedelta(weeks=1), time(), UTC)
        detectors = [
            (each, end + timedelta(days=each.settles_days) <= self.as_of) for each in self.detectors
        ]
        for session in sessions:
            self._spent += session.cost_nanousd or 0
            lost = [
                money
                for detector, in_time in detectors
                if (money := self._look(detector, week, session, in_time=in_time)) is not None
            ]
            if lost:
                self._lost += together(lost, session.cost_nanousd or 0)
                self._sessions += 1
                self._people |= _person(session)

    def _look(
        self, detector: Detector, week: date, session: Watched, *, in_time: bool
    ) -> Money | None:
        if not in_time:
            # Left out with its spend: half known, it would look as if little were lost.
            self._untold[detector.name, Untold.NOT_SETTLED.value] += 1
            return None
        held = self._held(detector, session)
        answer = detector.test(session, self._usual, self.thresholds)
        in_week = held.weeks.get(week)
        if in_week is None:
            in_week = held.weeks[week] = _Week()
        in_week.spent += session.cost_nanousd or 0
        person = _person(session)
        in_week.people |= person
        if isinstance(answer, Untold):
            self._untold[detector.name, answer.value] += 1
            return None
        self._judged[detector.name] += 1
        if answer is None or not answer.high:
            return None
        in_week.lost += answer
        held.sessions += 1
        held.seen_on = week
        held.people |= person
        _keep_dearest(held, session, answer)
        return answer

    def _held(self, detector: Detector, session: Watched) -> _Held:
        groups = self._groups[detector.name]
        key = (session.tool, *(getattr(session, name) for name in detector.by))
        held = groups.get(key)
        if held is None:
            held = groups[key] = _Held()
        return held

    def found(self) -> list[LeakFound]:
        """Every group that leaks, the one that loses most first."""
        findings = [
            _finding(detector, _group(detector, key), held, self._usual)
            for detector in self.detectors
            for key, held in self._groups[detector.name].items()
            if held.sessions
        ]
        return sorted(findings, key=lambda each: (-each.lost.estimate, each.group.id))

    def weeks(self, known: frozenset[str]) -> Mapping[str, tuple[Group, list[LeakWeek]]]:
        """By leak id: the weeks of every group that leaks, or that is among those known by id."""
        told: dict[str, tuple[Group, list[LeakWeek]]] = {}
        for detector in self.detectors:
            for key, held in self._groups[detector.name].items():
                group = _group(detector, key)
                leak_id = group.id
                if held.sessions or leak_id in known:
                    told[leak_id] = (group, _weeks(held))
        return told

    def measured(self, at: datetime, since: date, until: date) -> Measured:
        """All of it together."""
        return Measured(
            at=at,
            since=since,
            until=until,
            lost=self._lost,
            spent_nanousd=self._spent,
            sessions=self._sessions,
            people=len(self._people),
            coverage={
                detector.name: DetectorCoverage(
                    judged=self._judged[detector.name],
                    untold={
                        why: number
                        for (name, why), number in sorted(self._untold.items())
                        if name == detector.name
                    },
                )
                for detector in self.detectors
            },
        )


def together(lost: Sequence[Money], cost: int) -> Money:
    """What a session loses in several ways at once, none of its cost counted twice.

    At least the largest lower bound, since each loss is a part of the whole; at most all upper
    bounds together, or what the session cost. The estimate is that of its largest loss.
    """
    return Money(
        low=max(each.low for each in lost),
        estimate=max(each.estimate for each in lost),
        high=min(sum(each.high for each in lost), cost),
    )


def _group(detector: Detector, key: _Key) -> Group:
    tool, *values = key
    told = dict(zip(detector.by, values, strict=True))
    return Group(
        detector=detector.name,
        tool=tool or "",
        team=told.get("team"),
        repo=told.get("repo"),
        model=told.get("model"),
        work_type=told.get("work_type"),
    )


def _finding(detector: Detector, group: Group, held: _Held, usual: Usual) -> LeakFound:
    lost = NOTHING
    for week in held.weeks.values():
        lost += week.lost
    return LeakFound(
        group=group,
        lost=lost,
        spent_nanousd=sum(week.spent for week in held.weeks.values()),
        sessions=held.sessions,
        people=len(held.people),
        seen_on=held.seen_on or max(held.weeks),
        how=detector.told(group, usual),
        evidence=tuple(each for *_, each in sorted(held.dearest, reverse=True)),
        persons=frozenset(held.people),
    )


def _weeks(held: _Held) -> list[LeakWeek]:
    return [
        LeakWeek(week=week, lost=each.lost, spent_nanousd=each.spent, people=len(each.people))
        for week, each in sorted(held.weeks.items())
        if each.spent
    ]


def _person(session: Watched) -> set[str]:
    """Who had it; nobody where telemetry tells nobody, or only a machine."""
    person = somebody(session.person)
    return set() if person is None else {person}


def _keep_dearest(held: _Held, session: Watched, lost: Money) -> None:
    told = LeakEvidence(
        session_pk=session.pk, tool=session.tool, session_id=session.session_id, lost=lost
    )
    # The key decides between two of the same loss, so that the order of reading does not.
    entry = (lost.estimate, -session.pk, told)
    if len(held.dearest) < EVIDENCE:
        heappush(held.dearest, entry)
    elif entry[:2] > held.dearest[0][:2]:
        heapreplace(held.dearest, entry)
