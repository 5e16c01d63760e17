"""Why a change was closed without landing: the words for it, in the order of deciding."""

from enum import StrEnum


class ClosedReason(StrEnum):
    """Why a change was closed without landing (``classifier.closing``)."""

    SUPERSEDED = "superseded"
    DUPLICATE = "duplicate"
    CI_FAILURE = "ci_failure"
    REJECTED_CODE = "rejected_code"
    SCOPE_DECLINED = "scope_declined"
    STALE_AUTO = "stale_auto"
    TEST_OR_EXPERIMENT = "test_or_experiment"
    AGENT_ERROR = "agent_error"
    UNKNOWN = "unknown"
