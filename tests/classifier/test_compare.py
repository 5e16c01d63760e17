"""Changes are compared anew when anything about them or their peers is told, and only then."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from classifier.facts import label_all
from classifier.norms import Peers
from classifier.rules_diff import kept_sessions
from classifier.thresholds import Thresholds
from domain.labels import Label, Labelled
from domain.landed import LandedChange
from simulation.company import found
from simulation.history import History
from simulation.living import live
from store import landed
from store.engine import Database
from store.labelled import labelled_sessions
from tests.companies import conclude, tell
from tests.conftest import Fresh
from tests.filling import rows

UNTIL = datetime(2026, 11, 20, 12, tzinfo=UTC)
# The simulated company pays cents for what costs dollars in life (bench/labels.py).
COMPANY = Thresholds(costly_cents=7)


@pytest.fixture(scope="module")
def history() -> History:
    return live(found(3, developers=14), UNTIL, 20)


@pytest.fixture(scope="module")
def company(fresh: Fresh, history: History) -> Iterator[Database]:
    """Concluded again and again while it was told, so that much is compared before its peers."""
    with fresh() as database:
        tell(database, history, lambda: conclude(database, UNTIL, COMPANY))
        conclude(database, UNTIL, COMPANY)
        yield database


def everything(database: Database) -> list[LandedChange]:
    with database.reading() as connection:
        return landed.landed_between(connection, UNTIL - timedelta(days=999), UNTIL)


def test_what_is_kept_is_what_comparing_all_of_it_now_gives(company: Database) -> None:
    changes = everything(company)
    with company.reading() as connection:
        peers = Peers(connection, COMPANY)
        anew = [peers.norms(change) for change in changes]
    assert [change.norms for change in changes] == anew
    assert sum(norms.cost is not None for norms in anew) > 50
    assert sum(norms.usual_rounds is not None for norms in anew) > 50
    assert any(norms.tied_share and norms.tied_peers >= 20 for norms in anew)


def test_every_kept_label_is_the_one_that_follows_now(company: Database) -> None:
    with company.reading() as connection:
        sessions = kept_sessions(connection, labelled_sessions(connection))
        labels = label_all(connection, sessions, COMPANY, UNTIL)
    now = {
        session.pk: (each.label.value, each.rule)
        for session, each in zip(sessions, labels, strict=True)
    }
    kept = {
        pk: (label, rule)
        for pk, label, rule, current in rows(company, "labels", "session_pk, label, rule, current")
        if current
    }
    assert kept == now
    assert {"disproportionate_cost", "landed_without_task"} <= {rule for _, rule in now.values()}


def test_no_label_is_given_without_evidence(company: Database) -> None:
    told = rows(company, "labels", "label, facts")
    assert all(facts not in ("", "{}") for _, facts in told)
    assert {label for label, _ in told} <= {label.value for label in Label}


def test_last_months_answer_does_not_know_what_was_compared_since(
    company: Database, history: History
) -> None:
    """A change counts as compared only once it has landed."""
    early = UNTIL - timedelta(days=35)
    with company.reading() as connection:
        sessions = kept_sessions(connection, labelled_sessions(connection))
        labels = label_all(connection, sessions, COMPANY, early)
    for each in labels:
        seen = each.facts.get("cost", {})
        assert isinstance(seen, dict)
        if seen:
            assert datetime.fromisoformat(str(each.facts["landed_at"])) <= early
    assert any(each.rule == "disproportionate_cost" for each in labels)


def test_what_had_no_peers_is_compared_once_weeks_after_it_hold_enough(company: Database) -> None:
    late = {
        f"{change.repo}#{change.number}": (change.landed_at, change.norms.cost.known_at)
        for change in everything(company)
        if change.norms and change.norms.cost and change.norms.cost.known_at
    }
    assert len(late) > 20
    window = timedelta(days=COMPANY.revert_window_days)
    assert all(landed < known <= landed + window for landed, known in late.values())
    known = next(iter(late.values()))[1]
    with company.reading() as connection:
        sessions = kept_sessions(connection, labelled_sessions(connection))
        seen = {
            moment: {
                change: cost
                for label in label_all(connection, sessions, COMPANY, moment)
                for change, cost in costs_seen(label).items()
                if change in late and late[change][1] == known
            }
            for moment in (known - timedelta(microseconds=1), known)
        }
    before, after = seen.values()
    assert before
    assert set(before.values()) == {None}
    assert set(after.values()) == {known.isoformat()}


def costs_seen(label: Labelled) -> dict[str, object]:
    """Until when the peers of each change had landed, of those whose cost the label looked at."""
    told = label.facts.get("cost", {})
    assert isinstance(told, dict)
    return {change: cost and cost.get("peers_until") for change, cost in told.items()}


def test_nothing_is_left_marked(company: Database) -> None:
    assert rows(company, "dirty_changes") == rows(company, "dirty_weeks") == []
