"""What a session cost is the same wherever it is asked for, and is not a part told of it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from math import expm1
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from classifier.features import case_of, vector
from classifier.past_rates import past_rates
from classifier.run import classify
from domain.events import Context, Source, Trace
from domain.folded import Folded, SessionKey, SessionSums, UsageKey, UsageSum
from domain.record import EPOCH, Signal
from domain.usage import add
from store import evaluations, judged, outcomes, report_leaks, report_people, sessions
from store import tables as t
from store.engine import Connection, Database
from store.features import known_sessions
from store.report_links import session_costs
from store.totals import totals_of
from tests.capturing import CAPTURES
from tests.conftest import Fresh
from tests.filling import bodies, fill, one
from tests.store.working import START, at

DAY = timedelta(days=1)
CENT = 10_000_000
# Tells a cost with each request, in part or not at all; and apart from all of them.
HOUSE, CODEX = "house", "codex"


class Part(NamedTuple):
    """The usage of an hour and model; costs in cents."""

    tokens: int | None
    reported: int | None
    listed: int | None


def tell(database: Database, tool: str, own: Sequence[Part], childs: Sequence[Part]) -> None:
    """A session, one that belongs to it, and one of an evaluation that used the same."""
    folded = Folded()
    for name, parts, tie in (
        ("s", own, (Trace.CHILD_SESSION, "child")),
        ("child", childs, (Trace.BRANCH, "main")),
        ("tagged", own, (Trace.EVALUATION, "ab12/new/1")),
    ):
        sums = SessionSums(at(0), at(60), usage_rank=0, active=True)
        ties = {tie: at(1), (Trace.IDENTITY, f"p_{name}"): at(1)}
        sums.traces, sums.last_traced = dict(ties), dict(ties)
        for number, part in enumerate(parts):
            hour = (START - EPOCH) // timedelta(hours=1) + number
            key = UsageKey(0, Source.LOG, hour, f"m{number}", None, Context(team="pay"))
            reported, listed = (each and each * CENT for each in part[1:])
            sums.usage[key] = UsageSum(
                input=part.tokens, reported_nanousd=reported, list_nanousd=listed
            )
        folded[SessionKey(tool, name, "")] = sums
    with database.writing() as connection:
        sessions.apply(connection, folded)
    while classify(database, START + 60 * DAY):
        pass


def cents(tool: str, parts: Sequence[Part]) -> int | None:
    """What it must have cost."""
    reported = reduce(add, (part.reported for part in parts), None)
    listed = reduce(add, (part.listed for part in parts), None)
    untold = any(part.tokens and (part.reported is None or tool == CODEX) for part in parts)
    if untold and reported is not None and listed is not None:
        return max(reported, listed)
    return listed if reported is None else reported


def of_family(connection: Connection, tool: str) -> dict[str, int | None]:
    """What the session cost with what belongs to it, by who says so."""
    pk = SessionKey(tool, "s", "").pk
    [verdict] = judged.sessions(connection)
    [leaky] = report_leaks.watched(connection, START - DAY, START + DAY)
    known = known_sessions(connection, [pk], DAY)[pk]
    feature = vector(known, case_of(known), past_rates([]))["cost"]
    kept = outcomes.contributions_of(connection, [pk])[pk]
    models = [each.get("cost_nanousd", 0) for each in kept.models.values()]
    priced = "priced" in kept.counts
    return {
        "label": totals_of(connection, [pk])[pk].cost_nanousd,
        "link": session_costs(connection, [pk]).get(pk),
        "verdict": verdict.cost_nanousd,
        "leak": leaky.cost_nanousd,
        "forecast": None if feature is None else round(expm1(feature)) * CENT,
        "indicator": kept.counts.get("cost_nanousd", 0) if priced else None,
        "indicators of models": sum(models) if priced else None,
    }


def told(database: Database, tool: str) -> tuple[dict[str, int | None], dict[str, int | None]]:
    """The same with what is booked on nothing; and what is said of the session's own part."""
    pk = SessionKey(tool, "s", "").pk
    unlinked = one(database, "SELECT cost_nanousd FROM unlinked WHERE session_pk = :pk", pk=pk)
    with database.reading() as connection:
        family = of_family(connection, tool) | {"unlinked": unlinked}
        [tagged] = evaluations.tagged(connection, "ab12")
        people = {each.identity: each for each in report_people.unresolved(connection, 9)}
        own = {"evaluation": tagged.cost_nanousd, "person": people["p_s"].cost_nanousd}
    return family, own


def agree(database: Database, tool: str, own: Sequence[Part], childs: Sequence[Part] = ()) -> None:
    tell(database, tool, own, childs)
    family, alone = told(database, tool)
    for answers, parts in ((family, [*own, *childs]), (alone, own)):
        expected = cents(tool, parts)
        assert answers == dict.fromkeys(answers, None if expected is None else expected * CENT)


_COST = st.none() | st.integers(0, 900)
_PARTS = st.lists(st.builds(Part, st.none() | st.integers(0, 9), _COST, _COST), max_size=3)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([HOUSE, CODEX]), _PARTS.filter(bool), _PARTS)
def test_every_place_says_the_same_of_any_usage(
    fresh: Fresh, tool: str, own: list[Part], childs: list[Part]
) -> None:
    with fresh() as database:
        agree(database, tool, own, childs)


@pytest.mark.parametrize(
    ("tool", "own", "childs", "expected"),
    [
        pytest.param(HOUSE, [Part(9, 1, 2), Part(9, 3, 9)], [], 4, id="all of it is reported"),
        pytest.param(HOUSE, [Part(9, 1, 2), Part(9, None, 750)], [], 752, id="one model is not"),
        pytest.param(HOUSE, [Part(9, 1, 2)], [Part(9, None, 8)], 10, id="its subagent is not"),
        pytest.param(HOUSE, [Part(9, 1, 2), Part(None, None, None)], [], 1, id="nothing to price"),
        pytest.param(HOUSE, [Part(9, 7, None), Part(9, None, 3)], [], 7, id="neither is whole"),
        pytest.param(
            CODEX, [Part(9, None, 560), Part(None, 5, None)], [], 560, id="one turn of it"
        ),
        pytest.param(CODEX, [Part(9, 5, 560)], [], 560, id="one turn of it, in the same hour"),
        pytest.param(CODEX, [Part(9, None, 560), Part(None, 900, None)], [], 900, id="dearer tier"),
        pytest.param(CODEX, [Part(None, 5, None)], [], 5, id="a cost and nothing else"),
    ],
)
def test_a_part_of_the_cost_is_not_taken_for_the_whole(
    database: Database, tool: str, own: list[Part], childs: list[Part], expected: int
) -> None:
    agree(database, tool, own, childs)
    family, _ = told(database, tool)
    assert family["verdict"] == expected * CENT


@pytest.mark.parametrize("signal", [Signal.LOGS, Signal.METRICS])
def test_claude_code_tells_a_cost_for_all_of_its_tokens(embedded: Database, signal: Signal) -> None:
    for scenario in sorted((CAPTURES / "claude-code").iterdir()):
        fill(embedded, [body for body in bodies(scenario) if body[0] is signal])
    with embedded.reading() as connection:
        pks = connection.execute(select(t.sessions.c.pk)).scalars().all()
        all_of = totals_of(connection, pks).values()
    costs = {each.session_id: each for each in all_of if each.tokens}
    assert len(costs) > 9
    assert all(each.by_report and not each.unreported_tokens for each in costs.values())
