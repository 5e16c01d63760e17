"""How complete a session's telemetry is, by what it says of itself.

Nothing outside tells what was never sent. But a tool that tells when a request begins owes its end,
a process that says that it started owes its end, and signals that repeat each other must agree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.usage import Tokens, add

_PROMPT = ("input", "cache_read", "cache_write")


@dataclass(frozen=True, slots=True)
class Told:
    """What one signal told of a session's answered requests; None: it does not count requests."""

    tokens: Tokens
    requests: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What is known to be missing of a session; None where its tool does not tell.

    ``requests_unanswered`` began and neither came back nor failed, ``requests_unmeasured`` came
    back without usage, ``processes_unended`` started and said no farewell: they run, or were
    killed. ``tokens_missing`` is what other signals told beyond the one that is counted.
    """

    requests_started: int | None = None
    requests_unanswered: int | None = None
    requests_unmeasured: int | None = None
    sources_agree: bool | None = None
    tokens_missing: int | None = None
    processes_started: int | None = None
    processes_unended: int | None = None

    @property
    def complete(self) -> bool | None:
        """False where something is missing, True where something confirms that nothing is.

        Another signal that tells less than the one counted speaks neither for nor against that one.
        """
        unended = (self.requests_unanswered, self.processes_unended)
        if any(unended) or self.requests_unmeasured or self.tokens_missing:
            return False
        return True if self.sources_agree or 0 in unended else None


def together(all_of: Iterable[Completeness]) -> Completeness:
    """Sessions that count as one."""
    total = Completeness()
    for each in all_of:
        agreements = {total.sources_agree, each.sources_agree} - {None}
        total = Completeness(
            requests_started=add(total.requests_started, each.requests_started),
            requests_unanswered=add(total.requests_unanswered, each.requests_unanswered),
            requests_unmeasured=add(total.requests_unmeasured, each.requests_unmeasured),
            sources_agree=all(agreements) if agreements else None,
            tokens_missing=add(total.tokens_missing, each.tokens_missing),
            processes_started=add(total.processes_started, each.processes_started),
            processes_unended=add(total.processes_unended, each.processes_unended),
        )
    return total


def owed(begun: int | None, ended: int | None) -> int | None:
    """How many of those begun did not end; None where either is not told."""
    return None if begun is None or ended is None else max(0, begun - ended)


def sources_agree(booked: Told, others: Sequence[Told]) -> bool | None:
    """Whether other signals of a session tell the same; None where none can be compared."""
    verdicts = {_agree(booked, other) for other in others} - {None}
    return all(verdicts) if verdicts else None


def tokens_missing(booked: Told, others: Sequence[Told]) -> int | None:
    """The most tokens that another signal tells beyond the one counted; None: no other tells any.

    The prompt is compared as a whole: some counters leave the cached part inside the input.
    """
    told = [other.tokens for other in others if other.tokens.told()]
    return max((_beyond(booked.tokens, tokens) for tokens in told), default=None)


def _agree(booked: Told, other: Told) -> bool | None:
    one, two = booked.tokens, other.tokens
    verdicts = {_prompts_agree(one, two), _outputs_agree(one, two)} - {None}
    if False not in verdicts:
        return True if verdicts else None
    # As many requests with fewer tokens: nothing got lost, the signal leaves some out by design
    # (thoughts and prompts of tools in Gemini CLI's spans).
    as_many = booked.requests is not None and booked.requests == other.requests
    return as_many and not _beyond(one, two)


def _beyond(booked: Tokens, other: Tokens) -> int:
    prompt = max(0, _prompt(other) - _prompt(booked))
    return prompt + max(0, (other.output or 0) - (booked.output or 0))


def _prompts_agree(one: Tokens, other: Tokens) -> bool | None:
    """Bucket by bucket; or as a whole where one of them leaves the cached part in the input."""
    pairs = [(getattr(one, name), getattr(other, name)) for name in _PROMPT]
    shared = [(a, b) for a, b in pairs if a is not None and b is not None]
    if not shared:
        return None
    if all(a == b for a, b in shared):
        return True
    return len(shared) < len(_PROMPT) and _prompt(one) == _prompt(other)


def _outputs_agree(one: Tokens, other: Tokens) -> bool | None:
    """With reasoning; or without it where one of them does not know of any."""
    if one.output is None or other.output is None:
        return None
    more, less = (one, other) if one.reasoning is not None else (other, one)
    unaware = less.reasoning is None and more.reasoning is not None
    without = (more.output or 0) - (more.reasoning or 0) if unaware else more.output
    return less.output in (more.output, without)


def _prompt(tokens: Tokens) -> int:
    return sum(getattr(tokens, name) or 0 for name in _PROMPT)
