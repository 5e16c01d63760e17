"""Refusals at the collector's doors. Each carries a stable code and what to do about it.

CollectorError
├── Undecodable    the body is not what its content type says; sending it again cannot help
└── Unavailable    not now: the inbox is full or the database busy; the sender should retry
"""

import traceback


class CollectorError(Exception):
    """A refusal with a stable ``code`` and a sentence for whoever configured the sender."""

    code = "collector_error"


class Undecodable(CollectorError):
    """400 / INVALID_ARGUMENT: can never succeed."""

    code = "not_otlp"


class Unavailable(CollectorError):
    """503 / UNAVAILABLE: nothing was stored; retry after a moment."""

    code = "unavailable"


def origin(error: BaseException) -> str:
    """Where an unforeseen error came from, for the log: its message may repeat private content."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    cause = "" if error.__cause__ is None else f", from {type(error.__cause__).__name__}"
    return f"{type(error).__name__} in {place.filename}, line {place.lineno}{cause}"
