"""Signing in at a provider that really runs: who gets in, who does not, and what the cookie is."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from api.doors import Doors, SignInDoor
from api.oidc import Provider
from api.pages.sign_in import own_path
from api.rates import Bucket
from domain.admission import read_roles
from store import sign_ins
from store.engine import Database
from tests.api import answering
from tests.api.guarding import ADA, ADAS, found_company
from tests.api.provider import CLIENT, SECRET, SmallProvider, running
from tests.capturing import PSEUDONYMS
from tests.conftest import Fresh
from tests.filling import rows

ROLES = "engineering=viewer, leads=lead, checkout-leads=lead:checkout, ops=admin"
HERE = "http://localhost:8000"
TLS = "https://assay.example.com"


@pytest.fixture(scope="module")
def small() -> Iterator[SmallProvider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(small: SmallProvider) -> SmallProvider:
    """The provider as it is by default: Ada of engineering signs in."""
    fresh = SmallProvider(small.issuer)
    small.who, small.claims, small.more = fresh.who, {}, None
    small.algorithm, small.metadata = "RS256", {}
    small.signs_with = small.key
    small.codes.clear()
    return small


@pytest.fixture(scope="module")
def company(fresh: Fresh) -> Iterator[Database]:
    with fresh() as database:
        found_company(database)
        yield database


def doors(issuer: str, public_url: str = HERE, **told: Any) -> Doors:
    redirect = f"{public_url}/signin/callback"
    door = SignInDoor(
        provider=Provider(issuer, CLIENT, SECRET, redirect_uri=redirect),
        public_url=public_url,
        roles=read_roles(ROLES),
    )
    return Doors(sign_in=door, pseudonyms=PSEUDONYMS, **told)


def browser(database: Database, issuer: str, public_url: str = HERE, **told: Any) -> TestClient:
    """A browser at the pages; it follows no redirect by itself."""
    http = answering.client(
        database,
        open_without=False,
        host=urlsplit(public_url).netloc,
        doors=doors(issuer, public_url, **told),
    )
    http.base_url = public_url
    http.follow_redirects = False
    return http


def begin(http: TestClient, path: str = "/") -> str:
    """Go to the provider and come back: the address that the browser is sent to in the end."""
    started = http.get("/signin/start", params={"next": path})
    assert started.status_code == 303, started.text
    returned = httpx.get(started.headers["location"])
    assert returned.status_code == 302, returned.text
    return returned.headers["location"]


def sign_in(http: TestClient, path: str = "/") -> Any:
    return http.get(begin(http, path))


def code_of(response: Any) -> str:
    return str(response.json()["code"])


# Who gets in


def test_a_page_asks_to_sign_in_and_comes_back(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    asked = http.get(f"/sessions/{ADAS}", headers={"Accept": "text/html"})
    assert asked.status_code == 303
    place = asked.headers["location"]
    assert place == f"/signin?next=/sessions/{ADAS}"
    page = http.get(place, headers={"Accept": "text/html"})
    assert f"/signin/start?next=/sessions/{ADAS}" in page.text
    done = sign_in(http, f"/sessions/{ADAS}")
    assert (done.status_code, done.headers["location"]) == (303, f"/sessions/{ADAS}")
    shown = http.get(done.headers["location"])
    assert shown.status_code == 200
    assert ADA in shown.text


def test_who_signed_in_is_a_person(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    sign_in(http)
    me = http.get("/v1/me").json()
    assert (me["how"], me["role"], me["person"], me["sees"]) == (
        "sign_in",
        "viewer",
        ADA,
        "themselves",
    )
    mine = http.get("/v1/me/sessions").json()["rows"]
    assert [f"{row['tool']}/{row['session_id']}" for row in mine] == [ADAS]


@pytest.mark.parametrize(
    ("groups", "role", "teams", "sees"),
    [
        (["engineering"], "viewer", [], "themselves"),
        (["engineering", "checkout-leads"], "lead", ["checkout"], "own_teams"),
        (["leads"], "lead", [], "own_teams"),
        (["ops", "checkout-leads"], "admin", ["checkout"], "everybody"),
        ("engineering", "viewer", [], "themselves"),
    ],
)
def test_groups_are_roles(
    company: Database,
    provider: SmallProvider,
    groups: list[str] | str,
    role: str,
    teams: list[str],
    sees: str,
) -> None:
    provider.who["groups"] = groups
    http = browser(company, provider.issuer)
    sign_in(http)
    me = http.get("/v1/me").json()
    assert (me["role"], me["teams"], me["sees"]) == (role, teams, sees)


def test_a_lead_of_the_teams_file(company: Database, provider: SmallProvider) -> None:
    provider.who |= {"email": "Carol@Example.com", "groups": ["leads"]}
    http = browser(company, provider.issuer)
    sign_in(http)
    me = http.get("/v1/me").json()
    assert (me["role"], me["teams"]) == ("lead", ["checkout"])


def test_groups_may_be_told_by_userinfo_only(company: Database, provider: SmallProvider) -> None:
    del provider.who["groups"]
    provider.more = {"sub": "u1", "groups": ["ops"]}
    http = browser(company, provider.issuer)
    sign_in(http)
    assert http.get("/v1/me").json()["role"] == "admin"


def test_nobody_is_who_an_unverified_mail_says(company: Database, provider: SmallProvider) -> None:
    provider.who["email_verified"] = False
    http = browser(company, provider.issuer)
    sign_in(http)
    assert http.get("/v1/me").json()["person"] == PSEUDONYMS("enduser", "u1")


def test_nothing_plain_is_kept(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    sign_in(http)
    secret = http.cookies["assay"]
    kept = repr([rows(company, name) for name in ("browser_sessions", "audit_log", "sign_ins")])
    for plain in ("ada@", "example.com", "'u1'", secret, "testclient", "engineering"):
        assert plain not in kept


def test_keys_that_the_provider_changed_are_read_again(
    company: Database, provider: SmallProvider
) -> None:
    http = browser(company, provider.issuer)
    assert sign_in(http).status_code == 303
    provider.roll_over()
    assert sign_in(http).status_code == 303


# Who does not


def test_whose_groups_are_not_admitted_is_told_so(
    company: Database, provider: SmallProvider
) -> None:
    provider.who["groups"] = ["marketing"]
    http = browser(company, provider.issuer)
    response = http.get(begin(http), headers={"Accept": "text/html"})
    assert response.status_code == 403
    assert "none of your groups may use Tokenassay" in response.text
    assert "not_admitted" in response.text
    assert http.get("/v1/me").status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"iat": None},
        {"sub": None},
        {"aud": [CLIENT, "another"], "azp": "another"},
    ],
    ids=repr,
)
def test_an_id_token_that_proves_nothing(
    company: Database, provider: SmallProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    http = browser(company, provider.issuer)
    response = sign_in(http)
    assert (response.status_code, code_of(response)) == (400, "sign_in_failed")
    assert "assay" not in http.cookies
    assert http.get("/v1/me").status_code == 401


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_an_id_token_that_anybody_could_have_signed(
    company: Database, provider: SmallProvider, algorithm: str
) -> None:
    provider.algorithm = algorithm
    response = sign_in(browser(company, provider.issuer))
    assert (response.status_code, code_of(response)) == (400, "sign_in_failed")


def test_an_id_token_of_another_key(company: Database, provider: SmallProvider) -> None:
    provider.signs_with = SmallProvider(provider.issuer).key
    response = sign_in(browser(company, provider.issuer))
    assert (response.status_code, code_of(response)) == (400, "sign_in_failed")


def test_userinfo_of_somebody_else(company: Database, provider: SmallProvider) -> None:
    del provider.who["groups"]
    provider.more = {"sub": "u2", "groups": ["ops"]}
    response = sign_in(browser(company, provider.issuer))
    assert (response.status_code, code_of(response)) == (400, "sign_in_failed")


def test_a_state_counts_once(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    back = begin(http)
    cookie = http.cookies["assay-sign-in"]
    assert http.get(back).status_code == 303
    http.cookies.set("assay-sign-in", cookie, domain="localhost.local", path="/")
    again = http.get(back)
    assert (again.status_code, code_of(again)) == (400, "sign_in_failed")


def test_a_state_of_another_browser(company: Database, provider: SmallProvider) -> None:
    mine, theirs = browser(company, provider.issuer), browser(company, provider.issuer)
    begin(mine)
    back = begin(theirs)
    response = mine.get(back)
    assert (response.status_code, code_of(response)) == (400, "sign_in_failed")
    # And the one that was shown to another browser is over.
    assert theirs.get(back).status_code == 400


def test_a_state_that_came_too_late(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    begun = sign_ins.SignIn(nonce="n", verifier="v", return_to="/")
    with company.writing() as connection:
        long_ago = answering.NOW - timedelta(minutes=11)
        sign_ins.begin(connection, "s", "b", begun, long_ago)
    http.cookies.set("assay-sign-in", "b")
    assert http.get("/signin/callback?state=s&code=c").status_code == 400


def test_a_code_that_was_used(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    back = begin(http)
    provider.codes.clear()
    response = http.get(back)
    assert (response.status_code, code_of(response)) == (400, "sign_in_failed")


def test_the_verifier_must_be_the_one_that_was_begun_with(
    company: Database, provider: SmallProvider
) -> None:
    http = browser(company, provider.issuer)
    back = begin(http)
    for asked in provider.codes.values():
        asked["code_challenge"] = "another"
    assert http.get(back).status_code == 400


def test_whom_the_provider_refuses(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    state = parse_qs(urlsplit(begin(http)).query)["state"][0]
    response = http.get("/signin/callback", params={"error": "access_denied", "state": state})
    assert (response.status_code, code_of(response)) == (403, "sign_in_refused")


@pytest.mark.parametrize("metadata", [{"issuer": "https://evil.example"}, {"jwks_uri": None}])
def test_a_provider_that_is_none(
    company: Database, provider: SmallProvider, metadata: dict[str, Any]
) -> None:
    provider.metadata = metadata
    response = browser(company, provider.issuer).get("/signin/start")
    assert (response.status_code, code_of(response)) == (503, "sign_in_unavailable")


def test_a_provider_that_is_away(company: Database) -> None:
    response = browser(company, "http://127.0.0.1:9").get("/signin/start")
    assert (response.status_code, code_of(response)) == (503, "sign_in_unavailable")
    assert response.headers["retry-after"] == "5"


def test_sign_ins_begun_without_end_are_refused(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer, failures=Bucket(2, monotonic=lambda: 0.0))
    told = [http.get("/signin/start").status_code for _ in range(3)]
    assert told == [303, 303, 429]
    assert http.get("/signin/callback?state=x").status_code == 429


@pytest.mark.parametrize("path", ["/signin/start", "/signin/callback"])
def test_where_it_is_not_set_up_there_is_nothing(path: str, empty: TestClient) -> None:
    assert (empty.get(path).status_code, code_of(empty.get(path))) == (404, "not_found")
    assert "Everything is open here" in empty.get("/signin").text


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ("/", "/"),
        ("/sessions/codex/a%2Fb?x=1&y=2", "/sessions/codex/a%2Fb?x=1&y=2"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("/a\\b", "/"),
        ("/a\nb", "/"),
        ("evil", "/"),
        ("", "/"),
        ("/signin", "/"),
        ("/signout", "/"),
        ("/ä", "/"),
        ("/" + "a" * 600, "/"),
    ],
)
def test_the_way_back_is_always_here(told: str, path: str) -> None:
    assert own_path(told) == path


# The cookie


def cookie(response: Any, name: str) -> str:
    found = [told for told in response.headers.get_list("set-cookie") if told.startswith(name)]
    assert len(found) == 1, found
    return str(found[0]).lower()


def test_the_cookie_over_tls(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer, TLS)
    done = sign_in(http)
    told = cookie(done, "__Host-assay=")
    for part in ("secure", "httponly", "samesite=lax", "path=/", "max-age=86400"):
        assert part in told
    assert "domain" not in told
    assert done.headers["strict-transport-security"] == "max-age=31536000"
    assert provider.asked[-1]["redirect_uri"] == f"{TLS}/signin/callback"


def test_the_cookie_on_loopback(company: Database, provider: SmallProvider) -> None:
    done = sign_in(browser(company, provider.issuer))
    told = cookie(done, "assay=")
    assert "httponly" in told
    assert "secure" not in told
    assert "strict-transport-security" not in done.headers


def test_signing_in_again_ends_the_session_before(
    company: Database, provider: SmallProvider
) -> None:
    http = browser(company, provider.issuer)
    sign_in(http)
    before, many = http.cookies["assay"], len(rows(company, "browser_sessions"))
    sign_in(http)
    assert http.cookies["assay"] != before
    assert len(rows(company, "browser_sessions")) == many
    other = browser(company, provider.issuer)
    other.cookies.set("assay", before)
    assert other.get("/v1/me").status_code == 401


def test_signing_out(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    sign_in(http)
    kept, many = http.cookies["assay"], len(rows(company, "browser_sessions"))
    assert "You are signed in" in http.get("/signin").text
    ours = {"Sec-Fetch-Site": "same-origin"}
    response = http.post("/signout", headers=ours)
    assert (response.status_code, response.headers["location"]) == (303, "/signin")
    assert len(rows(company, "browser_sessions")) == many - 1
    other = browser(company, provider.issuer)
    other.cookies.set("assay", kept)
    assert other.get("/v1/me").status_code == 401


# Other sites


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Sec-Fetch-Site": "none"}, 404),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": HERE}, 403),
        ({"Origin": HERE}, 404),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
def test_nothing_is_changed_by_a_page_of_another_site(
    company: Database, provider: SmallProvider, headers: dict[str, str], status: int
) -> None:
    provider.who["groups"] = ["ops"]
    http = browser(company, provider.issuer)
    sign_in(http)
    response = http.post("/v1/links/none/review", json={"verdict": "accept"}, headers=headers)
    assert response.status_code == status
    assert code_of(response) == ("cross_site" if status == 403 else "link_not_found")
    assert http.get("/v1/status", headers=headers).status_code == 200


def test_no_other_site_can_sign_somebody_out(company: Database, provider: SmallProvider) -> None:
    http = browser(company, provider.issuer)
    sign_in(http)
    assert http.post("/signout", headers={"Origin": "https://evil.example"}).status_code == 403
    assert http.get("/v1/me").status_code == 200
