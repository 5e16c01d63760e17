"""Sending one request to an address of the company's, and when to try again what did not arrive.

Nothing is followed elsewhere: an address that answers with a redirect is one that failed.
"""

from collections.abc import Mapping
from datetime import timedelta
from importlib import import_module

_SECONDS, _CONNECT_SECONDS = 10.0, 5.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=1)
# By then the wait is at its longest.
_DOUBLED_AT_MOST = 8


class NotToldError(Exception):
    """It could not be told.

    ``again`` says that it surely did not arrive, and may later; ``uncertain`` that it may have.
    """

    def __init__(self, message: str, *, again: bool = False, uncertain: bool = False) -> None:
        super().__init__(message)
        self.again = again
        self.uncertain = uncertain


def post(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Send it once. What went wrong never repeats the address, which is a password.

    Raises NotToldError.
    """
    # The client takes 8 MB of a server, and few have anywhere to send to.
    httpx = import_module("httpx")
    sent = {"content-type": "application/json", **(headers or {})}
    # Before anything was sent: it has surely not arrived.
    never_sent = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
    timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
    try:
        with httpx.Client(timeout=timeout, follow_redirects=False) as client:
            answer = client.post(url, content=body, headers=sent)
    except never_sent as error:
        raise NotToldError(f"could not connect ({type(error).__name__})", again=True) from error
    except httpx.HTTPError as error:
        raise NotToldError(f"no answer ({type(error).__name__})", uncertain=True) from error
    if not answer.is_success:
        raise NotToldError(f"it answered {answer.status_code}", again=answer.status_code in _AGAIN)


def wait_after(tried: int) -> timedelta:
    """How long to wait after so many tries: 15 s, twice as long each time, an hour at most."""
    doubled = _FIRST_WAIT * (1 << min(tried - 1, _DOUBLED_AT_MOST))
    return min(doubled, _LONGEST_WAIT)
