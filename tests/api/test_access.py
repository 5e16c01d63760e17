"""Who may read what: every role against every route."""

import base64
from collections.abc import Callable, Iterator

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from api.auth import token
from classifier.run import classify
from domain.evaluations import Plan
from domain.unsubscribing import PATH, Unsubscribing
from store import access, evaluations, installation, work
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, client
from tests.api.working import change, ticket
from tests.capturing import CAPTURES
from tests.conftest import Fresh
from tests.filling import bodies, fill

SESSION = "claude-code/c00747f8-588c-4bd7-a6c0-ac31be606bd8"
DATA = (
    "/openapi.json",
    "/v1/status",
    "/v1/usage",
    "/v1/fixed-costs",
    "/v1/budgets",
    "/v1/forecast",
    "/v1/alerts",
    "/v1/sessions",
    f"/v1/sessions/{SESSION}",
    f"/v1/sessions/{SESSION}/explain",
    "/v1/rules",
    "/v1/links",
    "/v1/unlinked",
    "/v1/changes",
    "/v1/changes/acme/payments/7",
    "/v1/tickets",
    "/v1/tickets/PAY-24",
    "/v1/people",
    "/v1/me",
    "/v1/predictions",
    "/v1/predictions/model",
    "/v1/leaks",
    "/v1/leaks/actions",
    "/v1/verdicts",
    "/v1/efficiency",
    "/v1/kpis",
    "/v1/verdicts/claude-code",
    "/v1/routing",
    "/v1/evaluations",
    "/v1/evaluations/ab12",
    "/v1/coverage",
)
PAGES = (
    "/",
    "/sessions",
    f"/sessions/{SESSION}",
    "/changes",
    "/changes/acme/payments/7",
    "/tickets",
    "/tickets/PAY-24",
    "/budgets",
    "/alerts",
    "/quality",
    "/connect",
    "/me",
)
# Not for every reader: ``test_auth`` has them.
OF_SOME = (
    "/v1/me/sessions",
    "/v1/audit",
    "/v1/chargeback",
    "/v1/chargeback/focus.csv?billing_account=a",
)
OPEN = ("/healthz", "/readyz", "/static/style.css", "/static/icon.svg")
STATUS_BY_ROLE = {
    "none": 401,
    "unknown": 401,
    "revoked": 401,
    "ingest": 403,
    "viewer": 200,
    "lead": 200,
    "admin": 200,
}
Secrets = dict[str, str]
Scheme = Callable[[str | None], dict[str, str]]


@pytest.fixture(scope="module")
def guarded_books(fresh: Fresh) -> Iterator[Database]:
    """One session, a change and a ticket, in a database that has tokens."""
    with fresh() as database:
        fill(database, bodies(CAPTURES / "claude-code" / "24-commit-variants-tool-details"))
        with database.writing() as connection:
            work.apply(connection, [change(), ticket()])
            plan = Plan(id="ab12", created_at=NOW, seed=1, population=20, tasks=())
            evaluations.keep_plan(connection, plan)
        while classify(database, NOW):
            pass
        yield database


@pytest.fixture(scope="module")
def secrets(guarded_books: Database) -> Secrets:
    """A token of each kind."""
    made = {"unknown": "assay_never_made"}
    with guarded_books.writing() as connection:
        for role in Role:
            _, made[role.value] = access.create(connection, role.value, role, NOW)
        token_id, made["revoked"] = access.create(connection, "left", Role.VIEWER, NOW)
        access.revoke(connection, token_id, NOW)
    return made


@pytest.fixture(scope="module")
def guarded(guarded_books: Database, secrets: Secrets) -> TestClient:
    """The API where tokens exist, as it listens beyond loopback."""
    assert secrets
    return client(guarded_books, open_without=False, host="assay.example.com")


def bearer(secret: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def basic(secret: str | None) -> dict[str, str]:
    both = base64.b64encode(f"anybody:{secret}".encode()).decode()
    return {"Authorization": f"Basic {both}"} if secret else {}


@pytest.mark.parametrize("scheme", [bearer, basic])
@pytest.mark.parametrize("path", [*DATA, *PAGES])
@pytest.mark.parametrize("role", STATUS_BY_ROLE)
def test_every_role_on_every_route(
    role: str, path: str, scheme: Scheme, guarded: TestClient, secrets: Secrets
) -> None:
    response = guarded.get(path, headers=scheme(secrets.get(role)))
    assert response.status_code == STATUS_BY_ROLE[role]
    if response.status_code == 200:
        assert "www-authenticate" not in response.headers
        return
    assert response.headers["content-type"] == "application/problem+json"
    codes = {401: "unauthenticated", 403: "forbidden"}
    assert response.json()["code"] == codes[response.status_code]


def test_every_route_is_in_the_table(guarded: TestClient, secrets: Secrets) -> None:
    document = guarded.get("/openapi.json", headers=bearer(secrets["viewer"])).json()
    assert {
        path.replace("{tool}/{session_id}", SESSION)
        .replace("{tool}", "claude-code")
        .replace("{repo}/{number}", "acme/payments/7")
        .replace("{key}", "PAY-24")
        .replace("focus.csv", "focus.csv?billing_account=a")
        .replace("{evaluation}", "ab12")
        for path, operations in document["paths"].items()
        if "get" in operations
    } == {*DATA, "/healthz", "/readyz", *OF_SOME} - {"/openapi.json"}


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("role", STATUS_BY_ROLE)
def test_what_is_open_is_open_to_everybody(
    role: str, path: str, guarded: TestClient, secrets: Secrets
) -> None:
    assert guarded.get(path, headers=bearer(secrets.get(role))).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("role", STATUS_BY_ROLE)
def test_whoever_has_the_link_of_a_digest_may_use_it(
    role: str, method: str, guarded: TestClient, guarded_books: Database, secrets: Secrets
) -> None:
    links = Unsubscribing(installation.pseudonym_key(guarded_books))
    path = f"{PATH}?token={links.token('p_00112233445566778899')}"
    headers = bearer(secrets.get(role))
    assert guarded.request(method, path, headers=headers).status_code == 200
    assert guarded.request(method, f"{path}x", headers=headers).status_code == 400


@pytest.mark.parametrize("path", DATA)
def test_programs_are_asked_for_a_bearer_token(path: str, guarded: TestClient) -> None:
    assert guarded.get(path).headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", PAGES)
def test_browsers_ask_their_user_for_a_password(path: str, guarded: TestClient) -> None:
    response = guarded.get(path, headers={"Accept": "text/html"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Basic realm="Tokenassay", charset="UTF-8"'
    assert response.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("bearer  x ", "x"),
        ("Basic", None),
        ("Basic !", None),
        ("Basic /w==", None),
        ("Basic dXNlcg==", None),  # no colon: no password
        ("Basic dTo=", None),
        ("basic dTpwOnE=", "p:q"),
        ("Digest x", None),
    ],
)
def test_the_token_of_a_header(header: str | None, secret: str | None) -> None:
    assert token(header) == secret


def test_what_is_mounted_beside_the_api_guards_itself(books: Database) -> None:
    router = APIRouter()
    router.add_api_route("/webhooks/example", lambda: {"taken": True}, methods=["POST"])
    http = client(books, open_without=False, extra_routers=[router])
    assert http.post("/webhooks/example").json() == {"taken": True}


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "192.168.1.7"),
        *("assay", "assay:80", "box.local", "assay.internal", "x.localhost"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/v1/status"])
def test_an_open_server_answers_under_local_names(path: str, host: str, empty: TestClient) -> None:
    assert empty.get(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example.com", "evil.example.com:8000", "127.0.0.1.evil.example", "a b", "[x", ""]
)
@pytest.mark.parametrize("path", ["/", "/v1/status"])
def test_an_open_server_does_not_answer_under_a_foreign_name(
    path: str, host: str, empty: TestClient
) -> None:
    response = empty.get(path, headers={"Host": host})
    assert (response.status_code, response.json()["code"]) == (403, "host_not_allowed")
