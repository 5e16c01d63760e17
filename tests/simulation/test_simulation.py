"""A simulated company: the same for the same seed, told as real tools and forges tell things."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from collector.decode import Encoding, decode
from collector.forges import github
from collector.observe import observe
from collector.trackers import jira
from domain.events import RequestAnswered
from domain.pseudonym import Pseudonyms
from domain.record import Signal
from domain.work import ChangeSeen, ChangeState, ReviewSeen
from simulation.company import USUAL_TOOLS, WorkType, found
from simulation.deliveries import deliveries
from simulation.history import Ending, History, Piece, Session
from simulation.living import live
from simulation.telemetry import told
from simulation.truth import LABELS, SETTLING, label_of, truth

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
PSEUDONYMS = Pseudonyms(b"0123456789abcdef")


@cache
def history(seed: int = 1, weeks: int = 12) -> History:
    return live(found(seed), UNTIL, weeks)


def sessions(pieces: list[Piece]) -> list[Session]:
    return [session for piece in pieces for session in piece.sessions]


def test_a_seed_is_a_company() -> None:
    again = live(found(1), UNTIL, 12)
    assert truth(again) == truth(history())
    assert deliveries(again) == deliveries(history())
    assert truth(history(2)) != truth(history())


def test_everything_happens_in_it() -> None:
    seen = Counter(piece.ending for piece in history().pieces)
    assert set(seen) == set(Ending) == set(LABELS)
    assert seen.most_common(1)[0][0] is Ending.SHIPPED
    # One agent has run away.
    longest = max(sessions(history().pieces), key=lambda session: session.failures)
    assert longest.failures >= 400 < len(longest.requests)


@pytest.mark.parametrize("tool", [tool.name for tool in USUAL_TOOLS])
def test_what_a_tool_tells_is_read_to_the_token(tool: str) -> None:
    people = {each.login: each for each in history().company.developers}
    used = [session for session in sessions(history().pieces) if session.tool == tool][:30]
    for session in used:
        path, body = told(session, history().company.tools[tool], people[session.developer])
        signal = Signal(path.rpartition("/")[2])
        tallies: Counter[object] = Counter()
        observed = observe(
            signal,
            decode(signal, Encoding.PROTOBUF, body),
            PSEUDONYMS,
            tallies,  # type: ignore[arg-type]
        )
        assert {each.origin.session_id for each in observed} == {session.id}
        assert {each.origin.tool for each in observed} == {tool}
        spent = [f.tokens for o in observed for f in o.facts if isinstance(f, RequestAnswered)]
        assert len(spent) == len(session.requests)
        assert sum(tokens.output or 0 for tokens in spent) == sum(
            request.output for request in session.requests
        )
        whole = sum(
            (t.input or 0) + (t.cache_read or 0) + (t.cache_write or 0) + (t.output or 0)
            for t in spent
        )
        assert whole == sum(
            r.input + r.cache_read + r.cache_write + r.output for r in session.requests
        )


def test_every_delivery_is_understood() -> None:
    parse = {"github": github.parse, "jira": jira.parse}
    told = deliveries(history())
    assert told == sorted(told, key=lambda each: each.at)
    assert max(each.at for each in told) <= UNTIL
    understood = Counter(
        each.event
        for each in told
        if parse[each.provider](each.event, each.body, PSEUDONYMS, UNTIL)
    )
    assert understood == Counter(each.event for each in told)


def test_changes_end_as_their_piece_of_work_did() -> None:
    last: dict[tuple[str, int], ChangeSeen] = {}
    asked: Counter[tuple[str, int]] = Counter()
    for each in deliveries(history()):
        if each.provider != "github":
            continue
        for fact in github.parse(each.event, each.body, PSEUDONYMS, UNTIL):
            if isinstance(fact, ChangeSeen):
                last[fact.repository.name, fact.number] = fact
            elif isinstance(fact, ReviewSeen) and fact.state == "changes_requested":
                asked[fact.repository.name, fact.number] += 1
    for piece in history().pieces:
        if piece.settled_at is None or piece.settled_at + timedelta(days=1) > UNTIL:
            continue
        first = (
            last.get((piece.changes[0].repository, piece.changes[0].number))
            if piece.changes
            else None
        )
        if piece.ending in (Ending.SHIPPED, Ending.COSTLY, Ending.ENDLESS, Ending.REVERTED):
            assert first is not None
            assert first.state is ChangeState.MERGED
            assert (asked[first.repository.name, first.number] >= 5) == (
                piece.ending is Ending.ENDLESS
            )
        elif piece.ending in (Ending.REJECTED, Ending.EXPERIMENT, Ending.SUPERSEDED):
            assert first is not None
            assert first.state is ChangeState.CLOSED
        else:
            assert piece.ending in (Ending.QUESTION, Ending.RELANDED)


def test_the_truth_is_settled_only_where_nothing_can_change_it() -> None:
    settled = [session for session in truth(history())["sessions"] if session["settled"]]
    by_id = {session.id: session for session in sessions(history().pieces)}
    assert settled
    assert all(by_id[each["session_id"]].ended_at + SETTLING <= UNTIL for each in settled)


@pytest.mark.parametrize("seed", range(3))
def test_the_better_tool_at_every_kind_of_work_looks_worse_over_all(seed: int) -> None:
    claude, _, copilot, *_ = USUAL_TOOLS
    assert all(claude.quality[kind] > copilot.quality[kind] for kind in WorkType)

    def share(tool: str) -> float:
        own = [
            label_of(piece, session)
            for piece in history(seed, 39).pieces
            for session in piece.sessions
            if piece.tool == tool and label_of(piece, session) != "neutral"
        ]
        return own.count("productive") / len(own)

    assert share("claude-code") < share("copilot")
