"""What guards the API beside tokens: signing in, how often one may ask, and keyed hashes.

Given once to ``create_app``; a server without any of it takes tokens only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from api.identity import IdentityProvider
from api.rates import Bucket
from domain.admission import Admission
from domain.pseudonym import Pseudonyms


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInDoor:
    """Signing in at an OpenID Connect provider.

    ``public_url`` is where browsers reach this server, without a slash at its end. ``roles`` says
    what members of a group of the provider may do. A session ends after ``idle`` without use, and
    ``lasts`` after it began in any case.
    """

    provider: IdentityProvider
    public_url: str
    roles: Mapping[str, Admission]
    idle: timedelta = timedelta(hours=8)
    lasts: timedelta = timedelta(hours=24)

    @property
    def secure(self) -> bool:
        """Whether cookies go over TLS only."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def cookie(self) -> str:
        """The name of the cookie that says who is signed in."""
        return "__Host-assay" if self.secure else "assay"

    @property
    def begun_cookie(self) -> str:
        """The name of the cookie that ties a sign-in to the browser that began it."""
        return "__Host-assay-sign-in" if self.secure else "assay-sign-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """All of it. ``reads`` counts answers by asker, ``failures`` wrong credentials by address.

    ``pseudonyms`` hashes addresses for the audit log; without it none is kept.
    """

    sign_in: SignInDoor | None = None
    reads: Bucket | None = None
    failures: Bucket | None = None
    pseudonyms: Pseudonyms | None = field(default=None, repr=False)

    @property
    def tls(self) -> bool:
        """Whether browsers reach this server over TLS, as far as it was told."""
        return self.sign_in is not None and self.sign_in.secure

    def address(self, host: str | None) -> str | None:
        """An address of the network as it is kept."""
        if self.pseudonyms is None or not host:
            return None
        return self.pseudonyms("address", host)
