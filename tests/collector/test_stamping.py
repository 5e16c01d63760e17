"""What a key says of its sender fills what the telemetry leaves open, and only its user wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.stamping import person, said, stamped
from domain.events import (
    Context,
    Counted,
    Observation,
    Origin,
    Quantity,
    Series,
    Source,
    Trace,
    Traced,
)
from domain.stamp import Stamp
from tests.capturing import PSEUDONYMS

MACHINE, ALICE, BOB = "i_0123", "p_alice", "p_bob"
COUNT = Counted(quantity=Quantity.PROMPTS, amount=1)
KEY = Stamp(
    user=ALICE,
    attributes=(("team", "payments"), ("repo", "acme/payments"), ("ticket", "PAY-7")),
)


def tie(trace: Trace, value: str) -> Traced:
    return Traced(trace=trace, value=value)


def values(one: Observation, trace: Trace) -> list[str]:
    return [fact.value for fact in one.facts if isinstance(fact, Traced) and fact.trace is trace]


def observation(*ties: Traced, context: Context, installation: str = MACHINE) -> Observation:
    origin = Origin("some-tool", "s", installation, Source.LOG, 0, context, ties)
    return Observation(
        origin, b"0123456789abcdef", 1_772_323_200_000_000, (COUNT,), Series(key=b"s")
    )


def stamp(one: Observation, key: Stamp = KEY) -> Observation:
    [it] = stamped([one], key, PSEUDONYMS)
    return it


def test_a_key_fills_what_is_not_told() -> None:
    machine = tie(Trace.IDENTITY, MACHINE)
    before = observation(machine, context=Context(tool_version="2", user=MACHINE))
    origin = replace(
        before.origin,
        context=Context(tool_version="2", user=ALICE, team="payments", repo="acme/payments"),
        ties=(
            machine,
            tie(Trace.IDENTITY, ALICE),
            tie(Trace.REPOSITORY, "acme/payments"),
            tie(Trace.TICKET, "PAY-7"),
        ),
    )
    assert stamp(before) == replace(before, origin=origin)


def test_what_the_telemetry_says_of_team_repository_and_ticket_stays() -> None:
    before = observation(
        tie(Trace.IDENTITY, MACHINE),
        tie(Trace.REPOSITORY, "acme/web"),
        tie(Trace.TICKET, "WEB-1"),
        context=Context(team="web", repo="acme/web"),
    )
    after = stamp(before, Stamp(attributes=KEY.attributes))
    assert after == before


def test_the_keys_person_goes_before_the_one_that_the_telemetry_claims() -> None:
    before = observation(
        tie(Trace.IDENTITY, BOB), tie(Trace.IDENTITY, MACHINE), context=Context(user=BOB)
    )
    after = stamp(before, Stamp(user=ALICE))
    assert after.origin.context.user == ALICE
    assert after.facts == (COUNT, tie(Trace.IDENTITY, MACHINE), tie(Trace.IDENTITY, ALICE))


def test_a_key_without_a_person_leaves_the_person() -> None:
    before = observation(
        tie(Trace.IDENTITY, BOB), tie(Trace.IDENTITY, MACHINE), context=Context(user=BOB)
    )
    after = stamp(before, Stamp(attributes=(("team", "payments"),)))
    origin = replace(before.origin, context=Context(user=BOB, team="payments"))
    assert after == replace(before, origin=origin)


@given(st.lists(st.sampled_from([Trace.REPOSITORY, Trace.BRANCH, Trace.COMMIT])))
def test_what_a_record_itself_ties_counts_as_its_senders_ties_do(told: list[Trace]) -> None:
    ties = [tie(trace, "acme/web") for trace in told]
    by_sender = observation(*ties, context=Context())
    by_record = replace(observation(context=Context()), stated=(COUNT, *ties))
    assert stamp(by_record) == stamp(by_sender)


def test_a_repository_that_only_a_tie_names_is_not_booked_to_the_keys() -> None:
    """A commit's own repository, as Droid tells it, is none of the key's."""
    before = observation(tie(Trace.REPOSITORY, "acme/web"), context=Context(), installation=ALICE)
    after = stamp(before)
    assert after.origin.context.repo is None
    assert values(after, Trace.REPOSITORY) == ["acme/web"]


@pytest.mark.parametrize(
    ("told", "branches"), [("acme/web", []), ("acme/payments", ["main"]), (None, ["main"])]
)
def test_a_keys_branch_is_one_of_its_repository(told: str | None, branches: list[str]) -> None:
    key = Stamp(attributes=(("repo", "acme/payments"), ("branch", "main")))
    after = stamp(observation(context=Context(repo=told)), key)
    assert values(after, Trace.BRANCH) == branches


def test_senders_that_name_no_machine_are_told_apart_by_their_keys() -> None:
    nameless = observation(context=Context(), installation="i_of nothing at all")
    by_alice, by_bob = stamp(nameless, Stamp(user=ALICE)), stamp(nameless, Stamp(user=BOB))
    assert (
        len(
            {nameless.origin.installation, by_alice.origin.installation, by_bob.origin.installation}
        )
        == 3
    )
    # A new key for the same person is no new sender.
    assert stamp(nameless, Stamp(user=ALICE)).origin.installation == by_alice.origin.installation


def test_a_machine_that_is_named_stays_itself_whatever_the_key() -> None:
    before = observation(tie(Trace.IDENTITY, MACHINE), context=Context())
    assert stamp(before).origin.installation == MACHINE


def test_attributes_are_read_as_those_of_a_resource() -> None:
    told = said(
        [("cost_center", "4711"), ("vcs.repository.url.full", "git@host:Acme/Payments.git")],
        PSEUDONYMS,
    )
    assert (told.context.team, told.context.repo) == ("4711", "acme/payments")


def test_a_person_is_the_same_as_where_the_telemetry_names_them() -> None:
    assert person("Alice@acme.example", PSEUDONYMS) == PSEUDONYMS("email", "alice@acme.example")
    assert person("alice", PSEUDONYMS) == PSEUDONYMS("enduser", "alice")


_names = st.none() | st.sampled_from(["a/b", "c/d", "x"])
_ties = st.builds(
    Traced,
    trace=st.sampled_from(Trace),
    value=st.sampled_from([ALICE, BOB, MACHINE, "a/b", "c/d", "x"]),
)
_told = st.builds(
    lambda context, ties: observation(*ties, context=context),
    st.builds(Context, user=st.none() | st.just(BOB), team=_names, repo=_names),
    st.lists(_ties, max_size=4),
)
_stamps = st.builds(
    Stamp,
    user=st.none() | st.just(ALICE),
    attributes=st.lists(
        st.tuples(st.sampled_from(["team", "repo", "branch", "ticket"]), st.just("c/d")),
        unique_by=lambda pair: pair[0],
    ).map(tuple),
)


@given(_told, _stamps)
def test_laws(before: Observation, key: Stamp) -> None:
    after = stamp(before, key)
    # Nothing else changes, above all neither what identifies the record nor what it counts.
    origin = replace(
        after.origin,
        context=before.origin.context,
        installation=before.origin.installation,
        ties=before.origin.ties,
    )
    assert before == replace(after, origin=origin)
    assert after.stated == (COUNT,)
    # What was told stays, except persons where the key names one.
    assert before.origin.context.team in (None, after.origin.context.team)
    assert before.origin.context.repo in (None, after.origin.context.repo)
    assert after.origin.context.user == (key.user or before.origin.context.user)
    told, kept = set(before.facts), set(after.facts)
    assert {f.trace for f in told - kept if isinstance(f, Traced)} <= {Trace.IDENTITY}
    if before.origin.context.repo is not None or values(before, Trace.REPOSITORY):
        added = set(values(after, Trace.REPOSITORY)) - set(values(before, Trace.REPOSITORY))
        assert added <= {before.origin.context.repo}
    if key.user:
        people = {who for who in values(after, Trace.IDENTITY) if who.startswith("p_")}
        assert people == {key.user}
    # The same key again adds no tie.
    assert set(stamp(after, key).facts) == kept
