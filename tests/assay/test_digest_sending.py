"""The weekly digest through real servers: to everybody once, whatever happens."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from api.digest.edition import Audience, Edition
from assay import mail
from assay.digest_sending import send_due
from assay.digest_settings import Post
from collector.decode import Encoding
from collector.spool import pack_otlp
from domain.digests import Through
from domain.record import Signal
from store import digest_recipients, inbox
from store.engine import Database
from store.teams import Membership, replace_teams
from tests.digesting import (
    DUE,
    address,
    identity,
    post,
    sending,
    states,
    wanting,
    written,
)
from tests.filling import rows
from tests.mailing import Mailbox, mail_server, smtp
from tests.posted import Received, web_server

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


@pytest.fixture
def web() -> Iterator[Received]:
    with web_server() as received:
        yield received


def through(box: Mailbox, web: Received | None = None) -> Post:
    urls = {Through.SLACK: f"{web.url}/slack", Through.TEAMS: f"{web.url}/teams"} if web else {}
    return post(smtp=smtp(box), urls=urls)


def got(box: Mailbox) -> list[tuple[str, str]]:
    """To whom each mail went, and what it is about."""
    return sorted((recipients[0], str(mail["Subject"])) for recipients, mail in box.taken)


def test_everybody_gets_their_own_once(database: Database, mailbox: Mailbox, web: Received) -> None:
    wanting(database, ada=("pay", "web", ""), ben=("web",))
    set_up = through(mailbox, web)
    assert send_due(sending(database, set_up, DUE - HOUR)) == []
    assert len(send_due(sending(database, set_up))) == 5
    assert send_due(sending(database, set_up, DUE + DAY)) == []
    assert got(mailbox) == [
        ("ada@acme.example", "Acme: 61 % productive"),
        ("ada@acme.example", "pay, web: 61 % productive"),
        ("ben@acme.example", "web: 61 % productive"),
    ]
    assert [str(mail["To"]) for _, mail in mailbox.taken] == [to for [to], _ in mailbox.taken]
    assert sorted(path for path, _, _ in web.requests) == ["/slack", "/teams"]
    assert {state for _, _, state, _, _ in states(database)} == {"sent"}
    # And the next week again.
    assert len(send_due(sending(database, set_up, DUE + 7 * DAY))) == 5


def test_one_digest_is_written_once_for_all_who_get_it(
    database: Database, mailbox: Mailbox
) -> None:
    wanting(database, ada=("web",), ben=("web",), eve=("web", "pay"))
    asked: list[Audience] = []

    def write(audience: Audience) -> Edition:
        asked.append(audience)
        return written(audience)

    assert len(send_due(sending(database, through(mailbox), write=write))) == 3
    assert asked == [Audience(teams=("pay", "web")), Audience(teams=("web",))]


def test_a_process_that_comes_up_late_sends_until_it_is_no_news(
    database: Database, mailbox: Mailbox
) -> None:
    wanting(database, ada=("",))
    set_up = through(mailbox)
    assert send_due(sending(database, set_up, DUE + 3 * DAY)) == []
    assert len(send_due(sending(database, set_up, DUE + 3 * DAY - HOUR))) == 1


def test_who_is_added_later_gets_the_next_one(database: Database, mailbox: Mailbox) -> None:
    wanting(database, ada=("",))
    wanting(database, DUE + HOUR, ada=("", "web"), ben=("",))
    set_up = through(mailbox)
    assert len(send_due(sending(database, set_up, DUE + 2 * HOUR))) == 1
    assert got(mailbox) == [("ada@acme.example", "Acme: 61 % productive")]
    assert len(send_due(sending(database, set_up, DUE + 7 * DAY))) == 3


def test_what_a_lead_leads_is_looked_up_when_it_goes_out(
    database: Database, mailbox: Mailbox
) -> None:
    wanting(database, ada=("*",), ben=("*",))
    leads = [
        Membership(team="pay", person=identity("ada"), lead=True),
        Membership(team="web", person=identity("ada"), lead=True, from_hour=10**7),
        Membership(team="web", person=identity("ben")),
    ]
    with database.writing() as connection:
        replace_teams(connection, leads)
    assert len(send_due(sending(database, through(mailbox)))) == 1
    assert got(mailbox) == [("ada@acme.example", "pay: 61 % productive")]


def test_it_waits_until_what_arrived_is_counted(database: Database, mailbox: Mailbox) -> None:
    wanting(database, ada=("",))
    set_up = through(mailbox)
    with database.arrivals.writing() as connection:
        row = pack_otlp(Signal.LOGS, Encoding.JSON, b"{}", DUE - HOUR)
        inbox.put(connection, [row])
    assert send_due(sending(database, set_up)) == []
    assert send_due(sending(database, set_up, DUE + 23 * HOUR)) == []
    # What can't be counted at all is said in the digest.
    assert len(send_due(sending(database, set_up, DUE + DAY))) == 1


# What goes wrong


def test_a_process_without_a_mail_server_takes_no_mail_back(
    database: Database, mailbox: Mailbox, web: Received
) -> None:
    wanting(database, ada=("",))
    mailbox.answers = ["451 later"]
    send_due(sending(database, through(mailbox)))
    send_due(sending(database, post(urls={Through.SLACK: web.url}), DUE + HOUR))
    assert [told[:4] for told in states(database)] == [
        ("ada", "company", "pending", 1),
        ("slack", "company", "sent", 1),
    ]


def test_what_was_surely_not_taken_is_tried_again_with_the_same_id(
    database: Database, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanting(database, ada=("",))
    set_up = through(mailbox)
    mailbox.answers = ["451 later", "451 later"]
    ids: list[str] = []
    real = mail.send

    def noting(*told: object) -> list[str]:
        ids.append(told[1]["Message-ID"])  # type: ignore[index]
        return real(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(mail, "send", noting)
    send_due(sending(database, set_up))
    assert states(database) == [
        ("ada", "company", "pending", 1, "the mail server answered 451"),
    ]
    assert send_due(sending(database, set_up, DUE + timedelta(seconds=14))) == []
    send_due(sending(database, set_up, DUE + timedelta(seconds=15)))
    assert send_due(sending(database, set_up, DUE + timedelta(seconds=44))) == []
    send_due(sending(database, set_up, DUE + timedelta(seconds=45)))
    assert states(database) == [("ada", "company", "sent", 3, None)]
    assert len(mailbox.taken) == 1
    assert len(set(ids)) == 1 < len(ids)


def test_until_the_week_is_over(database: Database) -> None:
    wanting(database, ada=("",))
    with mail_server() as box:
        set_up = through(box)
    at = DUE
    while at < DUE + 7 * DAY:
        send_due(sending(database, set_up, at))
        at += 12 * HOUR
    [(_, _, state, attempts, error)] = states(database)
    assert (state, attempts) == ("pending", 14)
    assert error is not None
    assert "ConnectionRefusedError" in error
    send_due(sending(database, post(), at))
    assert [state for _, _, state, _, _ in states(database)] == ["failed"]


def test_who_is_refused_is_told_of_and_keeps_nobody_waiting(
    database: Database, mailbox: Mailbox
) -> None:
    wanting(database, ada=("",), ben=("",))
    mailbox.refuses = {address("ada"): "550 no such user"}
    outcomes = send_due(sending(database, through(mailbox)))
    assert {each.planned.address: each.state.value for each in outcomes} == {
        address("ada"): "failed",
        address("ben"): "sent",
    }
    assert states(database) == [
        ("ada", "company", "failed", 1, "all recipients refused: [550]"),
        ("ben", "company", "sent", 1, None),
    ]
    assert send_due(sending(database, through(mailbox), DUE + DAY)) == []


def test_a_channel_that_does_not_answer_may_have_it(database: Database, web: Received) -> None:
    web.statuses = [0, 503]
    set_up = post(urls={Through.SLACK: web.url, Through.TEAMS: web.url})
    send_due(sending(database, set_up))
    assert [told[:4] for told in states(database)] == [
        ("slack", "company", "uncertain", 1),
        ("teams", "company", "pending", 1),
    ]
    assert len(send_due(sending(database, set_up, DUE + HOUR))) == 1
    assert len(web.requests) == 3


def test_a_digest_that_cannot_be_written_keeps_no_other_waiting(
    database: Database, mailbox: Mailbox
) -> None:
    wanting(database, ada=("",), ben=("web",))

    def write(audience: Audience) -> Edition:
        if not audience.teams:
            raise ZeroDivisionError
        return written(audience)

    set_up = through(mailbox)
    send_due(sending(database, set_up, write=write))
    assert states(database) == [
        ("ada", "company", "pending", 1, "it could not be written (ZeroDivisionError)"),
        ("ben", "teams", "sent", 1, None),
    ]
    send_due(sending(database, set_up, DUE + HOUR))
    assert {state for _, _, state, _, _ in states(database)} == {"sent"}


# At most once


def test_who_dies_while_sending_sends_nothing_twice(
    database: Database, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanting(database, ada=("",), ben=("",))
    set_up = through(mailbox)
    real = mail.send

    def killed(*told: object) -> None:
        real(*told)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(mail, "send", killed)
    with pytest.raises(KeyboardInterrupt):
        send_due(sending(database, set_up))
    monkeypatch.undo()
    assert len(send_due(sending(database, set_up, DUE + HOUR))) == 1
    assert sorted(to for to, _ in got(mailbox)) == ["ada@acme.example", "ben@acme.example"]
    assert sorted(state for _, _, state, _, _ in states(database)) == ["sent", "uncertain"]


def test_of_several_processes_one_sends(database: Database, mailbox: Mailbox) -> None:
    wanting(database, ada=("", "web"), ben=("",), eve=("web",))
    set_up = through(mailbox)
    threads = [
        threading.Thread(target=send_due, args=(sending(database, set_up),)) for _ in range(4)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    send_due(sending(database, set_up))
    assert len(mailbox.taken) == 4


# Who wants none


def test_who_has_unsubscribed_gets_none_also_when_imported_again(
    database: Database, mailbox: Mailbox
) -> None:
    wanting(database, ada=("",), ben=("",))
    with database.writing() as connection:
        digest_recipients.unsubscribe(connection, identity("ada"), DUE)
    wanting(database, ben=("",))
    wanting(database, ada=("",), ben=("",))
    send_due(sending(database, through(mailbox)))
    assert [to for to, _ in got(mailbox)] == ["ben@acme.example"]


def test_who_unsubscribes_while_it_goes_out_gets_none(database: Database, mailbox: Mailbox) -> None:
    wanting(database, ada=("",), ben=("web",))

    def write(audience: Audience) -> Edition:
        with database.writing() as connection:
            digest_recipients.unsubscribe(connection, identity("ben"), DUE)
        return written(audience)

    set_up = through(mailbox)
    send_due(sending(database, set_up, write=write))
    assert [to for to, _ in got(mailbox)] == ["ada@acme.example"]
    send_due(sending(database, set_up, DUE + HOUR))
    assert [told[:3] for told in states(database)] == [("ada", "company", "sent")]


def test_what_is_older_than_a_year_is_forgotten(database: Database, mailbox: Mailbox) -> None:
    wanting(database, ada=("",))
    set_up = through(mailbox)
    send_due(sending(database, set_up))
    send_due(sending(database, set_up, DUE + 53 * 7 * DAY))
    assert len(rows(database, "digest_sendings")) == 2
    send_due(sending(database, set_up, DUE + 54 * 7 * DAY))
    assert len(rows(database, "digest_sendings")) == 2
