"""Subagents with a session of their own: shown under the one they work for, counted once."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from collector.decode import Encoding
from domain.record import Signal
from store.engine import Database
from tests.api.answering import Json, client, get
from tests.capturing import CAPTURES
from tests.filling import Fresh, bodies, fill, folded
from tests.otlp import Body, merged, parse, singles, write

CODEX = CAPTURES / "codex"
SUBAGENT = CODEX / "07-subagent"
PARENT = "01a20189-7145-7b73-90cb-ecf89282f849"
CHILD = "01a20189-728a-77a1-a7b4-13e9dfe3b80e"
WHOLE = {"requests": 5, "input": 24510, "cache_read": 41405, "output": 665}
PARENTS = {"requests": 3, "input": 17307, "cache_read": 34304, "output": 521}
CHILDS = {"requests": 2, "input": 7203, "cache_read": 7101, "output": 144}
FEW = settings(max_examples=6, deadline=None, phases=[Phase.reuse, Phase.generate])


def numbers(row: Json) -> dict[str, int]:
    return {"requests": row["requests"], **{n: row["tokens"][n] for n in list(WHOLE)[1:]}}


def records(scenario: Iterable[Body], *without: bytes) -> list[Body]:
    """Each record in a body of its own, but for those that hold one of these."""
    return [
        write(single, Encoding.PROTOBUF)
        for body in scenario
        for single in singles(parse(body))
        if not any(word in single.SerializeToString() for word in without)
    ]


def answers(http: TestClient) -> list[Json]:
    detail = get(http, f"/v1/sessions/codex/{PARENT}")
    return [
        get(http, "/v1/sessions"),
        get(http, "/v1/usage", group_by="session"),
        get(http, "/v1/usage", group_by="tool,model,day"),
        detail,
        get(http, f"/v1/sessions/codex/{CHILD}"),
    ]


@pytest.fixture
def http(database: Database) -> TestClient:
    fill(database, bodies(SUBAGENT))
    return client(database)


def test_a_subagent_is_not_listed_beside_its_parent_whose_numbers_hold_its_own(
    http: TestClient,
) -> None:
    [row] = get(http, "/v1/sessions")["rows"]
    assert (row["session_id"], row["child_sessions"], row["complete"]) == (PARENT, 1, True)
    assert numbers(row) == WHOLE


def test_usage_by_session_is_that_of_the_whole_family_and_the_total_is_unchanged(
    http: TestClient,
) -> None:
    told = get(http, "/v1/usage", group_by="session")
    [row] = told["rows"]
    assert (row["session"], row["sessions"]) == (PARENT, 1)
    assert numbers(row) == numbers(told["total"]) == WHOLE
    assert numbers(get(http, "/v1/usage")["total"]) == WHOLE
    assert told["total"]["sessions"] == 1


@pytest.mark.parametrize(
    ("asked", "wanted"), [(PARENT, WHOLE), (CHILD, CHILDS), ([PARENT, CHILD], WHOLE)]
)
def test_a_filter_by_the_childs_id_takes_its_own_part(
    asked: str | list[str], wanted: Json, http: TestClient
) -> None:
    told = get(http, "/v1/usage", session=asked, group_by="session")
    assert [(row["session"], numbers(row)) for row in told["rows"]] == [(PARENT, wanted)]


def test_the_parent_from_all_sides_and_its_child_below_it(http: TestClient) -> None:
    told = get(http, f"/v1/sessions/codex/{PARENT}")
    assert numbers(told) == WHOLE
    assert [numbers(row) for row in told["usage"]] == [WHOLE]
    assert [numbers(row) for row in told["hours"]] == [WHOLE]
    [child] = told["children"]
    assert (child["session_id"], child["parent_session_id"]) == (CHILD, PARENT)
    assert numbers(child) == CHILDS
    assert told["parent_session_id"] is None
    assert {row["name"]: row["calls"] for row in told["tool_calls"]} == {
        "exec_command": 1,
        "spawn_agent": 1,
        "wait_agent": 1,
    }
    # The subagent was prompted by its parent, not by the user.
    assert told["counts"]["prompts"] == 1
    assert [(s["source"], s["booked"], numbers(s)) for s in told["sources"]] == [
        ("log", True, WHOLE),
        ("span", False, WHOLE),
    ]
    assert told["sources_agree"] is True
    assert told["completeness"] == {
        "requests_started": 5,
        "requests_unanswered": 0,
        "requests_unmeasured": None,
        "sources_agree": True,
        "tokens_missing": 0,
        "processes_started": None,
        "processes_unended": None,
    }
    # The conversation's own context, not that of the subagent.
    assert told["context"] == {
        "requests": 3,
        "first_tokens": told["context"]["first_tokens"],
        "last_tokens": told["context"]["last_tokens"],
        "largest_tokens": told["context"]["largest_tokens"],
        "over_100k": 0,
        "over_200k": 0,
    }


def test_the_child_by_itself_says_whose_it_is(http: TestClient) -> None:
    told = get(http, f"/v1/sessions/codex/{CHILD}")
    assert told["parent_session_id"] == PARENT
    assert told["children"] == []
    assert numbers(told) == CHILDS
    assert told["counts"]["prompts"] == 1


def test_the_pages_show_the_child_below_its_parent(http: TestClient) -> None:
    first = http.get("/").text
    assert f"/sessions/codex/{PARENT}" in first
    assert f"/sessions/codex/{CHILD}" not in first
    assert f"/sessions/codex/{CHILD}" in http.get(f"/sessions/codex/{PARENT}").text
    assert f"/sessions/codex/{PARENT}" in http.get(f"/sessions/codex/{CHILD}").text


@pytest.fixture(scope="session")
def reference(fresh: Fresh) -> tuple[list[Json], dict[str, object]]:
    with fresh() as database:
        fill(database, bodies(SUBAGENT))
        return answers(client(database)), dict(folded(database))


@FEW
@given(st.randoms(use_true_random=False), st.sampled_from([1, 7, 256]))
def test_any_order_and_batching_gives_the_same_answers(
    fresh: Fresh,
    reference: tuple[list[Json], dict[str, object]],
    random: Random,
    limit: int,
) -> None:
    sent = records([body for body in bodies(SUBAGENT) if body[0] is Signal.LOGS])
    spans = [parse(body) for body in bodies(SUBAGENT) if body[0] is not Signal.LOGS]
    sent += [write(each, Encoding.JSON) for each in spans]
    sent += random.sample(sent, len(sent) // 2)
    random.shuffle(sent)
    with fresh() as database:
        fill(database, sent, limit)
        assert (answers(client(database)), folded(database)) == reference


def test_while_nobody_knows_the_parent_the_child_stands_for_itself(database: Database) -> None:
    logs = [body for body in bodies(SUBAGENT) if body[0] is Signal.LOGS]
    everything = records(logs)
    parents = [body for body in everything if PARENT.encode() in body[2]]
    childs = [body for body in everything if body not in parents]
    http = client(database)
    fill(database, childs)
    assert [row["session_id"] for row in get(http, "/v1/sessions")["rows"]] == [CHILD]
    fill(database, [body for body in parents if b"spawn_agent" not in body[2]])
    rows = get(http, "/v1/sessions")["rows"]
    assert [(row["session_id"], numbers(row)) for row in rows] == [
        (PARENT, PARENTS),
        (CHILD, CHILDS),
    ]
    assert get(http, "/v1/usage")["total"]["sessions"] == 2
    fill(database, parents)
    [row] = get(http, "/v1/sessions")["rows"]
    assert numbers(row) == WHOLE


def test_a_parent_of_which_nothing_else_is_known_hides_nobody(database: Database) -> None:
    logs = [body for body in bodies(SUBAGENT) if body[0] is Signal.LOGS]
    childs = [body for body in records(logs) if PARENT.encode() not in body[2]]
    request = merged(parse(body) for body in childs)
    [record, *_] = request.resource_logs[0].scope_logs[0].log_records  # type: ignore[union-attr]
    told = {
        "event.name": "codex.agent_communication",
        "event.timestamp": "2026-11-22T04:35:00.000Z",
        "kind": "spawn",
        "state": "send",
        "sender_thread_id": PARENT,
        "receiver_thread_id": CHILD,
    }
    del record.attributes[:]
    for key, value in told.items():
        record.attributes.add(key=key).value.string_value = value
    fill(database, [write(request, Encoding.PROTOBUF)])
    http = client(database)
    [row] = get(http, "/v1/sessions")["rows"]
    assert (row["session_id"], row["child_sessions"]) == (CHILD, 0)
    [row] = get(http, "/v1/usage", group_by="session")["rows"]
    assert (row["session"], row["sessions"]) == (CHILD, 1)
    assert get(http, f"/v1/sessions/codex/{CHILD}")["parent_session_id"] is None


def night_shift(body: Body) -> Body:
    """What the child says, as if it had another model, team, repository and user."""
    if CHILD.encode() not in body[2] or PARENT.encode() in body[2]:
        return body
    request = parse(body)
    [record] = request.resource_logs[0].scope_logs[0].log_records  # type: ignore[union-attr]
    for pair in record.attributes:
        if pair.key == "model":
            pair.value.string_value = "gpt-child"
    for key, value in (("team", "night"), ("repository", "acme/night"), ("enduser.id", "owl")):
        record.attributes.add(key=key).value.string_value = value
    return write(request, Encoding.PROTOBUF)


@pytest.mark.parametrize("name", ["model", "team", "repo", "user"])
def test_a_filter_takes_a_session_whose_child_shows_the_value(
    name: str, database: Database
) -> None:
    logs = [body for body in bodies(SUBAGENT) if body[0] is Signal.LOGS]
    fill(database, [night_shift(body) for body in records(logs)])
    http = client(database)
    rows = get(http, "/v1/usage", group_by=name)["rows"]
    assert len(rows) == 2
    for row in rows:
        told = get(http, "/v1/sessions", **{name: row[name] or ""})["rows"]
        assert [each["session_id"] for each in told] == [PARENT]
    [listed] = get(http, "/v1/sessions")["rows"]
    assert "gpt-child" in listed["models"]
