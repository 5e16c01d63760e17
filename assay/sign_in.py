"""What guards the API, from the settings: signing in, and how often one may ask."""

from datetime import timedelta
from importlib import import_module
from urllib.parse import urlsplit

from api.doors import Doors, SignInDoor
from api.rates import Bucket
from assay.opening import CannotStart
from assay.settings import Settings
from domain.admission import read_roles
from domain.pseudonym import Pseudonyms

_LOCAL = ("localhost", "127.0.0.1", "::1")


def doors(settings: Settings, pseudonyms: Pseudonyms) -> Doors:
    """The doors of one API. Raises CannotStart where signing in is set up by half."""
    return Doors(
        sign_in=_sign_in(settings),
        reads=_bucket(settings.reads_per_minute),
        failures=_bucket(settings.failures_per_minute),
        pseudonyms=pseudonyms,
    )


def _bucket(per_minute: int) -> Bucket | None:
    return Bucket(per_minute) if per_minute else None


def _sign_in(settings: Settings) -> SignInDoor | None:
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None or settings.oidc_roles is None:
        raise CannotStart(
            "Signing in takes ASSAY_OIDC_CLIENT_ID and ASSAY_OIDC_ROLES beside ASSAY_OIDC_ISSUER."
        )
    try:
        roles = read_roles(settings.oidc_roles)
    except ValueError as error:
        raise CannotStart(f"ASSAY_OIDC_ROLES: {error}.") from error
    issuer = urlsplit(settings.oidc_issuer)
    if issuer.scheme != "https" and issuer.hostname not in _LOCAL:
        raise CannotStart("ASSAY_OIDC_ISSUER: write an address that begins with https://")
    public_url = _public_url(settings)
    secret = settings.oidc_client_secret
    return SignInDoor(
        provider=import_module("api.oidc").Provider(
            settings.oidc_issuer,
            settings.oidc_client_id,
            secret.get_secret_value() if secret else None,
            redirect_uri=f"{public_url}/signin/callback",
            scopes=settings.oidc_scopes,
            groups_claim=settings.oidc_groups_claim,
        ),
        public_url=public_url,
        roles=roles,
        idle=timedelta(minutes=settings.sign_in_idle_minutes),
        lasts=timedelta(hours=settings.sign_in_hours),
    )


def _public_url(settings: Settings) -> str:
    """Where browsers reach us: as it is set, or on loopback as we listen."""
    told = settings.public_url
    if told is None and settings.http.loopback:
        return f"http://{settings.http}"
    if told is None:
        raise CannotStart(
            "Signing in takes ASSAY_PUBLIC_URL, the address of the pages in a browser, for example"
            " https://assay.example.com"
        )
    parts = urlsplit(told)
    local = parts.hostname in _LOCAL
    if not parts.hostname or parts.scheme not in ("http", "https") or parts.path not in ("", "/"):
        raise CannotStart(f"ASSAY_PUBLIC_URL: {told!r} is not https://HOST, without a path.")
    if parts.scheme == "http" and not local:
        raise CannotStart(
            "ASSAY_PUBLIC_URL begins with http: whoever signs in would send their cookie in the"
            " clear. Put TLS in front, and write https."
        )
    return told.rstrip("/")
