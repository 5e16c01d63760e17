"""Why a change was closed without landing: the first reason that anything speaks for.

A forge tells no reason, and two thirds of rejected changes of coding agents carry no word of a
reviewer. So ``unknown`` is a reason like any other, and not a bad one: of 353 such changes that
people judged, a third could not be told.
"""

import re
from datetime import datetime

from domain.closing import ClosedReason
from domain.labels import Feedback
from domain.work import CheckState, ReviewState
from store.closing import Closing
from store.history import ChangeHistory

# Of the closed change's files that a successor by the same hand touches.
_SAME_FILES = 0.5

_DUPLICATE = frozenset({"duplicate", "duplicated"})
_DECLINED = frozenset(
    {
        *("declined", "invalid", "not planned", "not-planned", "out of scope", "out-of-scope"),
        *("rejected", "won't do", "won't fix", "wont-do", "wont-fix", "wontfix", "wontdo"),
    }
)
_STALE = frozenset({"abandoned", "inactive", "no activity", "no-activity", "rotten", "stale"})
_FAILED_AGENT = frozenset({"agent error", "agent-error", "agent failure", "agent-failure"})
# "test: cover the cart" is a conventional commit, and no experiment.
_MARKED = r"wip|dnm|do[ -]not[ -]merge|don'?t merge|experiment|poc|spike|proof of concept"
_EXPERIMENT = re.compile(
    rf"\A\W*(?:(?:{_MARKED})\b"
    r"|(?:just )?(?:a )?test(?:ing)?(?: (?:pr|mr|pull request|merge request|change|only))?\W*\Z)"
    rf"|[\[(](?:{_MARKED}|test)[\])]",
    re.IGNORECASE,
)


def closed_reason(change: ChangeHistory, closing: Closing, as_of: datetime) -> ClosedReason:
    """Tell why it was closed, by what was known then."""
    labels = {label.casefold() for label in change.labels or ()}
    merged = [each for each in closing.successors if each.merged_at <= as_of]
    superseded = any(at <= as_of for at in closing.named_since) or any(
        each.same_work or each.shared_files >= _SAME_FILES for each in merged
    )
    # In the order of the reasons.
    speaking = {
        ClosedReason.SUPERSEDED: superseded,
        ClosedReason.DUPLICATE: bool(labels & _DUPLICATE),
        ClosedReason.CI_FAILURE: _failing(closing, as_of),
        ClosedReason.REJECTED_CODE: _rejected(change.feedback, as_of),
        ClosedReason.SCOPE_DECLINED: bool(labels & _DECLINED),
        ClosedReason.STALE_AUTO: bool(labels & _STALE),
        ClosedReason.TEST_OR_EXPERIMENT: _EXPERIMENT.search(change.title) is not None,
        ClosedReason.AGENT_ERROR: bool(labels & _FAILED_AGENT),
    }
    return next((reason for reason, told in speaking.items() if told), ClosedReason.UNKNOWN)


def _failing(closing: Closing, as_of: datetime) -> bool:
    """Whether its last commit failed a check that nobody has got to pass since."""
    return any(check.state is CheckState.FAILURE and check.at <= as_of for check in closing.checks)


def _rejected(feedback: tuple[Feedback, ...], as_of: datetime) -> bool:
    """Whether the last word of a person other than the author was to change it."""
    said = [
        piece.state
        for piece in sorted(feedback, key=lambda each: each.submitted_at)
        if piece.by_human
        and not piece.by_author
        and piece.submitted_at <= as_of
        and piece.state in (ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED)
    ]
    return said[-1:] == [ReviewState.CHANGES_REQUESTED]
