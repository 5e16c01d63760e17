"""Alerts through real servers: a mail server and a web server of our own."""

import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from assay import alert_messages
from assay import notifying as notifying_module
from assay.alert_settings import AlertSettings
from assay.channels import Channel, channels, signed
from assay.main import app
from assay.notifying import notifying, tell_due
from assay.smtp_settings import SmtpSettings
from domain.alerts import AlertKind, Finding, Notice
from store import alerts
from store.engine import Database, StoreError
from tests.filling import rows
from tests.mailing import Mailbox, mail_server, smtp
from tests.posted import Received, web_server
from tests.spending import Used, put

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY = b"k" * 32
FLOOR = 3
SECRET = "whsec_" + base64.b64encode(KEY).decode()


@pytest.fixture
def web() -> Iterator[Received]:
    with web_server() as received:
        yield received


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as box:
        yield box


def set_channels(**more: Any) -> AlertSettings:
    return AlertSettings(**{"link": "https://assay.example.com/", **more})


def opened(database: Database, *subjects: str, private: bool = False) -> None:
    found = [
        Finding(
            kind=AlertKind.TOOL_SILENT,
            subject=each,
            sentence=f"No telemetry of {each} <since> & so on_",
            facts={"tool": each},
            private=private,
        )
        for each in subjects
    ]
    with database.writing() as connection:
        alerts.reconcile(connection, {AlertKind.TOOL_SILENT: found}, NOW)


def told(database: Database, through: Sequence[Channel], at: datetime = NOW) -> int:
    return tell_due(database, through, lambda: at, FLOOR)


def states(database: Database) -> list[tuple[str, str, int, str | None]]:
    return [
        tuple(row) for row in rows(database, "notifications", "channel, state, attempts, error")
    ]


# Mail


def test_alerts_come_as_one_mail(database: Database, mailbox: Mailbox) -> None:
    through = channels(set_channels(mail_to="ada@acme.example, ben@acme.example"), smtp(mailbox))
    opened(database, "codex", "copilot")
    assert told(database, through) == 2
    assert told(database, through) == 0
    [(recipients, message)] = mailbox.taken
    assert recipients == ["ada@acme.example", "ben@acme.example"]
    assert message["Subject"] == "Tokenassay: 2 alerts"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"]
    assert message["Message-ID"]
    text = message.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert b"No telemetry of codex <since> & so on_" in text
    assert b"https://assay.example.com/" in text
    assert states(database) == [("mail", "sent", 1, None)] * 2


def test_a_recipient_that_is_refused_is_reported(database: Database, mailbox: Mailbox) -> None:
    mailbox.refuses["gone@acme.example"] = "550 no such user"
    through = channels(set_channels(mail_to="ada@acme.example,gone@acme.example"), smtp(mailbox))
    opened(database, "codex")
    assert told(database, through) == 1
    assert mailbox.taken[0][0] == ["ada@acme.example"]
    assert states(database) == [("mail", "sent", 1, "1 of 2 recipients refused")]


def test_a_mail_that_is_refused_for_now_is_tried_again_later(
    database: Database, mailbox: Mailbox
) -> None:
    mailbox.answers = ["451 come back later", "451 come back later"]
    through = channels(set_channels(mail_to="ada@acme.example"), smtp(mailbox))
    opened(database, "codex")
    assert told(database, through) == 0
    assert states(database) == [("mail", "pending", 1, "the mail server answered 451")]
    assert told(database, through, NOW + timedelta(seconds=14)) == 0
    assert states(database)[0][2] == 1
    assert told(database, through, NOW + timedelta(seconds=15)) == 0
    assert told(database, through, NOW + timedelta(seconds=44)) == 0
    assert told(database, through, NOW + timedelta(seconds=45)) == 1
    assert len(mailbox.taken) == 1
    assert states(database) == [("mail", "sent", 3, None)]


def test_a_mail_that_is_refused_for_good_is_given_up(database: Database, mailbox: Mailbox) -> None:
    mailbox.answers = ["554 spam"]
    through = channels(set_channels(mail_to="ada@acme.example"), smtp(mailbox))
    opened(database, "codex")
    told(database, through)
    assert told(database, through, NOW + timedelta(days=1)) == 0
    assert states(database) == [("mail", "failed", 1, "the mail server answered 554")]


def test_a_mail_server_that_is_away_is_tried_again_and_at_last_given_up(
    database: Database, mailbox: Mailbox
) -> None:
    through = channels(
        set_channels(mail_to="ada@acme.example"), smtp(mailbox, port=1, timeout_seconds=1)
    )
    opened(database, "codex")
    at = NOW
    for _ in range(30):
        told(database, through, at)
        at += timedelta(hours=1)
    [(_, state, attempts, error)] = states(database)
    assert (state, attempts) == ("failed", 9)
    assert error is not None
    assert "ConnectionRefusedError" in error


# Web


def test_slack_gets_blocks(database: Database, web: Received) -> None:
    through = channels(set_channels(slack_url=f"{web.url}/services/T0/secret"), SmtpSettings())
    opened(database, "codex", "copilot")
    assert told(database, through) == 2
    [(path, headers, body)] = web.requests
    assert (path, headers["content-type"]) == ("/services/T0/secret", "application/json")
    sent = json.loads(body)
    assert sent["text"] == "Tokenassay: 2 alerts"
    header, first, second, context = sent["blocks"]
    assert header == {
        "type": "header",
        "text": {"type": "plain_text", "text": "Tokenassay: 2 alerts"},
    }
    assert {first["text"]["type"], second["text"]["type"]} == {"mrkdwn"}
    assert "&lt;since&gt; &amp; so on_" in first["text"]["text"]
    assert context["elements"] == [{"type": "mrkdwn", "text": "https://assay.example.com/"}]


def test_teams_gets_an_adaptive_card(database: Database, web: Received) -> None:
    through = channels(set_channels(teams_url=f"{web.url}/workflows/1"), SmtpSettings())
    opened(database, "codex")
    assert told(database, through) == 1
    sent = json.loads(web.requests[0][2])
    assert sent["type"] == "message"
    [attachment] = sent["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert [block["type"] for block in card["body"]] == ["TextBlock"] * 3
    assert card["body"][2]["text"].endswith("so on\\_")
    assert card["actions"][0]["url"] == "https://assay.example.com/"


def test_a_webhook_is_signed_and_has_the_same_id_whenever_it_is_tried(
    database: Database, web: Received
) -> None:
    web.statuses = [503]
    through = channels(
        set_channels(webhook_url=f"{web.url}/hook", webhook_secret=SECRET), SmtpSettings()
    )
    opened(database, "codex")
    assert told(database, through) == 0
    assert told(database, through, NOW + timedelta(minutes=1)) == 1
    first, second = web.requests
    assert first[1]["webhook-id"] == second[1]["webhook-id"]
    assert first[2] == second[2]
    for _, headers, body in web.requests:
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        signature = base64.b64encode(hmac.digest(KEY, content, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{signature}"
    sent = json.loads(second[2])
    assert sent["type"] == "alert.opened"
    assert sent["data"]["facts"] == {"tool": "codex"}


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of Standard Webhooks' own reference implementations."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("status", "state"),
    [(301, "failed"), (307, "failed"), (400, "failed"), (410, "failed"), (429, "pending"),
     (500, "pending"), (0, "uncertain")],
)  # fmt: skip
def test_what_becomes_of_each_answer(
    status: int, state: str, database: Database, web: Received
) -> None:
    web.statuses = [status]
    through = channels(set_channels(slack_url=f"{web.url}/services/secret"), SmtpSettings())
    opened(database, "codex")
    assert told(database, through) == 0
    [(_, found, attempts, error)] = states(database)
    assert (found, attempts) == (state, 1)
    assert error is not None
    # The address is a password, and nothing is sent where a redirect leads.
    assert "secret" not in error
    assert [path for path, _, _ in web.requests] == ["/services/secret"]


def test_a_channel_that_fails_keeps_no_other_waiting(
    database: Database, web: Received, mailbox: Mailbox
) -> None:
    web.statuses = [500]
    settings = set_channels(mail_to="ada@acme.example", slack_url=web.url)
    opened(database, "codex")
    assert told(database, channels(settings, smtp(mailbox))) == 1
    assert [(channel, state) for channel, state, _, _ in states(database)] == [
        ("mail", "sent"),
        ("slack", "pending"),
    ]


def test_who_sends_again_after_a_crash_sends_nothing_twice(
    database: Database, web: Received
) -> None:
    through = channels(set_channels(slack_url=web.url), SmtpSettings())
    opened(database, "codex")

    def crash(notices: Sequence[Notice]) -> None:
        through[0].tell(notices)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        told(database, [Channel(name="slack", tell=crash)])
    assert told(database, through, NOW + timedelta(hours=1)) == 0
    assert len(web.requests) == 1
    assert [row[:2] for row in states(database)] == [("slack", "uncertain")]


def test_of_two_processes_one_sends(database: Database, web: Received) -> None:
    through = channels(set_channels(slack_url=web.url), SmtpSettings())
    opened(database, *(f"t{number}" for number in range(5)))
    sending = [threading.Thread(target=told, args=(database, through)) for _ in range(4)]
    for each in sending:
        each.start()
    for each in sending:
        each.join()
    told(database, through)
    assert len(web.requests) == 1


def test_a_budget_of_one_person_names_nobody(database: Database, web: Received) -> None:
    through = channels(
        set_channels(slack_url=web.url, webhook_url=web.url, webhook_secret=SECRET),
        SmtpSettings(),
    )
    opened(database, "p_4711", private=True)
    assert told(database, through) == 2
    assert all(b"4711" not in body for _, _, body in web.requests)


def test_many_alerts_are_not_a_message_as_long_as_a_book(web: Received) -> None:
    notices = [alert_messages.trial(NOW)] * 70
    assert len(alert_messages.slack(notices, None)["blocks"]) <= 50
    text = alert_messages.mail(notices, ["a@b.example"], None).get_content()
    assert "And 50 more." in text


@pytest.mark.parametrize(("people", "told_of"), [(FLOOR - 1, False), (FLOOR, True)])
def test_what_few_people_spent_is_told_to_no_channel(
    people: int, told_of: bool, database: Database, web: Received
) -> None:
    """Whoever may see them looks it up; that there is something is told."""
    put(
        database,
        [
            Used(
                at=NOW - timedelta(days=back),
                session=f"s{back}-{person}",
                team="payments",
                user=f"p_{person}",
            )
            for back in range(60)
            for person in range(people)
        ],
    )
    about = {"scope": "team", "value": "payments"}
    budget = Finding(
        kind=AlertKind.BUDGET,
        subject="b 2026-11-01",
        sentence="Budget Payments: $7 of $8 used.",
        facts={**about, "budget": "b", "from": "2026-11-01", "used_share": 0.875},
    )
    unusual = Finding(
        kind=AlertKind.SPEND_ANOMALY,
        subject="team payments",
        sentence="The team payments spent $9 in 24 hours.",
        facts={**about, "spent_usd": 9},
    )
    with database.writing() as connection:
        for each in (budget, unusual):
            alerts.reconcile(connection, {each.kind: [each]}, NOW)
    through = channels(
        set_channels(webhook_url=web.url, webhook_secret=SECRET, slack_url=web.url), SmtpSettings()
    )
    assert told(database, through) == 4
    sent = [json.loads(body) for _, _, body in web.requests]
    sentences = {each["data"]["sentence"] for each in sent if "data" in each}
    words = json.dumps(sent)
    assert ({budget.sentence, unusual.sentence} == sentences) is told_of
    assert ("payments" in words.lower()) is told_of
    assert ("used_share" in words) is told_of
    assert ("few people" in words) is not told_of


def test_where_it_cannot_be_seen_who_is_behind_a_spend_it_is_told_without_what_was_spent(
    database: Database, web: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is claimed by then, and told once: more often than once, or not at all, would be worse."""

    def busy(*_: object) -> None:
        raise StoreError("busy", passing=True)

    monkeypatch.setattr(notifying_module, "parts_told", busy)
    finding = Finding(
        kind=AlertKind.SPEND_ANOMALY,
        subject="team payments",
        sentence="The team payments spent $9 in 24 hours.",
        facts={"scope": "team", "value": "payments", "spent_usd": 9},
    )
    with database.writing() as connection:
        alerts.reconcile(connection, {finding.kind: [finding]}, NOW)
    through = channels(set_channels(slack_url=web.url), SmtpSettings())
    assert (told(database, through), told(database, through)) == (1, 0)
    [(_, _, body)] = web.requests
    assert b"few people" in body
    assert b"$9" not in body


def test_beside_everything_else_alerts_are_told_within_seconds(
    embedded: Database, web: Received
) -> None:
    through = channels(set_channels(slack_url=web.url), SmtpSettings())
    with embedded.writing() as connection:
        finding = Finding(kind=AlertKind.SYNC_FAILING, subject="github", sentence="No.")
        alerts.reconcile(connection, {finding.kind: [finding]}, datetime.now(UTC))
    with notifying(embedded, through, FLOOR):
        assert _within(20, lambda: len(web.requests) == 1)


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    waiting = threading.Event()
    for _ in range(round(seconds / 0.1)):
        if holds():
            return True
        waiting.wait(0.1)
    return False


def test_the_command_tries_every_channel(web: Received, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_ALERT_SLACK_URL", web.url)
    monkeypatch.setenv("ASSAY_ALERT_TEAMS_URL", web.url)
    web.statuses = [200, 404]
    result = CliRunner().invoke(app, ["alerts", "test"])
    assert result.exit_code == 1
    assert "slack: sent" in result.output
    assert "teams: not sent: it answered 404" in result.output
