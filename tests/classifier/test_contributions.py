"""What a session adds, from the story of its telemetry and of its work."""

from datetime import timedelta
from typing import Any

import pytest

from classifier.contributions import escalated
from classifier.run import classify
from domain.contributions import Contribution, Facet
from domain.events import Context, Purpose, Quantity, Source, Trace
from domain.folded import CountKey, Folded, SessionKey, SessionSums, UsageKey, UsageSum
from domain.record import EPOCH
from domain.tickets import TicketState
from domain.usage import Tokens
from domain.weeks import week_of
from domain.work import ReviewState
from store import outcomes, people_file, report_outcomes, retention, sessions, teams
from store.booked import Booked
from store.engine import Database
from store.outcomes_anew import rebuild
from store.people_file import FiledIdentity
from store.report_outcomes import Slice, Span
from store.teams import Membership
from tests.filling import rows
from tests.store.working import START, apply, at, files, listed, merged, moved, push, review, sha
from tests.store.working import commit as made
from tests.store.working import ticket as told_ticket

NOW = START + timedelta(days=60)
DOLLAR = 1_000_000_000
CHEAP, DEAR = "claude-haiku-4-5", "claude-opus-4-1"


def used(hour: float, model: str, usd: float, **told: Any) -> tuple[UsageKey, UsageSum]:
    """Usage so many hours after the start."""
    context = Context(**{name: told.pop(name) for name in ("user", "team", "repo") if name in told})
    number = (START - EPOCH) // timedelta(hours=1) + int(hour)
    key = UsageKey(0, Source.LOG, number, model, Purpose.MAIN, context)
    values: dict[str, Any] = {"requests": 2, "input": 10, "cache_read": 30, "output": 5}
    return key, UsageSum(**(values | told), list_nanousd=round(usd * DOLLAR))


def session(
    name: str, *usage: tuple[UsageKey, UsageSum], counts: dict[CountKey, int] | None = None
) -> tuple[SessionKey, SessionSums]:
    """A session of ten minutes that committed what the first change holds."""
    sums = SessionSums(at(-10), at(0), usage_rank=0, active=True)
    traced = {(Trace.COMMIT, sha(1)): at(0), (Trace.IDENTITY, "p_dev"): at(0)}
    sums.traces, sums.last_traced = dict(traced), dict(traced)
    sums.usage = dict(usage)
    sums.counts = dict(counts or {})
    return SessionKey("claude-code", name, ""), sums


def tell(database: Database, *told: tuple[SessionKey, SessionSums]) -> None:
    with database.writing() as connection:
        sessions.apply(connection, Folded(dict(told)))


def settle(database: Database) -> dict[str, Contribution]:
    """What each session adds once everything is concluded."""
    while classify(database, NOW):
        pass
    names = dict(rows(database, "sessions", "pk, session_id"))
    with database.reading() as connection:
        return {names[p]: c for p, c in outcomes.contributions_of(connection, names).items()}


def landed(database: Database, number: int = 1) -> None:
    """A change of one commit, reviewed and merged, for a ticket that is done."""
    apply(
        database,
        push("feature/shop", 0, made(number, files=files("shop"))),
        merged(number, 300, tasks=("PAY-1",), title="fix: basket"),
        listed(number, 1, made(number, files=files("shop"))),
        review("r1", ReviewState.APPROVED, 200),
        told_ticket("PAY-1", 400, TicketState.DONE),
        moved("PAY-1", TicketState.OPEN, TicketState.DONE, 400),
    )


def test_a_session_belongs_to_whom_most_of_its_spend_is_booked_on(database: Database) -> None:
    tell(
        database,
        session(
            "s",
            used(0, CHEAP, 1.0, user="p_dev", team="pay", repo="acme/a"),
            used(1, CHEAP, 2.0, user="p_dev", team="shop", repo="acme/b", failed_requests=1),
            used(1, DEAR, 4.0, user="p_dev", team="shop"),
        ),
    )
    told = settle(database)["s"]
    assert told.facets == {
        Facet.TOOL: "claude-code",
        Facet.TEAM: "shop",
        Facet.REPO: "acme/b",
        Facet.WORK_TYPE: "",
    }
    assert (told.week, told.person) == (week_of(START), "p_dev")
    assert told.counts["cost_nanousd"] == 7 * DOLLAR
    assert {m: c["cost_nanousd"] for m, c in told.models.items()} == {
        CHEAP: 3 * DOLLAR,
        DEAR: 4 * DOLLAR,
    }
    assert told.counts["requests_tried"] == 3
    assert told.counts["failed_requests"] == 1
    assert told.counts["escalated"] == told.counts["escalations_told"] == 1


def test_a_machine_is_nobody_until_it_is_somebodys(database: Database) -> None:
    machine = "i_" + "0" * 20
    key, alone = session("alone", used(0, CHEAP, 9.0, user=machine))
    alone.traces[Trace.IDENTITY, machine] = alone.last_traced[Trace.IDENTITY, machine] = at(0)
    tell(database, (key, alone))
    mixed = used(0, CHEAP, 9.0, user=machine), used(1, CHEAP, 1.0, user="p_dev")
    tell(database, session("mixed", *mixed))
    told = settle(database)
    # What nobody is told of says nothing against whom the rest is of.
    assert (told["alone"].person, told["mixed"].person) == (None, "p_dev")
    with database.writing() as connection:
        filed = FiledIdentity(identity=machine, kind="user_id", person="p_file")
        people_file.import_file(connection, {machine: filed}, {}, replace=False)
    assert settle(database)["alone"].person == "p_file"


def test_what_landed_counts_once_with_the_session_that_spent_the_most(
    database: Database,
) -> None:
    landed(database)
    tell(
        database,
        session("less", used(0, CHEAP, 1.0, user="p_dev")),
        session("more", used(0, CHEAP, 3.0, user="p_dev")),
    )
    told = settle(database)
    done = {name: told["more"].counts.get(name) for name in ("changes_landed", "tasks")}
    assert done == {"changes_landed": 1, "tasks": 1}
    assert told["more"].counts["changes_reviewed"] == 1
    assert told["more"].counts["changes_first_pass"] == 1
    assert told["more"].facets[Facet.WORK_TYPE] == "bug"
    assert told["more"].lead_bins
    assert "changes_landed" not in told["less"].counts
    # Another one spends more: it counts there now, and nowhere else.
    tell(database, session("most", used(0, CHEAP, 9.0, user="p_dev")))
    told = settle(database)
    assert {name for name, each in told.items() if each.counts.get("changes_landed")} == {"most"}


def test_a_loop_is_the_very_same_call_again_and_again(database: Database) -> None:
    def failures(*amounts: int) -> dict[CountKey, int]:
        keys = {CountKey(Quantity.TOOL_CALLS, 0, "Bash"): 9}
        for number, amount in enumerate(amounts):
            keys[CountKey(Quantity.REPEATED_FAILURES, 0, f"call {number}")] = amount
        return keys

    tell(
        database,
        session("loop", used(0, CHEAP, 1.0), counts=failures(5)),
        session("none", used(0, CHEAP, 1.0), counts=failures(4, 4)),
        session("untold", used(0, CHEAP, 1.0)),
    )
    told = settle(database)
    counted = {
        name: (each.counts.get("looping", 0), each.counts.get("loops_told", 0))
        for name, each in told.items()
    }
    assert counted == {"loop": (1, 1), "none": (0, 1), "untold": (0, 0)}


def test_a_person_who_changes_teams_takes_their_sessions_along(database: Database) -> None:
    tell(database, session("s", used(0, CHEAP, 1.0, user="p_dev")))
    assert settle(database)["s"].facets[Facet.TEAM] == ""
    with database.writing() as connection:
        teams.replace_teams(connection, [Membership(team="pay", person="p_dev")])
    assert settle(database)["s"].facets[Facet.TEAM] == "pay"


def test_who_is_forgotten_adds_nothing_any_more_and_sums_follow(database: Database) -> None:
    landed(database)
    tell(database, session("s", used(0, CHEAP, 1.0, user="p_dev")))
    settle(database)
    before = rows(database, "outcome_rollups")
    rebuild(database)
    assert rows(database, "outcome_rollups") == before != []
    retention.raise_horizon(database, NOW)
    assert list(retention.forget_sessions(database, NOW)) == [1]
    for table in ("outcome_rollups", "outcome_presence", "outcome_bins", "outcome_claims"):
        assert rows(database, table) == []


def booked(model: str, hour: int) -> Booked:
    return Booked(
        model=model,
        person=None,
        team=None,
        repo=None,
        first_hour=500_000 + hour,
        tokens=Tokens(input=1, output=1),
        requests=1,
        failed_requests=None,
        reported_nanousd=None,
        list_nanousd=None,
    )


@pytest.mark.parametrize(
    ("models", "moved_up"),
    [
        ([(CHEAP, 0)], False),
        ([(CHEAP, 0), (DEAR, 1)], True),
        ([(DEAR, 0), (CHEAP, 1)], False),
        ([(CHEAP, 0), (DEAR, 0)], None),
        ([(DEAR, 0), (CHEAP, 1), ("claude-3-haiku", 1)], False),
        ([(CHEAP, 0), (DEAR, 1), (CHEAP, 2)], True),
        ([(CHEAP, 0), ("a model of our own", 1)], None),
        ([], None),
    ],
)
def test_a_move_to_a_dearer_model_shows_where_hours_tell_the_order(
    models: list[tuple[str, int]], moved_up: bool | None
) -> None:
    assert escalated([booked(model, hour) for model, hour in models]) is moved_up


def test_absurd_costs_of_many_sessions_are_summed(database: Database) -> None:
    # Each of a request as dear as may be told; the sum of their costs and of the squares fits.
    absurd = [session(f"s{n}", used(-1, DEAR, 2**50 / DOLLAR)) for n in range(40)]
    tell(database, *absurd, session("usual", used(-1, CHEAP, 2)))
    told = settle(database)
    assert told["s0"].counts["cost_nanousd"] == 2**50
    assert told["usual"].counts["cost_squares"] == 20_000**2
    with database.reading() as connection:
        [whole] = report_outcomes.summed(
            connection,
            Slice(spans=(Span(1, week_of(at(0))),), counts=("cost_nanousd", "cost_squares")),
        )
    assert whole.counts["cost_nanousd"] == 40 * 2**50 + 2 * DOLLAR
    assert whole.counts["cost_squares"] == 40 * 2**53 + 20_000**2
