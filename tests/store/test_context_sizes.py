"""How a context grew: the same from prompts in any order and batches."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.fold import fold
from domain.events import Context, Fact, Observation, Purpose, RequestAnswered, Source
from domain.folded import ContextSizes, SessionKey
from domain.usage import Tokens
from store import context_sizes, sessions
from store.engine import Database
from tests.filling import Fresh
from tests.telling import observation

START = datetime(2026, 11, 22, tzinfo=UTC)
PK = SessionKey("claude-code", "s", "").pk
FEW = settings(max_examples=40, deadline=None)
# (second, prompt): few seconds, so that moments coincide.
PROMPTS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 250_000)), min_size=1, max_size=12)


def asked(second: int, tokens: Tokens, purpose: Purpose | None, rank: int = 0) -> Observation:
    answered: Fact = RequestAnswered(model="m", tokens=tokens, purpose=purpose)
    return observation(
        tool="claude-code",
        session_id="s",
        installation="i_",
        key=b"",
        at=START + timedelta(seconds=second),
        source=Source.LOG,
        rank=rank,
        context=Context(),
        facts=(answered,),
    )


def put(database: Database, batch: list[Observation]) -> None:
    with database.writing() as connection:
        sessions.apply(connection, fold(batch, [], lambda *_: frozenset()))


def sizes(database: Database) -> ContextSizes | None:
    with database.reading() as connection:
        return context_sizes.of(connection, [PK]).get(PK)


@FEW
@given(PROMPTS, st.randoms(use_true_random=False))
def test_any_order_and_batching_gives_the_same_sizes(
    fresh: Fresh, prompts: list[tuple[int, int]], random: Random
) -> None:
    shuffled = [asked(second, Tokens(input=size), Purpose.MAIN) for second, size in prompts]
    random.shuffle(shuffled)
    with fresh() as database:
        while shuffled:
            size = random.randint(1, len(shuffled))
            batch, shuffled = shuffled[:size], shuffled[size:]
            put(database, batch)
        told = sizes(database)
    first, last = min(prompts), max(prompts)
    assert told == ContextSizes(
        first_at=START + timedelta(seconds=first[0]),
        first_tokens=first[1],
        last_at=START + timedelta(seconds=last[0]),
        last_tokens=last[1],
        largest_tokens=max(size for _, size in prompts),
        requests=len(prompts),
        over_100k=sum(size > 100_000 for _, size in prompts),
        over_200k=sum(size > 200_000 for _, size in prompts),
    )


def test_a_prompt_is_all_of_it_and_of_the_conversation_only(database: Database) -> None:
    put(
        database,
        [
            asked(1, Tokens(input=1, cache_read=20, cache_write=300, output=9), Purpose.MAIN),
            asked(2, Tokens(input=5, output=9), None),
            asked(0, Tokens(input=7777), Purpose.SUBAGENT),
            asked(3, Tokens(input=7777), Purpose.AUXILIARY),
            # Of an unknown size.
            asked(4, Tokens(), Purpose.MAIN),
            asked(4, Tokens(output=3), Purpose.MAIN),
        ],
    )
    assert sizes(database) == ContextSizes(
        first_at=START + timedelta(seconds=1),
        first_tokens=321,
        last_at=START + timedelta(seconds=2),
        last_tokens=5,
        largest_tokens=321,
        requests=2,
    )


def test_sizes_come_from_the_source_that_is_booked(database: Database) -> None:
    put(database, [asked(1, Tokens(input=2), None, rank=2)])
    put(database, [asked(1, Tokens(input=1), None, rank=1)])
    told = sizes(database)
    assert told is not None
    assert told.largest_tokens == 1
