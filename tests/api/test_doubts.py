"""A sum says how many of its sessions used more than it has; a session, that it cost more."""

from datetime import timedelta

import pytest

from classifier.run import classify
from domain.events import Context, Purpose, Quantity, Source, Trace
from domain.folded import CountKey, Folded, SessionKey, SessionSums, UsageKey, UsageSum
from domain.record import EPOCH, Signal
from domain.usage import NANOUSD
from store import sessions
from store.engine import Database
from tests.api.answering import NOW, Json, client, get
from tests.api.test_families import records
from tests.capturing import CAPTURES
from tests.filling import bodies, fill

AT = NOW - timedelta(days=40)
CLAUDE = CAPTURES / "claude-code" / "02-edit-bash-http-json-delta"
LOW = ("incomplete_sessions", "lower_bound_sessions")


def used(
    model: str, tokens: int, rank: int = 0, purpose: Purpose = Purpose.MAIN, **costs: int
) -> tuple[UsageKey, UsageSum]:
    hour = (AT - EPOCH) // timedelta(hours=1)
    key = UsageKey(rank, Source.LOG, hour, model, purpose, Context(user="p_ada"))
    return key, UsageSum(requests=1, input=tokens, cache_read=0, output=0, **costs)


def session(
    name: str,
    *usage: tuple[UsageKey, UsageSum],
    started: int = 0,
    tool: str = "claude-code",
    parent: str = "",
    weeks: int = 0,
) -> tuple[SessionKey, SessionSums]:
    first = AT + timedelta(weeks=weeks)
    sums = SessionSums(first, first + timedelta(minutes=5), usage_rank=0, active=True)
    hours = weeks * timedelta(weeks=1) // timedelta(hours=1)
    sums.usage = {key._replace(hour=key.hour + hours): of for key, of in usage}
    sums.counts = {CountKey(Quantity.REQUESTS_STARTED, 0, ""): started} if started else {}
    if parent:
        sums.traces[Trace.PARENT_SESSION, parent] = AT
        sums.last_traced[Trace.PARENT_SESSION, parent] = AT
    return SessionKey(tool, name, ""), sums


def tell(database: Database, *told: tuple[SessionKey, SessionSums]) -> None:
    with database.writing() as connection:
        sessions.apply(connection, Folded(dict(told)))


def conclude(database: Database) -> None:
    while classify(database, NOW):
        pass


def low(told: Json) -> tuple[int, int]:
    return told["incomplete_sessions"], told["lower_bound_sessions"]


def test_a_lost_batch_of_logs_is_told_wherever_the_sum_is(database: Database) -> None:
    logs = [body for body in bodies(CLAUDE) if body[0] is Signal.LOGS]
    others = [body for body in bodies(CLAUDE) if body[0] is not Signal.LOGS]
    every = records(logs)
    [lost, *_] = [body for body in every if b"claude_code.api_request" in body[2]]
    fill(database, [*(body for body in every if body != lost), *others])
    conclude(database)
    http = client(database, privacy_floor=1)
    for by in ("tool", "model", "day", "session", "team"):
        told = get(http, "/v1/usage", group_by=by)
        assert low(told["total"]) == (1, 0)
        assert [low(row) for row in told["rows"]] == [(1, 0)]
    fill(database, [lost])
    conclude(database)
    assert low(get(http, "/v1/usage")["total"]) == (0, 0)


def test_sums_count_the_sessions_that_say_so_themselves(database: Database) -> None:
    tell(
        database,
        session("whole", used("a", 5, list_nanousd=NANOUSD), started=1),
        session("lost", used("a", 5, list_nanousd=NANOUSD), started=2),
        session(
            "both",
            used("b", 5, list_nanousd=NANOUSD),
            used("c", 3, unpriced_tokens=3),
            started=4,
        ),
        session("unknown", used("c", 5, unpriced_tokens=5)),
        session("root", used("a", 5, list_nanousd=NANOUSD), started=1),
        session("child", used("b", 5, list_nanousd=NANOUSD), started=3, parent="root"),
    )
    conclude(database)
    http = client(database, privacy_floor=1)
    listed = get(http, "/v1/sessions")["rows"]
    of_them = [row["complete"] is False for row in listed], [row["lower_bound"] for row in listed]
    total = get(http, "/v1/usage")["total"]
    assert low(total) == (sum(of_them[0]), sum(of_them[1])) == (3, 1)
    by_model = {row["model"]: low(row) for row in get(http, "/v1/usage", group_by="model")["rows"]}
    # The session that the subagent's belongs to counts where either has a part.
    assert by_model == {"a": (2, 0), "b": (2, 1), "c": (1, 1)}
    assert low(get(http, "/v1/usage", session="child")["total"]) == (1, 0)
    for path in ("/v1/efficiency", "/v1/kpis"):
        told = get(http, path, group_by="tool")
        assert [low(row) for row in (*told["rows"], told["total"])] == [(3, 1)] * 2
    assert "1 in part of unknown cost, 3 incomplete" in http.get("/?tool=claude-code").text


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ([used("a", 5, list_nanousd=7)], (7, "list", False)),
        ([used("a", 5, reported_nanousd=3, list_nanousd=7)], (3, "reported", False)),
        ([used("a", 5, list_nanousd=7), used("b", 1, unpriced_tokens=1)], (7, "list", True)),
        # Reported for a part, and more than the list has for the rest.
        (
            [used("a", 5, reported_nanousd=9, unpriced_tokens=5), used("b", 1, list_nanousd=7)],
            (9, "reported", True),
        ),
        ([used("b", 1, unpriced_tokens=1)], (None, None, False)),
        # What another signal tells beside it changes nothing.
        ([used("a", 5, list_nanousd=7), used("a", 5, 1, unpriced_tokens=5)], (7, "list", False)),
    ],
)
def test_a_session_says_what_it_cost_and_whether_that_is_all(
    usage: list[tuple[UsageKey, UsageSum]],
    expected: tuple[int | None, str | None, bool],
    database: Database,
) -> None:
    tell(database, session("s", *usage))
    http = client(database, privacy_floor=1)
    [row] = get(http, "/v1/sessions")["rows"]
    for told in (row, get(http, "/v1/sessions/claude-code/s")):
        nano = None if told["spent_usd"] is None else round(told["spent_usd"] * NANOUSD)
        assert (nano, told["spent_as"], told["lower_bound"]) == expected
    page = http.get("/sessions/claude-code/s").text
    assert ("at least" in page) is expected[2]
    assert ("What it cost is not known." in page) is (expected[0] is None)


def test_of_a_period_only_what_was_at_work_then_is_counted(database: Database) -> None:
    """A subagent may work on when the session that it belongs to has ended, weeks before."""
    usage = used("a", 5, list_nanousd=NANOUSD)
    tell(
        database,
        session("early", usage, started=2),
        session("late", usage, started=2, weeks=3),
        session("root", usage, started=2),
        session("child", usage, started=1, parent="root", weeks=4),
    )
    conclude(database)
    http = client(database, privacy_floor=1)
    said = {}
    for weeks in range(-1, 6):
        start = (AT + timedelta(weeks=weeks)).isoformat()
        said[weeks] = get(http, "/v1/usage", **{"from": start})["total"]["incomplete_sessions"]
        rows = get(http, "/v1/usage", group_by="day", **{"from": start})["rows"]
        assert sum(row["incomplete_sessions"] for row in rows) >= said[weeks]
    assert said == {-1: 3, 0: 3, 1: 2, 2: 2, 3: 2, 4: 1, 5: 0}
