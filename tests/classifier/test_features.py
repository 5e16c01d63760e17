"""What a model sees of a session: what was known soon after its end, and nothing later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.features import Case, case_of, family, vector, was_open
from classifier.past_rates import past_rates
from classifier.run import classify
from domain.events import Context, Purpose, Quantity, Source, Trace
from domain.folded import CountKey, SessionKey, SessionSums, UsageKey, UsageSum
from domain.work import CheckState, DeploymentState, ReviewState, WorkFact
from store import sessions
from store.engine import Database
from store.features import KnownSession, known_sessions
from tests.conftest import Fresh
from tests.store.working import (
    START,
    apply,
    at,
    change,
    check,
    closed,
    commit,
    deployment,
    listed,
    merged,
    push,
    review,
    ticket,
    touching,
)

AFTER = timedelta(hours=24)
MINE = SessionKey("codex", "mine", "")
# The session ends after an hour; what is told later than a day after that is too late.
END, LATE = 60, 60 + 24 * 60
NOBODY = past_rates([])


def told(user: str | None = "p_dev", **counts: int) -> SessionSums:
    """A session of one hour on the change's branch, with a request and these counts."""
    sums = SessionSums(at(0), at(END), usage_rank=0, active=True)
    hour = int(START.timestamp()) // 3600
    key = UsageKey(0, Source.LOG, hour, "gpt-5-20260101", Purpose.MAIN, Context(user=user))
    sums.usage[key] = UsageSum(requests=4, input=1000, output=50, list_nanousd=10**9)
    for name, amount in counts.items():
        sums.counts[CountKey(Quantity(name), 0, "")] = amount
    traces = {Trace.BRANCH: "feature/shop", Trace.REPOSITORY: "acme/shop"}
    if user is not None:
        traces[Trace.IDENTITY] = user
    for trace, value in traces.items():
        sums.traces[trace, value] = sums.last_traced[trace, value] = at(1)
    return sums


def tell(database: Database, *facts: WorkFact, user: str | None = "p_dev", **counts: int) -> None:
    with database.writing() as connection:
        sessions.apply(connection, {MINE: told(user, **counts)})
    apply(database, *facts)
    conclude(database)


def conclude(database: Database) -> None:
    while classify(database, at(60 * 24 * 90)):
        pass


def known(database: Database, key: SessionKey = MINE) -> KnownSession:
    with database.reading() as connection:
        return known_sessions(connection, [key.pk], AFTER)[key.pk]


def seen(database: Database) -> tuple[Case, dict[str, float | None], bool]:
    """All that a model is given of the session."""
    mine = known(database)
    case = case_of(mine)
    return case, vector(mine, case, NOBODY), was_open(mine, None)


EARLY = (
    change(1, 70, created_at=at(70)),
    push("feature/shop", 71, commit(1, authored_at=at(50))),
    listed(1, 72, commit(1, authored_at=at(50))),
)
_Later = Callable[[float], WorkFact]
LATER: dict[str, _Later] = {
    "merged": lambda m: merged(1, m, created_at=at(70)),
    "closed": lambda m: closed(1, m, created_at=at(70)),
    "retitled": lambda m: change(1, m, created_at=at(70), title="fix: other", labels=("bug",)),
    "drafted": lambda m: change(1, m, created_at=at(70), draft=True),
    "grown": lambda m: change(1, m, created_at=at(70), additions=900, changed_files=40),
    "reviewed": lambda m: review("r", ReviewState.CHANGES_REQUESTED, m),
    "pushed": lambda m: push("feature/shop", m, commit(9, authored_at=at(m))),
    "listed": lambda m: listed(1, m, commit(1, authored_at=at(50)), commit(9, authored_at=at(m))),
    "touched": lambda m: touching(1, m, "a", "b", "c", lines=70),
    "failing": lambda m: check("ci", CheckState.FAILURE, m),
    "deployed": lambda m: deployment("d", DeploymentState.SUCCESS, m),
    "another": lambda m: change(2, m, created_at=at(m), head_ref="feature/shop"),
    "ticket": lambda m: ticket("SHOP-1", m),
}


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(LATER)), st.integers(LATE + 1, LATE + 60 * 24 * 40)),
        min_size=1,
        max_size=6,
    )
)
def test_nothing_that_came_later_is_seen(fresh: Fresh, later: list[tuple[str, int]]) -> None:
    with fresh() as database:
        tell(database, *EARLY, edits_accepted=3)
        before = seen(database)
        assert before[0].change is not None
        assert before[2]
        for name, minute in later:
            apply(database, LATER[name](minute))
        conclude(database)
        assert seen(database) == before


def test_what_came_in_time_is_seen(database: Database) -> None:
    tell(database, edits_accepted=3)
    alone = seen(database)[1]
    assert (alone["change_open"], alone["change_commits"]) == (0.0, None)
    apply(database, *EARLY)
    conclude(database)
    case, then, is_open = seen(database)
    assert (then["change_open"], case.repo, case.work_type) == (1.0, "acme/shop", "feature")
    assert then["change_commits"] is not None
    assert is_open
    apply(database, merged(1, LATE - 1, created_at=at(70)))
    conclude(database)
    assert not seen(database)[2]


def test_a_change_opened_too_late_was_not_there(database: Database) -> None:
    tell(database, change(1, LATE + 1, created_at=at(LATE + 1)), edits_accepted=3)
    assert seen(database)[0].change is None


def test_who_worked_is_not_seen(fresh: Fresh) -> None:
    def of(user: str | None) -> dict[str, float | None]:
        with fresh() as database:
            tell(database, *EARLY, user=user, edits_accepted=3)
            return seen(database)[1]

    mine = of("p_dev")
    assert of("p_other") == of(None) == mine
    assert not [name for name in mine if any(w in name for w in ("user", "person", "team"))]


def test_what_was_not_told_is_not_zero(database: Database) -> None:
    tell(database)
    mine = seen(database)[1]
    assert mine["edits_accepted"] is None
    assert mine["failures_share"] is None
    assert mine["tokens_cache_read"] is None
    assert mine["context_first"] is None
    assert mine["tokens_input"] is not None
    assert mine["model=gpt-5"] == 1.0


def test_a_session_that_tried_nothing_was_never_open(database: Database) -> None:
    tell(database)
    assert not seen(database)[2]


def test_closed_in_time_is_not_open(database: Database) -> None:
    tell(database, *EARLY, closed(1, 90, created_at=at(70)), edits_accepted=1)
    assert not was_open(known(database), None)
    assert known(database).changes["acme/shop", 1].closed_at == at(90)


def test_work_that_had_landed_is_not_open(database: Database) -> None:
    tell(database, edits_accepted=1)
    assert was_open(known(database), at(LATE + 1))
    assert not was_open(known(database), at(LATE))


def test_only_sessions_that_stand_alone_are_told(database: Database) -> None:
    child = told()
    child.traces[Trace.PARENT_SESSION, "mine"] = at(1)
    child.last_traced[Trace.PARENT_SESSION, "mine"] = at(1)
    tell(database, edits_accepted=1)
    with database.writing() as connection:
        sessions.apply(connection, {SessionKey("codex", "child", ""): child})
    with database.reading() as connection:
        both = [MINE.pk, SessionKey("codex", "child", "").pk]
        found = known_sessions(connection, both, AFTER)
    assert set(found) == {MINE.pk}
    # Its usage is the parent's.
    requests: Any = sum(used.requests or 0 for used in found[MINE.pk].used)
    assert requests == 8


@pytest.mark.parametrize(
    ("model", "plain"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic/Claude-Opus-4", "claude-opus-4"),
        ("gpt-5", "gpt-5"),
        ("gemini-2.5-pro-latest", "gemini-2.5-pro"),
        ("20250929", "20250929"),
    ],
)
def test_a_model_is_of_a_family(model: str, plain: str) -> None:
    assert family(model) == plain
