"""Work that goes in circles: a call that fails again and again, and subagents without end."""

from collections.abc import Iterator

from classifier.leak_detector import Answer, Detector, prompted, share_shown
from classifier.leak_usual import Usual, fanned_out
from classifier.thresholds import LeakThresholds
from domain.leaks import Group, Money, Untold, Watched

# Without sizes of prompts: how far a call's part of the cost may be off its part of the calls.
_OFF = 2


def _repeated(session: Watched, _: Usual, thresholds: LeakThresholds) -> Answer:
    """The part of the session's cost that its repeated failures are of its calls."""
    if session.tool_calls is None:
        return Untold.QUANTITY_UNTOLD
    if session.repeats < thresholds.repeats:
        return None
    if session.cost_nanousd is None:
        return Untold.PRICE_UNKNOWN
    by_calls = session.again / max(session.tool_calls, session.again)
    requests = sum(each.requests for each in prompted(session))
    by_requests = min(session.again / requests, 1.0) if requests else by_calls
    smallest, largest = _of_mean(session)
    cost = session.cost_nanousd
    return Money.between(
        cost * min(by_calls, by_requests) * smallest,
        cost * by_calls,
        cost * max(by_calls, by_requests) * largest,
        most=cost,
    )


def _of_mean(session: Watched) -> tuple[float, float]:
    """The smallest and the largest prompt, as parts of the mean one."""
    told = prompted(session)
    requests = sum(each.requests for each in told)
    prompts = sum(each.all for each in told)
    if session.prompts is None or not requests or not prompts:
        return 1 / _OFF, _OFF
    mean = prompts / requests
    return min(session.prompts.first / mean, 1.0), max(session.prompts.largest / mean, 1.0)


def _fanned(session: Watched, usual: Usual, thresholds: LeakThresholds) -> Answer:
    """What subagents took beyond what they take elsewhere."""
    if session.cost_nanousd is None:
        return Untold.PRICE_UNKNOWN
    taken = fanned_out(session)
    if taken is None:
        return Untold.QUANTITY_UNTOLD if session.cost_nanousd else None
    if taken < thresholds.fanout_share:
        return None
    known = usual.fanout.get(session.tool)
    if known is None:
        return Untold.NO_COMPARISON
    if taken <= known.p95 or known.better:
        return None
    cost = session.cost_nanousd
    beyond, high = cost * (taken - known.p95), cost * (taken - known.median)
    low = 0.0 if known.better is None else beyond
    return Money.between(low, (beyond + high) / 2, high, most=cost)


def _repeated_told(_: Group, __: Usual) -> str:
    return (
        "What a single call cost is not told: the estimate takes all calls of a session for equally"
        " dear, the bounds put the failing ones where the context was smallest and largest."
    )


def _fanned_told(group: Group, usual: Usual) -> str:
    known = usual.fanout.get(group.tool)
    if known is None:
        return "In the last four weeks there were too few sessions with subagents to compare with."
    ends = {
        True: "they end well more often than others",
        False: "they do not end well more often than others",
        None: "too few of them are labelled to say whether they end well more often",
    }
    return (
        f"Of {known.sessions} sessions of this tool with subagents in four weeks these take"
        f" {share_shown(known.median)} of the cost in the middle, and more than"
        f" {share_shown(known.p95)} in one of twenty; {ends[known.better]}."
    )


def detectors() -> Iterator[Detector]:
    """Both of them."""
    yield Detector(
        name="repeated_failures",
        sentence="The very same call failed {repeats} or more times in a session.",
        money="The part of the session's cost that failures of a call that had failed before are of"
        " all its calls. Bounds: the same by requests instead of calls, and with the smallest and"
        " the largest prompt of the session instead of the mean one (a half and the double where"
        " no prompt was told).",
        fix="Make the call work in the agent's environment (missing tools, rights, services), say"
        " in the instructions what to do instead, and set a limit of turns so that a loop ends.",
        by=("repo",),
        test=_repeated,
        told=_repeated_told,
    )
    yield Detector(
        name="subagent_fanout",
        sentence="Subagents took {fanout_share} of the cost or more, and more than in 95 % of the"
        " tool's sessions with subagents, whose outcomes are no worse.",
        money="What subagents took beyond what is usual. Upper bound: beyond the median. Estimate:"
        " halfway from there to beyond the 95th percentile. Lower bound: beyond the 95th"
        " percentile, and nothing where too few are labelled to compare outcomes.",
        fix="Set a limit for subagents at once and in all, give them a cheaper model, and have them"
        " only for work that really falls apart into independent parts.",
        by=("team",),
        test=_fanned,
        told=_fanned_told,
    )
