"""A job that fails is left alone for a while; a database that is away is no such failure."""

import pytest

from assay.guarding import Guard
from store.engine import StoreError


class Job:
    """Fails with this, and counts how often it was tried."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.tried = 0

    def __call__(self) -> None:
        self.tried += 1
        if self.error is not None:
            raise self.error


def test_what_failed_is_left_alone_for_a_minute_and_no_other_job_is() -> None:
    times = iter((0.0, 0.0, 0.0, 59.0, 59.0, 61.0, 61.0, 61.0, 122.0, 123.0))
    guard = Guard(lambda: next(times))
    bad, good = Job(ZeroDivisionError("a private word")), Job()
    for tried in (1, 1, 2):
        guard.attempt("judge", bad)
        guard.attempt("leaks", good)
        assert bad.tried == tried
    assert good.tried == 3
    bad.error = None
    for tried in (3, 4):
        guard.attempt("judge", bad)
        assert bad.tried == tried


def test_what_the_database_refuses_is_a_failure_and_that_it_is_away_is_none() -> None:
    guard = Guard(lambda: 0.0)
    refused, away = Job(StoreError("a number")), Job(StoreError("busy", passing=True))
    for _ in range(2):
        guard.attempt("judge", refused)
        with pytest.raises(StoreError):
            guard.attempt("leaks", away)
    assert (refused.tried, away.tried) == (1, 2)
