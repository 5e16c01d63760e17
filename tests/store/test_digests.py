"""Recipients and what was sent to them, as it is kept."""

from datetime import timedelta

from domain.alerts import Told
from domain.digests import Copy, Recipient, Scope, Subscription, Through
from store import digest_recipients, digest_sendings, erasing
from store.digest_recipients import FiledRecipient
from store.engine import Database
from tests.capturing import PSEUDONYMS
from tests.digesting import ADDED, DUE, WEEK, address, identity, wanting
from tests.filling import rows

ADA = Copy(through=Through.MAIL, recipient=identity("ada"))
SLACK = Copy(through=Through.SLACK)


def held(database: Database) -> list[Recipient]:
    with database.reading() as connection:
        return digest_recipients.recipients(connection)


def test_a_file_replaces_the_one_before_and_keeps_since_when(database: Database) -> None:
    wanting(database, ada=("", "web"), ben=("",))
    wanting(database, DUE, ada=("", "pay"), eve=("",))
    assert held(database) == [
        Recipient(
            identity=identity("ada"),
            address=address("ada"),
            subscriptions=(
                Subscription(team="", added_at=ADDED),
                Subscription(team="pay", added_at=DUE),
            ),
        ),
        Recipient(
            identity=identity("eve"),
            address=address("eve"),
            subscriptions=(Subscription(team="", added_at=DUE),),
        ),
    ]


def test_of_who_has_unsubscribed_only_that_stays(database: Database) -> None:
    wanting(database, ada=("",), ben=("",))
    with database.writing() as connection:
        digest_recipients.unsubscribe(connection, identity("ada"), DUE)
    wanting(database, ben=("",))
    assert held(database)[-1] == Recipient(
        identity=identity("ada"), address=None, unsubscribed_at=DUE
    )
    wanting(database, ada=("web",))
    assert [(each.address, each.unsubscribed_at) for each in held(database)] == [
        (address("ada"), DUE)
    ]
    with database.writing() as connection:
        assert digest_recipients.resubscribe(connection, identity("ada"))
        assert not digest_recipients.resubscribe(connection, identity("ada"))
    assert [each.unsubscribed_at for each in held(database)] == [None]


def test_a_copy_is_claimed_once(database: Database) -> None:
    with database.writing() as connection:
        digest_sendings.enqueue(connection, WEEK, [ADA, SLACK], DUE)
        digest_sendings.enqueue(connection, WEEK, [ADA], DUE + timedelta(days=1))
    claimed = []
    for _ in range(2):
        with database.writing() as connection:
            claimed.append(digest_sendings.claim(connection, WEEK, ADA, DUE))
    assert claimed == [1, None]
    with database.writing() as connection:
        digest_sendings.settle(connection, WEEK, ADA, Told.SENT, now=DUE)
        digest_sendings.enqueue(connection, WEEK, [ADA], DUE)
        assert digest_sendings.claim(connection, WEEK, ADA, DUE) is None
        assert digest_sendings.due(connection, WEEK, DUE) == {SLACK}
        assert not digest_sendings.outstanding(connection, WEEK, [ADA], DUE - timedelta(1))


def test_erasing_a_person_deletes_their_address_and_what_was_sent(database: Database) -> None:
    wanting(database, ada=("web",), ben=("",))
    alias = {
        PSEUDONYMS("email", "lead@acme.example"): FiledRecipient(
            address="lead@acme.example", teams=frozenset({"*"}), person=identity("ada")
        )
    }
    told = {
        each.identity: FiledRecipient(
            address=each.address or "", teams=frozenset(s.team for s in each.subscriptions)
        )
        for each in held(database)
    }
    with database.writing() as connection:
        digest_recipients.import_recipients(connection, {**told, **alias}, ADDED)
        digest_recipients.unsubscribe(connection, identity("ada"), DUE)
        copies = [ADA, Copy(through=Through.MAIL, recipient=identity("ben"), scope=Scope.TEAMS)]
        digest_sendings.enqueue(connection, WEEK, copies, DUE)
    with database.reading() as connection:
        known = erasing.of_person(connection, identity("ada"))
        assert erasing.stands(connection, known)
    erasing.erase(database, known)
    assert [each.address for each in held(database)] == [address("ben")]
    assert rows(database, "digest_subscriptions", "identity") == [(identity("ben"),)]
    assert rows(database, "digest_sendings", "recipient") == [(identity("ben"),)]
