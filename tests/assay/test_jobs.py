"""Jobs count what they did, and say it to whoever listens."""

import pytest

from assay.jobs import Ended, Jobs


def test_a_job_that_did_something_is_counted_and_told() -> None:
    jobs, heard = Jobs(), list[Ended]()
    jobs.listeners.append(heard.append)
    with jobs.job("fold") as doing:
        doing.done = 7
    counts, seconds = jobs.durations["fold"].seen()
    assert (sum(counts), seconds > 0) == (1, True)
    [ended] = heard
    assert (ended.name, ended.done, ended.error) == ("fold", 7, None)
    assert ended.began_ns < ended.ended_ns


def test_a_look_that_found_nothing_is_no_job() -> None:
    jobs, heard = Jobs(), list[Ended]()
    jobs.listeners.append(heard.append)
    with jobs.job("fold"):
        pass
    assert (heard, dict(jobs.durations), dict(jobs.failures)) == ([], {}, {})


def test_what_a_job_raises_is_counted_and_goes_on() -> None:
    jobs, heard = Jobs(), list[Ended]()
    jobs.listeners.append(heard.append)
    with pytest.raises(ZeroDivisionError), jobs.job("judge"):
        raise ZeroDivisionError("a private word")
    assert dict(jobs.failures) == {"judge": 1}
    assert [each.error for each in heard] == ["ZeroDivisionError"]
    assert "private" not in repr(heard)
