"""Signing in as it is set up by settings, also through the real server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from assay.opening import CannotStart, check_exposure
from assay.settings import Settings
from assay.sign_in import doors
from store import access
from store.engine import Database
from tests.api.provider import CLIENT, SECRET, running
from tests.capturing import PSEUDONYMS
from tests.serving import free_ports, serving

FULL = {
    "oidc_issuer": "https://login.example.com",
    "oidc_client_id": CLIENT,
    "oidc_client_secret": SECRET,
    "oidc_roles": "engineering=viewer",
}


def test_without_an_issuer_nobody_signs_in() -> None:
    told = doors(Settings(), PSEUDONYMS)
    assert told.sign_in is None
    assert told.reads is not None
    assert told.failures is not None
    unlimited = doors(Settings(reads_per_minute=0, failures_per_minute=0), PSEUDONYMS)
    assert (unlimited.reads, unlimited.failures) == (None, None)


@pytest.mark.parametrize(
    ("public_url", "told", "secure"),
    [
        (None, "http://127.0.0.1:8000", False),
        ("https://assay.example.com/", "https://assay.example.com", True),
        ("http://localhost:9000", "http://localhost:9000", False),
    ],
)
def test_where_browsers_come_back_to(public_url: str | None, told: str, secure: bool) -> None:
    door = doors(Settings(public_url=public_url, **FULL), PSEUDONYMS).sign_in  # type: ignore[arg-type]
    assert door is not None
    assert (door.public_url, door.secure) == (told, secure)
    assert (door.idle, door.lasts) == (timedelta(hours=8), timedelta(hours=24))
    assert SECRET not in repr(Settings(**FULL))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"oidc_client_id": None}, "ASSAY_OIDC_CLIENT_ID"),
        ({"oidc_roles": None}, "ASSAY_OIDC_ROLES"),
        ({"oidc_issuer": "http://login.example.com"}, "https://"),
        ({"oidc_issuer": "login.example.com"}, "https://"),
        ({"oidc_roles": "x=root"}, "ASSAY_OIDC_ROLES: 'x=root' is not"),
        ({"http": "0.0.0.0:8000"}, "ASSAY_PUBLIC_URL"),
        ({"public_url": "http://assay.example.com"}, "Put TLS in front"),
        ({"public_url": "https://assay.example.com/path"}, "without a path"),
        ({"public_url": "assay.example.com"}, "without a path"),
    ],
)
def test_what_is_set_up_by_half_does_not_start(changed: dict[str, str], said: str) -> None:
    with pytest.raises(CannotStart) as refusal:
        doors(Settings(**{**FULL, **changed}), PSEUDONYMS)  # type: ignore[arg-type]
    assert said in str(refusal.value)


def test_where_people_sign_in_no_token_is_needed_to_listen(embedded: Database) -> None:
    beyond = {"http": "0.0.0.0:8000"}
    with pytest.raises(CannotStart):
        check_exposure(Settings(**beyond), embedded, sends=False, reads=True)  # type: ignore[arg-type]
    check_exposure(Settings(**beyond, **FULL), embedded, sends=False, reads=True)  # type: ignore[arg-type]


def test_an_expired_token_guards_nothing(embedded: Database) -> None:
    settings = Settings(http="0.0.0.0:8000")  # type: ignore[arg-type]
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with embedded.writing() as connection:
        access.create(connection, "", access.Role.VIEWER, long_ago, expires_at=long_ago)
    with pytest.raises(CannotStart):
        check_exposure(settings, embedded, sends=False, reads=True)


def test_somebody_signs_in_at_the_real_server(tmp_path: Path) -> None:
    ports = free_ports(3)
    with (
        running() as provider,
        serving(
            tmp_path,
            ports,
            ASSAY_OIDC_ISSUER=provider.issuer,
            ASSAY_OIDC_CLIENT_ID=CLIENT,
            ASSAY_OIDC_CLIENT_SECRET=SECRET,
            ASSAY_OIDC_ROLES="engineering=viewer",
        ) as server,
    ):
        here = f"http://127.0.0.1:{ports[2]}"
        assert httpx.get(f"{here}/v1/status").status_code == 401
        with httpx.Client(base_url=here, follow_redirects=True) as browser:
            assert "Sign in" in browser.get("/", headers={"Accept": "text/html"}).text
            shown = browser.get("/signin/start", headers={"Accept": "text/html"})
            assert (shown.status_code, str(shown.url)) == (200, f"{here}/")
            me = browser.get("/v1/me").json()
            assert (me["how"], me["role"]) == ("sign_in", "viewer")
            browser.post("/signout", headers={"Origin": here})
            assert browser.get("/v1/me").status_code == 401
        assert server.interrupt() == 0
