"""Requests told by spans inside each other, in any order, batching and repetition: counted once."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.decode import Encoding
from domain.record import Value, moment
from store import retention
from store.engine import Database
from tests.filling import Fresh, fill, fold_all, folded, one, put, rows, usage
from tests.otlp import Body, merged, write

AT = 1_795_321_912_861_000_000
HOUR = 3_600_000_000_000
FEW = settings(max_examples=40, deadline=None, phases=[Phase.reuse, Phase.generate])


@dataclass(frozen=True)
class Told:
    """One span: its number, the number of the one around it (0: none), and what it tells."""

    number: int
    around: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    session: str | None = None
    name: str = "chat m"
    model: str = "m"
    late: int = 0
    other: dict[str, Value] = field(default_factory=dict)
    service: str = "acme"

    def request(self) -> ExportTraceServiceRequest:
        made = ExportTraceServiceRequest()
        around = made.resource_spans.add()
        _put(around.resource.attributes, {"service.name": self.service, "user.id": "u"})
        span = around.scope_spans.add().spans.add()
        span.name = self.name
        span.trace_id, span.span_id = b"t" * 16, self.number.to_bytes(8)
        span.parent_span_id = self.around.to_bytes(8) if self.around else b""
        span.start_time_unix_nano = AT
        span.end_time_unix_nano = AT + self.late * HOUR + self.number
        told: dict[str, Value] = {"gen_ai.request.model": self.model, **self.other}
        told |= {f"gen_ai.usage.{name}": count for name, count in self.tokens.items()}
        if self.session:
            told["gen_ai.conversation.id"] = self.session
        _put(span.attributes, told)
        return made


def _put(attributes: Any, told: dict[str, Any]) -> None:
    for key, value in told.items():
        held = attributes.add(key=key).value
        kind = {str: "string_value", int: "int_value", float: "double_value"}[type(value)]
        setattr(held, kind, value)


def used(prompt: int, output: int, **cached: int) -> dict[str, int]:
    return {"input_tokens": prompt, "output_tokens": output, **cached}


def bodies(told: Iterable[Told], encoding: Encoding = Encoding.PROTOBUF) -> list[Body]:
    return [write(each.request(), encoding) for each in told]


def counted(database: Database, *told: Told) -> dict[str, dict[str, int | None]]:
    fill(database, bodies(told))
    return usage(database)


def tokens(requests: int, prompt: int, output: int, read: int | None = None) -> dict[str, Any]:
    return {
        "requests": requests, "input": prompt, "cache_read": read, "cache_write": None,
        "output": output,
    }  # fmt: skip


OUTER, INNER = Told(1, tokens=used(100, 20)), Told(2, around=1, tokens=used(100, 20))


@pytest.mark.parametrize("sent", [(INNER, OUTER), (OUTER, INNER)], ids=["inner", "outer"])
def test_a_request_in_two_spans_inside_each_other_counts_once(
    database: Database, sent: tuple[Told, ...]
) -> None:
    assert counted(database, *sent) == {"m": tokens(1, 100, 20)}
    assert counted(database, *sent, *reversed(sent)) == {"m": tokens(1, 100, 20)}
    asked = "SELECT SUM(requests) FROM context_sizes"
    assert one(database, asked) == 1


def test_side_by_side_or_in_another_trace_they_are_two(database: Database) -> None:
    assert counted(database, OUTER, replace(INNER, around=9)) == {"m": tokens(2, 200, 40)}


def test_what_is_inside_tells_better_what_was_cached(database: Database) -> None:
    inner = replace(INNER, tokens=used(100, 20, cache_read_input_tokens=60))
    assert counted(database, inner, OUTER) == {"m": tokens(1, 40, 20, read=60)}


def test_a_sum_around_its_parts(database: Database) -> None:
    whole = replace(OUTER, name="summarise", tokens=used(100, 20))
    parts = [Told(n, around=1, tokens=used(50, 10)) for n in (2, 3)]
    assert counted(database, whole, *parts) == {"m": tokens(2, 100, 20)}


def test_what_is_told_beyond_the_parts_stays(database: Database) -> None:
    part = replace(INNER, tokens=used(30, 20), model="inner")
    assert counted(database, OUTER, part) == {
        "m": tokens(0, 70, 0),
        "inner": tokens(1, 30, 20),
    }


def test_three_inside_each_other_in_the_worst_order(database: Database) -> None:
    innermost = Told(3, around=2, tokens=used(100, 20))
    assert counted(database, OUTER, innermost, INNER) == {"m": tokens(1, 100, 20)}


@pytest.mark.parametrize("sent", [(INNER, OUTER), (OUTER, INNER)], ids=["inner", "outer"])
def test_what_is_taken_back_is_taken_from_its_own_tier(
    database: Database, sent: tuple[Told, ...]
) -> None:
    tier: dict[str, Value] = {"gen_ai.response.service_tier": "priority"}
    # In batches of their own: what the first one told is read from what was kept of it.
    for each in sent:
        fill(database, bodies([replace(each, other=tier)]))
    asked = "usage JOIN contexts ON contexts.pk = context_pk GROUP BY tier"
    assert rows(database, asked, "tier, SUM(requests), SUM(input)") == [("priority", 1, 100)]


def test_a_request_without_a_session_belongs_to_the_one_around_it(database: Database) -> None:
    fill(database, bodies([INNER, replace(OUTER, session="s")]))
    whose = "usage JOIN sessions ON pk = session_pk WHERE requests > 0 OR input > 0"
    assert rows(database, whose, "session_id, requests, input") == [("s", 1, 100)]


@pytest.mark.parametrize("order", [1, -1], ids=["agent", "request"])
def test_a_request_without_a_session_belongs_to_that_of_the_agent(
    database: Database, order: int
) -> None:
    agent = Told(1, session="s", name="invoke_agent coder", tokens=used(150, 25))
    sent = [
        agent,
        Told(2, around=1, tokens=used(100, 20)),
        Told(3, around=2, tokens=used(100, 20)),
        Told(4, around=1, tokens=used(50, 5)),
    ]
    for each in sent[::order]:
        fill(database, bodies([each]))
    whose = "usage JOIN sessions ON pk = session_pk WHERE requests > 0 OR input > 0"
    assert rows(database, whose, "session_id, requests, input") == [("s", 2, 150)]


@pytest.mark.parametrize("order", [1, -1], ids=["agent", "request"])
def test_chats_of_copilot_with_models_of_ones_own_belong_to_their_chat(
    database: Database, order: int
) -> None:
    chat: dict[str, Value] = {"gen_ai.conversation.id": "r-1", "gen_ai.response.id": "r-1"}
    sent = [
        Told(1, name="invoke_agent copilot", other={"copilot_chat.chat_session_id": "s"}),
        Told(2, around=1, tokens=used(100, 20), other=chat),
    ]
    for each in sent[::order]:
        fill(database, bodies([replace(each, service="copilot-chat")]))
    whose = "usage JOIN sessions ON pk = session_pk WHERE requests > 0"
    assert rows(database, whose, "tool, session_id, input") == [("copilot-chat", "s", 100)]
    assert rows(database, "sessions WHERE session_id = 'r-1'") == []


RESPONSE: dict[str, Value] = {"gen_ai.response.id": "r"}
GATEWAY = Told(1, tokens=used(100, 20), other={**RESPONSE, "gen_ai.usage.cost": 0.5})
LIBRARY = Told(2, tokens=used(100, 20, cache_read_input_tokens=60), other=RESPONSE)


@pytest.mark.parametrize("around", [0, 1], ids=["beside", "inside"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_response_told_by_two_spans_counts_once(
    database: Database, around: int, order: int
) -> None:
    sent = [replace(GATEWAY, session="s"), replace(LIBRARY, around=around)]
    assert counted(database, *sent[::order])["m"]["requests"] == 1
    whose = "usage JOIN sessions ON pk = session_pk WHERE requests > 0"
    assert rows(database, whose, "session_id, input, cache_read") == [("s", 40, 60)]
    assert one(database, "SELECT SUM(reported_nanousd) FROM usage") == 500_000_000


def test_of_two_alike_the_one_counts_that_tells_what_was_cached(database: Database) -> None:
    assert counted(database, GATEWAY, LIBRARY) == {"m": tokens(1, 40, 20, read=60)}
    assert one(database, "SELECT SUM(reported_nanousd) FROM usage") == 500_000_000


def test_three_of_one_response_around_and_inside(database: Database) -> None:
    outer = replace(OUTER, number=3)
    sent = [LIBRARY, outer, replace(GATEWAY, around=3), replace(LIBRARY, number=4, around=1)]
    assert counted(database, *sent) == {"m": tokens(1, 40, 20, read=60)}


def test_other_responses_or_other_sums_are_two(database: Database) -> None:
    sent = [
        GATEWAY,
        replace(LIBRARY, other={"gen_ai.response.id": "another"}),
        replace(LIBRARY, number=3, tokens=used(101, 20)),
    ]
    assert counted(database, *sent)["m"]["requests"] == 3


def test_embeddings_inside_a_request_are_another(database: Database) -> None:
    inside = replace(INNER, name="embeddings m", model="e", tokens={"input_tokens": 7})
    assert counted(database, OUTER, inside) == {
        "m": tokens(1, 100, 20),
        "e": {**tokens(1, 7, 0), "output": None},
    }


@pytest.mark.parametrize("untold", [1, 2], ids=["outer", "inner"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_span_that_tells_no_usage_beside_one_that_does(
    database: Database, untold: int, order: int
) -> None:
    sent = [replace(each, tokens={}) if each.number == untold else each for each in (OUTER, INNER)]
    assert counted(database, *sent[::order]) == {"m": tokens(1, 100, 20)}
    asked = "SELECT SUM(amount) FROM session_counts WHERE quantity = 'requests_unmeasured'"
    assert one(database, asked) == 0


def test_both_untold_are_one_request(database: Database) -> None:
    fill(database, bodies([replace(OUTER, tokens={}), replace(INNER, tokens={})]))
    asked = "SELECT SUM(amount) FROM session_counts WHERE quantity = 'requests_unmeasured'"
    assert one(database, asked) == one(database, "SELECT SUM(requests) FROM usage") == 1


def test_a_cost_that_only_the_outer_span_tells_stays(database: Database) -> None:
    outer = replace(OUTER, other={"gen_ai.usage.cost": 0.5})
    fill(database, bodies([INNER, outer]))
    assert one(database, "SELECT SUM(reported_nanousd) FROM usage") == 500_000_000


def test_prices_are_those_of_the_tokens_that_count(database: Database) -> None:
    sent = [replace(each, model="claude-sonnet-4-5") for each in (OUTER, INNER)]
    fill(database, bodies(sent[:1]))
    fill(database, bodies(sent[1:]))
    # Three dollars and fifteen for a million.
    assert one(database, "SELECT SUM(list_nanousd) FROM usage") == 100 * 3_000 + 20 * 15_000


def test_two_folders_at_once_count_nothing_twice(database: Database) -> None:
    told = [Told(n, around=n - 1, tokens=used(100, 20)) for n in range(1, 13)]
    Random(1).shuffle(told)
    put(database, bodies(told))
    with ThreadPoolExecutor() as folders:
        for folder in [folders.submit(fold_all, database, 1) for _ in range(2)]:
            folder.result()
    assert usage(database) == {"m": tokens(1, 100, 20)}


def test_what_spans_told_is_forgotten_once_nothing_of_that_time_is_booked(
    database: Database,
) -> None:
    fill(database, bodies([INNER, replace(INNER, number=3, late=2)]))
    horizon = moment(AT // 1000) + timedelta(hours=1)
    retention.raise_horizon(database, horizon)
    assert sum(retention.forget_spans(database)) == 1
    # What is around the first is of that time too.
    fill(database, bodies([INNER, OUTER]))
    assert usage(database) == {"m": tokens(2, 200, 40)}


COUNTS = st.integers(0, 3).map(lambda tens: tens * 10)


OTHERS: list[dict[str, Value]] = [{}, {"gen_ai.usage.cost": 0.25}]


@st.composite
def families(draw: st.DrawFn, others: list[dict[str, Value]] = OTHERS) -> list[Told]:
    """Spans inside each other, some in or around spans that never come."""
    many = draw(st.integers(1, 6))
    return [
        Told(
            number,
            around=draw(st.integers(0, number - 1)) or draw(st.sampled_from([0, 99])),
            tokens=draw(st.just({}) | st.builds(used, COUNTS, COUNTS)),
            session=draw(st.sampled_from([None, None, "s", "r"])),
            name=draw(st.sampled_from(["chat m", "chat m", "embeddings m", "invoke_agent a"])),
            late=draw(st.integers(0, 1)),
            other=draw(st.sampled_from(others)),
            service=draw(st.sampled_from(["acme", "acme", "other"])),
        )
        for number in range(1, many + 1)
    ]


@FEW
@given(
    families([*OTHERS, RESPONSE, RESPONSE | OTHERS[1]]),
    st.randoms(use_true_random=False),
    st.sampled_from([1, 2, 256]),
)
def test_order_batching_encoding_and_repetition_change_nothing(
    fresh: Fresh, told: list[Told], random: Random, limit: int
) -> None:
    with fresh() as database:
        fill(database, bodies(told))
        reference = folded(database)
    sent = told + random.sample(told, random.randint(0, len(told)))
    random.shuffle(sent)
    batches = []
    while sent:
        size = random.randint(1, len(sent))
        batch, sent = sent[:size], sent[size:]
        encoding = random.choice(list(Encoding))
        batches.append(write(merged([each.request() for each in batch]), encoding))
    with fresh() as database:
        fill(database, batches, limit)
        assert folded(database) == reference


@FEW
@given(families())
def test_each_token_counts_where_it_is_told_innermost(fresh: Fresh, told: list[Told]) -> None:
    """Of each kind of request what its span tells less what those directly inside it tell."""
    expected = {"input": 0, "output": 0}
    for bucket in expected:
        for each in (each for each in told if each.name != "invoke_agent a"):
            own = each.tokens.get(f"{bucket}_tokens", 0)
            inside = sum(
                other.tokens.get(f"{bucket}_tokens", 0)
                for other in told
                if (other.around, other.name) == (each.number, each.name)
            )
            expected[bucket] += max(0, own - inside)
    with fresh() as database:
        fill(database, bodies(told))
        for bucket, count in expected.items():
            assert (one(database, f"SELECT SUM({bucket}) FROM usage") or 0) == count
        for column in ("requests", "input", "output"):
            assert not rows(database, f"usage WHERE {column} < 0")
