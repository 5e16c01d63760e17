"""What is usual in the company, to compare sessions with: of a week and the three before it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import TypeVar

from classifier.thresholds import LeakThresholds
from domain.labels import Label
from domain.leaks import Watched

_TELLING = frozenset({Label.PRODUCTIVE.value, Label.INEFFICIENT.value, Label.WASTEFUL.value})
# How much better outcomes must be to count as better: less is noise among tens of sessions.
_BETTER = 0.05
# A quartile of fewer says nothing.
_LEAST = 4

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Reached:
    """The share of prompt tokens that comes from the cache where caching works."""

    lower: float
    median: float
    sessions: int


@dataclass(frozen=True, slots=True)
class FirstPrompt:
    """A repository's median first prompt, and that of the tool's other repositories, in tokens.

    ``upper`` is the third quartile of the other repositories' medians.
    """

    own: float
    others: float
    upper: float
    repositories: int


@dataclass(frozen=True, slots=True)
class Fanout:
    """The share of cost that subagents take, over a tool's sessions that have any.

    ``better`` is whether sessions beyond the 95th percentile end well more often than the others;
    None where too few of either are labelled.
    """

    median: float
    p95: float
    better: bool | None
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cheaper:
    """A cheaper tool and model that does as well at one type of work.

    ``probability`` is that of being as good; ``by_piece`` the share by which its pieces of this
    type cost less, below zero where they cost more.
    """

    tool: str
    model: str
    probability: float
    by_piece: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """All of it. What is missing could not be told.

    ``compared`` are the tools and models, by type of work, that did enough of it to be compared.
    """

    caching: Mapping[tuple[str, str | None], Reached] = field(default_factory=dict)
    first: Mapping[tuple[str, str], FirstPrompt] = field(default_factory=dict)
    fanout: Mapping[str, Fanout] = field(default_factory=dict)
    cheaper: Mapping[tuple[str, str, str], Cheaper] = field(default_factory=dict)
    compared: frozenset[tuple[str, str, str]] = frozenset()


@dataclass(slots=True)
class Observed:
    """What one week's sessions were like: numbers only, so that weeks can be kept."""

    caching: dict[tuple[str, str | None], list[float]] = field(default_factory=dict)
    first: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    fanout: dict[str, list[tuple[float, str | None]]] = field(default_factory=dict)


def observe(sessions: Iterable[Watched], thresholds: LeakThresholds) -> Observed:
    """Note what these sessions were like."""
    seen = Observed()
    for session in sessions:
        if session.repo is not None and session.prompts is not None:
            seen.first.setdefault((session.tool, session.repo), []).append(session.prompts.first)
        for model, share in cached_shares(session, thresholds):
            if share >= thresholds.caching_share:
                seen.caching.setdefault((session.tool, model), []).append(share)
        taken = fanned_out(session)
        if taken:
            seen.fanout.setdefault(session.tool, []).append((taken, session.label))
    return seen


def cached_shares(
    session: Watched, thresholds: LeakThresholds
) -> Iterable[tuple[str | None, float]]:
    """By model: the share of its own conversation's prompt tokens that came from the cache."""
    for each in session.tokens:
        prompt = (each.input or 0) + (each.cache_read or 0) + (each.cache_write or 0)
        many = (each.requests or 0) >= thresholds.caching_requests
        if each.purpose in (None, "main") and many and each.cache_read is not None and prompt:
            yield each.model, each.cache_read / prompt


def fanned_out(session: Watched) -> float | None:
    """The share of a session's cost that subagents took; None where that was not told."""
    told = [each for each in session.tokens if each.purpose is not None]
    if not session.cost_nanousd or not told:
        return None
    taken = sum(each.cost_nanousd or 0 for each in told if each.purpose == "subagent")
    return taken / session.cost_nanousd


def usual(weeks: Sequence[Observed], thresholds: LeakThresholds) -> Usual:
    """What is usual over these weeks."""
    caching = _joined([week.caching for week in weeks])
    fanout = _joined([week.fanout for week in weeks])
    enough = thresholds.fanout_sessions
    return Usual(
        caching={
            key: Reached(quantiles(shares, n=4)[0], median(shares), len(shares))
            for key, shares in caching.items()
            if len(shares) >= _LEAST
        },
        first=_first(_joined([week.first for week in weeks]), thresholds),
        fanout={
            tool: _fanout(told, thresholds) for tool, told in fanout.items() if len(told) >= enough
        },
    )


def _first(
    prompts: Mapping[tuple[str, str], Sequence[int]], thresholds: LeakThresholds
) -> dict[tuple[str, str], FirstPrompt]:
    medians: dict[str, dict[str, float]] = defaultdict(dict)
    for (tool, repo), firsts in prompts.items():
        if len(firsts) >= thresholds.first_sessions:
            medians[tool][repo] = median(firsts)
    found = {}
    for tool, by_repo in medians.items():
        ordered = sorted(by_repo.values())
        if len(ordered) <= thresholds.other_repositories:
            continue
        for repo, own in by_repo.items():
            place = ordered.index(own)
            others = ordered[:place] + ordered[place + 1 :]
            upper = quantiles(others, n=4)[2] if len(others) >= _LEAST else others[-1]
            found[tool, repo] = FirstPrompt(own, median(others), upper, len(others))
    return found


def _fanout(told: Sequence[tuple[float, str | None]], thresholds: LeakThresholds) -> Fanout:
    shares = [share for share, _ in told]
    p95 = quantiles(shares, n=20)[-1]
    beyond = [label for share, label in told if share > p95 and label in _TELLING]
    within = [label for share, label in told if share <= p95 and label in _TELLING]
    better = None
    if min(len(beyond), len(within)) >= thresholds.fanout_settled:
        better = _good(beyond) > _good(within) + _BETTER
    return Fanout(median(shares), p95, better, len(shares))


def _good(labels: Sequence[str | None]) -> float:
    return sum(label == Label.PRODUCTIVE.value for label in labels) / len(labels)


def _joined(weeks: Iterable[Mapping[_Key, Sequence[_Value]]]) -> dict[_Key, list[_Value]]:
    joined: dict[_Key, list[_Value]] = defaultdict(list)
    for week in weeks:
        for key, values in week.items():
            joined[key].extend(values)
    return joined
