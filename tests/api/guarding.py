"""A small company whose server takes tokens: who is who, who leads what, and all their tokens."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from classifier.run import classify
from domain.alerts import AlertKind, Finding
from domain.work import Actor
from store import access, alerts, people_file, teams, work
from store.access import Role
from store.engine import Database
from store.people_file import FiledIdentity
from store.tables import leaks
from store.teams import Membership
from tests.api.answering import NOW
from tests.api.working import change, ticket
from tests.capturing import CAPTURES, PSEUDONYMS
from tests.filling import bodies, fill, rows
from tests.identifying import identify

ADA, BOB, CAROL = (PSEUDONYMS("person", name) for name in ("Ada", "Bob", "Carol"))
MAILS = {
    name: PSEUDONYMS("email", f"{name}@example.com") for name in ("ada", "bob", "carol", "dan")
}
# Whom the captures name: an account, a machine, and a machine of a team that its telemetry names.
ADAS_ACCOUNT, _BOBS_MACHINE = "p_7149e41a9a48cc84373b", "i_bdd99eff9d141ab8e560"
PAYER = "i_ad818a6d31b86c0782e1"

ADAS = "claude-code/e546df0d-938f-42b9-b00b-7cca58d49c0a"  # of the team checkout
BOBS = "claude-code/c00747f8-588c-4bd7-a6c0-ac31be606bd8"  # of the team web
PAYERS = "claude-code/f4b3add7-99bc-4e02-9af5-0cddfe9f964b"  # of the team payments
LEAK, LEAK_OF_ALL = "leak-of-checkout", "leak-of-everyone"
ALERTING = Finding(
    kind=AlertKind.SPEND_ANOMALY,
    subject="team checkout",
    sentence="The team checkout spent more.",
    facts={"scope": "team", "value": "checkout"},
)

Headers = dict[str, str]


def found_company(database: Database) -> None:
    """Sessions of three people of three teams, a change of Ada's, leaks, an alert, concluded."""
    for scenario in (
        "02-edit-bash-http-json-delta",
        "17-oauth-identity",
        "24-commit-variants-tool-details",
    ):
        fill(database, bodies(CAPTURES / "claude-code" / scenario))
    filed = (
        (ADAS_ACCOUNT, ADA),
        (MAILS["ada"], ADA),
        (_BOBS_MACHINE, BOB),
        (MAILS["bob"], BOB),
        (MAILS["carol"], CAROL),
    )
    with database.writing() as connection:
        told = {
            identity: FiledIdentity(identity=identity, kind="identity", person=person)
            for identity, person in filed
        }
        people_file.import_file(connection, told, {}, replace=True)
        memberships = [
            Membership(team="checkout", person=ADA),
            Membership(team="web", person=BOB),
            Membership(team="checkout", person=CAROL, lead=True),
        ]
        teams.replace_teams(connection, memberships)
        author = Actor(identities=(MAILS["ada"],))
        work.apply(connection, [change(author=author), ticket(assignee=(MAILS["bob"],))])
        connection.execute(insert(leaks), [_leak(LEAK, "checkout"), _leak(LEAK_OF_ALL, None)])
        alerts.reconcile(connection, {ALERTING.kind: [ALERTING]}, NOW)
    while identify(database):
        pass
    while classify(database, NOW):
        pass


def _leak(leak_id: str, team: str | None) -> dict[str, Any]:
    money = dict.fromkeys(("low_nanousd", "estimate_nanousd", "high_nanousd", "spent_nanousd"), 1)
    return {
        "leak_id": leak_id[:16],
        "detector": "caching_off",
        "tool": "claude-code",
        "team": team,
        "sessions": 1,
        "seen_on": "2026-11-22",
        "how": "",
        **money,
    }


def hand_out(database: Database) -> dict[str, Headers]:
    """Headers of everybody who may knock, by who it is."""
    made: dict[str, Headers] = {"nobody": {}, "a stranger": bearer("assay_never_made")}
    wanted: dict[str, tuple[Role, dict[str, Any]]] = {
        "ingest": (Role.INGEST, {}),
        "viewer": (Role.VIEWER, {}),
        "ada": (Role.VIEWER, {"person": MAILS["ada"]}),
        "dan": (Role.VIEWER, {"person": MAILS["dan"]}),
        "lead of checkout": (Role.LEAD, {"teams": ["checkout"]}),
        "lead of web": (Role.LEAD, {"teams": ["web"]}),
        "lead of payments": (Role.LEAD, {"teams": ["payments"]}),
        "carol": (Role.LEAD, {"teams": [], "person": MAILS["carol"]}),
        "lead of all": (Role.LEAD, {"teams": ["*"]}),
        "lead of none": (Role.LEAD, {"teams": []}),
        "admin": (Role.ADMIN, {}),
        "expired": (Role.ADMIN, {"expires_at": NOW}),
        "not yet expired": (Role.ADMIN, {"expires_at": NOW + timedelta(microseconds=1)}),
    }
    with database.writing() as connection:
        for name, (role, told) in wanted.items():
            _, secret = access.create(connection, name, role, NOW - timedelta(days=1), **told)
            made[name] = bearer(secret)
        token_id, secret = access.create(connection, "left", Role.ADMIN, NOW)
        access.revoke(connection, token_id, NOW)
    return {**made, "revoked": bearer(secret)}


def bearer(secret: str) -> Headers:
    return {"Authorization": f"Bearer {secret}"}


def alert_of(database: Database) -> str:
    """The id of the alert of the team checkout."""
    return next(str(alert) for (alert,) in rows(database, "alerts", "id"))


def link_of(database: Database, session: str) -> str:
    """The id of a link of this session."""
    session_id = session.partition("/")[2]
    pks = {pk for pk, told in rows(database, "sessions", "pk, session_id") if told == session_id}
    return next(str(link) for link, pk in rows(database, "links", "id, session_pk") if pk in pks)
