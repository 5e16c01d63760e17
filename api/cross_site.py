"""Requests that another site made a browser send: nothing is changed by them.

A browser adds cookies, and the password of HTTP Basic, to whatever any page makes it ask for, and
an open server asks for nothing at all. What changes something must therefore come from our own
pages, or from a program. A browser says itself which it is, and no page can make it say otherwise;
cookies are ``SameSite=Lax`` besides. A bearer token is added by programs only.
"""

from http import HTTPStatus
from urllib.parse import urlsplit

from fastapi import Request

from api.asker import Asker, How
from api.problems import Refusal

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def refuse_cross_site(request: Request, asking: Asker | None) -> None:
    """Refuse a request that would change something and does not come from our own pages."""
    if request.method in _SAFE or (asking is not None and not asking.ambient):
        return
    if not _ours(request, must_say=asking is not None and asking.how is How.SIGN_IN):
        raise Refusal(
            HTTPStatus.FORBIDDEN,
            "cross_site",
            "This came from a page of another site. Nothing was changed.",
        )


def _ours(request: Request, *, must_say: bool) -> bool:
    """Whether our own page, or no page, made this request. Every browser with cookies must say."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower()
    return not must_say
