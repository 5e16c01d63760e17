"""The join in a database: what is found, what moves it, and that nothing else is touched."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench import join_data
from classifier.measure import Said, quality
from classifier.run import classify
from collector.decode import Encoding
from collector.forges import github
from domain.events import Context, Quantity, Source, Trace
from domain.folded import CountKey, Folded, SessionKey, SessionSums, UsageKey, UsageSum
from domain.people import SamePerson, Strength
from domain.record import EPOCH, Signal
from domain.tickets import TicketTied, TieKind
from domain.work import (
    Actor,
    CommitRewritten,
    CommitSeen,
    CommitsPushed,
    FileTouched,
    Repository,
    ReviewState,
    SessionTrailer,
    WorkFact,
)
from store import dirty, links, people, sessions, unlinked, work
from store.engine import Database
from tests.capturing import PSEUDONYMS
from tests.delivering import RECEIVED_AT
from tests.filling import fill, rows
from tests.store.working import change, review, ticket

SAMPLE = Path(__file__).parent.parent / "join_sample"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=90)
REPO = Repository(forge="github", name="acme/shop", default_branch="main")
ADA, BOB = "p_ada", "p_bob"
FILES = ["src/basket.py", "src/pay.py", "src/tax.py", "README.md"]


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def sha(number: int) -> str:
    return f"{number:040x}"


def file(path: str) -> str:
    name = PSEUDONYMS.file(path)
    assert name is not None
    return name


def session(
    name: str, begun: float, ended: float, *paths: str, who: str = ADA, **traced: str
) -> tuple[SessionKey, SessionSums]:
    """What a session adds that edited these files at its end, and cost a dollar at its begin."""
    sums = SessionSums(at(begun), at(ended), usage_rank=0, active=True)
    told = [(Trace.FILE, file(f"/Users/dev/shop/{path}")) for path in paths]
    told += [(Trace(kind), value) for kind, value in traced.items()]
    told += [(Trace.IDENTITY, who)] if who else []
    sums.traces = dict.fromkeys(told, at(begun))
    sums.last_traced = dict.fromkeys(told, at(ended))
    hour = (at(begun) - EPOCH) // timedelta(hours=1)
    key = UsageKey(0, Source.LOG, hour, "claude-sonnet-4-5", None, Context())
    sums.usage[key] = UsageSum(requests=1, input=10, output=10, list_nanousd=1_000_000_000)
    return SessionKey("claude-code", name, ""), sums


def push(number: int, hours: float, *paths: str, who: str = ADA, **told: Any) -> CommitsPushed:
    """A push of one commit of these files to the default branch."""
    commit = CommitSeen(
        sha=sha(number),
        author=Actor(identities=(who,)),
        authored_at=at(hours),
        files=tuple(FileTouched(file=file(path)) for path in paths),
        **told,
    )
    return CommitsPushed(
        repository=REPO,
        branch="main",
        before="0" * 40,
        after=commit.sha,
        forced=False,
        pushed_at=at(hours),
        commits=(commit,),
    )


def fold(database: Database, *told: tuple[SessionKey, SessionSums]) -> None:
    with database.writing() as connection:
        sessions.apply(connection, Folded(dict(told)))


def tell(database: Database, *facts: WorkFact) -> None:
    with database.writing() as connection:
        work.apply(connection, facts)


def settle(database: Database) -> None:
    while classify(database, NOW):
        pass


LINKED = "links JOIN sessions ON sessions.pk = links.session_pk"


def linked(database: Database, kind: str = "commit") -> list[tuple[str, str, str]]:
    """(session, target, tier) of all links of a kind."""
    of = f"{LINKED} WHERE kind = '{kind}'"
    return rows(database, of, "sessions.session_id, target_id, tier")


def test_a_session_and_its_commit_find_each_other_whichever_comes_first(
    database: Database,
) -> None:
    tell(database, push(1, 1.1, "src/basket.py"))
    settle(database)
    fold(database, session("s1", 0, 1, "src/basket.py"), session("s2", 0, 1, "src/tax.py"))
    settle(database)
    assert linked(database) == [("s1", sha(1), "B")]
    tell(database, push(2, 1.2, "src/tax.py"))
    settle(database)
    assert linked(database) == [("s1", sha(1), "B"), ("s2", sha(2), "B")]


def test_a_later_rival_takes_a_commit_over(database: Database) -> None:
    tell(database, push(1, 2, "src/basket.py"))
    fold(database, session("s1", 0, 1, "src/basket.py"))
    settle(database)
    fold(database, session("s2", 1, 1.9, "src/basket.py"))
    settle(database)
    assert linked(database) == [("s1", sha(1), "D"), ("s2", sha(1), "B")]


def test_who_turns_out_to_be_the_author_is_linked(database: Database) -> None:
    fold(database, session("s1", 0, 1, "src/basket.py"))
    tell(database, push(1, 1.1, "src/basket.py", who="p_ada_at_home"))
    settle(database)
    assert linked(database) == []
    same = SamePerson(one=ADA, other="p_ada_at_home", strength=Strength.STRONG, source="mailmap")
    with database.writing() as connection:
        people.told(connection, [same], [])
    settle(database)
    assert linked(database) == [("s1", sha(1), "B")]


def test_a_sha_that_was_told_lives_on_through_a_rewrite(database: Database) -> None:
    fold(database, session("s1", 0, 1, commit=sha(1), who=""))
    settle(database)
    assert linked(database) == []
    tell(database, push(2, 5, "src/basket.py"))
    tell(
        database,
        CommitRewritten(repository=REPO, old_sha=sha(1), new_sha=sha(2), seen_at=at(5)),
    )
    settle(database)
    assert linked(database) == [("s1", sha(2), "A")]


def test_a_rebased_copy_is_the_same_work(database: Database) -> None:
    fold(database, session("s1", 0, 1, commit=sha(1), who=""))
    tell(database, push(1, 1, "src/basket.py"), push(2, 1, "src/basket.py"))
    settle(database)
    assert linked(database) == [("s1", sha(1), "A"), ("s1", sha(2), "A")]


def test_what_turns_out_to_touch_other_files_is_other_work(database: Database) -> None:
    fold(database, session("s1", 0, 1, commit=sha(1), who=""))
    tell(database, push(1, 1, "src/basket.py"), push(2, 1))
    settle(database)
    assert linked(database) == [("s1", sha(1), "A"), ("s1", sha(2), "A")]
    tell(database, push(2, 1, "src/tax.py"))
    settle(database)
    assert linked(database) == [("s1", sha(1), "A")]


def test_a_short_sha_names_what_came_from_a_fork_of_the_sessions_repository(
    database: Database,
) -> None:
    fold(database, session("s1", 0, 1, commit="0" * 7, repository="dev/shop", who=""))
    tell(database, push(1, 900, "src/basket.py"))
    settle(database)
    assert linked(database) == []
    tell(database, change(1, head_sha=sha(1), head_repository="dev/shop"))
    settle(database)
    assert linked(database) == [("s1", sha(1), "A")]


def test_a_trailer_names_the_session(database: Database) -> None:
    trailer = SessionTrailer(tool="claude-code", session_id="s1")
    fold(database, session("s1", 0, 1, who=""))
    tell(database, push(1, 900, "src/basket.py", sessions=(trailer,)))
    settle(database)
    assert linked(database) == [("s1", sha(1), "A")]


def test_what_a_person_rejected_stays_away_and_what_they_accepted_stays(
    database: Database,
) -> None:
    fold(database, session("s1", 0, 1, "src/basket.py"), session("s2", 0, 0.5, "src/basket.py"))
    tell(database, push(1, 1.1, "src/basket.py"))
    settle(database)
    assert linked(database) == [("s1", sha(1), "B"), ("s2", sha(1), "C")]
    ids = dict(rows(database, LINKED, "sessions.session_id, links.id"))
    for name, accepted in (("s1", False), ("s2", True)):
        with database.writing() as connection:
            assert links.review_link(connection, ids[name], accepted=accepted, by="p_lead", at=NOW)
    settle(database)
    assert linked(database) == [("s2", sha(1), "A")]
    again(database)
    assert linked(database) == [("s2", sha(1), "A")]
    with database.writing() as connection:
        assert not links.review_link(connection, "none", accepted=True, by="p_lead", at=NOW)


def test_who_only_looked_at_a_branch_does_not_share_its_fate(database: Database) -> None:
    tell(database, replace(push(1, 1, "src/basket.py", who=BOB), branch="basket"))
    of_bob = Actor(identities=("p_bob_at_the_forge",))
    tell(database, change(1, head_ref="basket", head_sha=sha(1), author=of_bob))
    on_it = {"branch": "basket", "repository": REPO.name}
    looked = [session(who, 2, 3, who=who, **on_it) for who in (ADA, BOB)]
    for _, sums in looked:
        sums.counts[CountKey(Quantity.EDITS_ACCEPTED, 0, "")] = 0
    fold(database, *looked, session("tells no edits", 2, 3, **on_it))
    settle(database)
    assert linked(database, "change") == [(BOB, "1", "C"), ("tells no edits", "1", "B")]
    by_ada = Actor(identities=(ADA,))
    tell(database, review("r1", ReviewState.COMMENTED, 240, reviewer=by_ada))
    settle(database)
    assert linked(database, "change") == [(BOB, "1", "C"), ("tells no edits", "1", "C")]


def test_a_ticket_is_reached_through_the_commit_that_its_tracker_ties(database: Database) -> None:
    fold(database, session("s1", 0, 1, "src/basket.py"))
    tell(database, push(1, 1.1, "src/basket.py"))
    tell(
        database,
        TicketTied(
            tracker="jira",
            key="PAY-7",
            kind=TieKind.COMMIT,
            repo=REPO.name,
            value=sha(1),
            relation="",
            seen_at=at(2),
        ),
    )
    settle(database)
    assert linked(database, "ticket") == [("s1", "PAY-7", "B")]
    costs = rows(database, "links", "kind, cost_nanousd")
    assert costs == [("commit", 1_000_000_000), ("ticket", 1_000_000_000)]


def test_what_only_looks_like_a_ticket_is_none_once_a_tracker_with_such_keys_tells(
    database: Database,
) -> None:
    fold(database, session("s1", 0, 1, "src/basket.py"))
    tell(database, push(1, 1.1, "src/basket.py", tasks=("PAY-7", "UTC-5", "#3")))
    settle(database)
    keys = ["acme/shop#3", "PAY-7", "UTC-5"]
    assert sorted(key for _, key, _ in linked(database, "ticket")) == sorted(keys)
    tell(database, ticket("PAY-7", 0))
    settle(database)
    assert sorted(key for _, key, _ in linked(database, "ticket")) == sorted(keys[:2])


def test_what_is_booked_and_what_is_not_is_all_that_was_spent(database: Database) -> None:
    fold(
        database,
        session("made it", 0, 1, "src/basket.py"),
        session("went on", 100, 101, commit=sha(3)),
        session("other files", 0, 1, "README.md"),
        session("unknown", 0, 1, "src/pay.py", who="p_stranger"),
        session("nobody", 0, 1, "src/pay.py", who=""),
        session("much later", 900, 901, "src/pay.py"),
        session("elsewhere", 0, 1, "src/pay.py", repository="acme/blog"),
        session("told nothing", 1, 3, who=ADA),
    )
    tell(database, push(1, 1.1, "src/basket.py"), push(2, 400, "src/tax.py", who=BOB))
    tell(database, push(3, 1.2, "src/pay.py"))
    settle(database)
    with database.reading() as connection:
        loose = unlinked.spend_unlinked(connection)
        assert unlinked.spend_unlinked(connection, at(500), at(1000)) == [
            each for each in loose if each.reason.value == "no_commit_near"
        ]
    dollar = 1_000_000_000
    assert [(each.reason.value, each.sessions, each.cost_nanousd) for each in loose] == [
        ("beside_commits", 1, dollar),
        ("repository_not_connected", 1, dollar),
        ("weak_evidence", 1, dollar),
        ("no_identity", 1, dollar),
        ("unknown_identity", 1, dollar),
        ("no_commit_near", 1, dollar),
        ("other_files", 1, dollar),
    ]
    booked = rows(database, "links WHERE kind <> 'ticket'", "SUM(cost_nanousd)")
    assert int(booked[0][0]) + 7 * dollar == 8 * dollar


def again(database: Database) -> None:
    """Mark everything as new and conclude it once more."""
    with database.writing() as connection:
        dirty.mark_sessions(connection, [row[0] for row in rows(database, "sessions", "pk")])
        commits = rows(database, "commits", "repo, sha")
        dirty.mark_work(connection, [dirty.WorkMark("commit", *each) for each in commits])
    settle(database)


def everything(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    return {table: rows(database, table) for table in ("links", "link_evidence", "unlinked")}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_order_all_of_it_joined_anew_is_the_same(
    seed: int, embedded: Database
) -> None:
    luck = random.Random(seed)
    told: list[Any] = []
    for number in range(12):
        begun, some = luck.uniform(0, 60), luck.sample(FILES, luck.randint(0, 3))
        told.append(session(f"s{number}", begun, begun + luck.uniform(0, 30), *some))
    told += [
        push(number, luck.uniform(0, 120), *luck.sample(FILES, luck.randint(1, 3)))
        for number in range(12)
    ]
    luck.shuffle(told)
    for each in told:
        if isinstance(each, CommitsPushed):
            tell(embedded, each)
        else:
            fold(embedded, each)
        if luck.random() < 0.5:
            settle(embedded)
    settle(embedded)
    before = everything(embedded)
    again(embedded)
    assert everything(embedded) == before
    assert before["links"]


def test_a_webhook_touches_the_sessions_of_its_author_alone(embedded: Database) -> None:
    # Long before: what is told first of a repository, or of somebody, concerns many sessions.
    tell(embedded, push(8, -900, "README.md"), push(9, -900, "README.md", who=BOB))
    for number in range(5):
        mine = session(f"ada{number}", number, number + 1, "src/basket.py")
        theirs = session(f"bob{number}", number, number + 1, "src/basket.py", who=BOB)
        fold(embedded, mine, theirs)
    settle(embedded)
    labelled = dict(rows(embedded, "labels", "session_pk, facts"))
    tell(embedded, push(1, 3.1, "src/basket.py"))
    settle(embedded)
    changed = {pk for pk, facts in rows(embedded, "labels WHERE current", "session_pk, facts")
               if labelled[pk] != facts}  # fmt: skip
    assert {name for name, _, _ in linked(embedded)} <= {f"ada{number}" for number in range(5)}
    assert changed <= {SessionKey("claude-code", f"ada{n}", "").pk for n in range(5)}


@pytest.mark.parametrize(
    ("with_branch", "precision", "recall"), [(True, 0.92, 0.75), (False, 0.92, 0.75)]
)
def test_three_days_of_a_real_team(
    with_branch: bool, precision: float, recall: float, embedded: Database
) -> None:
    truth = join_data.read(SAMPLE)
    bodies = join_data.telemetry(truth, with_branch=with_branch)
    fill(embedded, [(Signal.LOGS, Encoding.JSON, body) for body in bodies])
    for event, payload in join_data.deliveries(truth):
        tell(embedded, *github.parse(event, payload, PSEUDONYMS, RECEIVED_AT))
    of_user = {row["user"]: row["person"] for row in truth.aliases}
    known = [
        SamePerson(
            one=PSEUDONYMS("email", join_data.mail(user)),
            other=PSEUDONYMS("person", person),
            strength=Strength.STRONG,
            source="alias file",
        )
        for user, person in of_user.items()
    ]
    with embedded.writing() as connection:
        people.told(connection, known, [])
    settle(embedded)
    said = rows(embedded, f"{LINKED} WHERE kind = 'commit'", "session_id, target_id, probability")
    commits = join_data.known_commits(truth.pairs)
    found = quality(
        [Said(p, (name, of) in truth.pairs) for name, of, p in said if of in commits],
        len(truth.pairs),
    )
    assert found.precision is not None
    assert found.recall is not None
    assert found.precision >= precision
    assert found.recall >= recall
