"""How a provider is called: only the configured server, patiently, and not more than need be.

- Every call goes to the scheme, host and port that the operator configured. Redirects and ``next``
  links that lead elsewhere are refused, and so are addresses of the local link, where clouds keep
  their credentials, unless the operator wrote such an address.
- Broken connections and 5xx are tried again. Limits are waited out as the server says: 429 or 403
  with ``Retry-After``, ``X-RateLimit-Reset`` or ``RateLimit-Reset``, and before the next call where
  nothing remains.
- An answer has a largest size and a longest time.
- A conditional call sends the tag of the last answer that was read to its end; 304 then says that
  nothing has changed. Bodies are never kept.
"""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from collector.client_answer import (
    Answer,
    NextPage,
    Tag,
    check_status,
    hashed,
    place,
    seconds_to_wait,
    seconds_until_refilled,
)
from collector.client_errors import BadAnswer, BadCredentials, Elsewhere, Limited, Unreachable

_TIMEOUT = httpx.Timeout(60, connect=10)
_ANSWER_SECONDS = 300
_ANSWER_BYTES = 64 * 1024 * 1024
_REDIRECTS = 3
_TRIES = 6
_FIRST_PAUSE = 1.0
# GitHub asks for a minute where a secondary limit names no time.
_UNTOLD_PAUSE = 60.0
# The longest that a server's quota takes to fill again, and a little.
_PATIENCE = timedelta(minutes=70)
_LINK_LOCAL = (
    ipaddress.ip_network("169.254.0.0/16"),
    ipaddress.ip_network("fe80::/10"),
    # Where two clouds have their metadata beyond the local link.
    ipaddress.ip_network("fd00:ec2::254/128"),
    ipaddress.ip_network("100.100.100.200/32"),
)

_PORTS = {"http": 80, "https": 443}

Authorise: TypeAlias = Callable[[str], Mapping[str, str]]
"""Gives the headers that authorise a call in the name of an account (``Scope.account``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a client takes from outside, so that tests can replace it.

    ``known(address)`` gives the value of the tag that was kept for an address (a hash). ``waiting``
    is told of every pause: its seconds, and why.
    """

    known: Callable[[str], str | None] = lambda _address: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    waiting: Callable[[float, str], None] = lambda _seconds, _why: None
    patience: timedelta = _PATIENCE


FindLimit: TypeAlias = Callable[[int, Mapping[str, str], bytes], Limited | None]
"""Finds a limit that is told otherwise than by 429 and the usual headers."""


class Client:
    """Calls one server in the name of one account. Not for several threads at once."""

    def __init__(
        self,
        root: str,
        authorise: Authorise,
        *,
        headers: Mapping[str, str] | None = None,
        find_limit: FindLimit = lambda _status, _headers, _body: None,
        around: Surroundings | None = None,
        http: httpx.Client | None = None,
        account: str = "",
        empty_until: dict[str, float] | None = None,
    ) -> None:
        """``root`` is the API's address; paths are joined to it."""
        self.root = root.rstrip("/")
        self._parts = urlsplit(self.root)
        self.authorise = authorise
        self._headers = {"User-Agent": "tokenassay", **(headers or {})}
        self._find_limit = find_limit
        self.around = around or Surroundings()
        self._http = http or httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
        self._account = account
        # By account: until when (seconds since 1970) nothing remains of its quota.
        self._empty_until = {} if empty_until is None else empty_until

    def acting_for(self, account: str) -> "Client":
        """The same client in the name of another account."""
        return Client(
            self.root,
            self.authorise,
            headers=self._headers,
            find_limit=self._find_limit,
            around=self.around,
            http=self._http,
            account=account,
            empty_until=self._empty_until,
        )

    def authorised_by(self, authorise: Authorise) -> "Client":
        """The same client with other credentials, for example to fetch tokens."""
        return Client(
            self.root,
            authorise,
            headers=self._headers,
            find_limit=self._find_limit,
            around=self.around,
            http=self._http,
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def get(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        conditional: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask for this path below the root, or for an address of the same server."""
        return self._call("GET", self._url(path, params), conditional=conditional, headers=headers)

    def post(self, path: str, body: Any) -> Answer:
        """Send JSON to a path where that only asks (GraphQL, searches): it may be sent again."""
        return self._call("POST", self._url(path, None), body=msgspec.json.encode(body))

    def pages(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        following: NextPage = lambda answer: answer.next_link,
        conditional: bool = False,
    ) -> Iterator[Answer]:
        """All pages, one after the other; by ``Link`` where nothing else is told.

        With ``conditional`` only the first page is asked so; where it is unchanged it is the last.
        """
        answer = self.get(path, params, conditional=conditional)
        asked = {answer.url}
        while True:
            yield answer
            link = None if answer.unchanged else following(answer)
            if link is None:
                return
            address = self._url(link, None)
            if address in asked:
                raise BadAnswer(f"{place(address)}: this page has itself as one of the next")
            asked.add(address)
            answer = self._call("GET", address)

    def mark(self, path: str) -> Tag:
        """A tag that says: what stands here never changes, and was read."""
        return Tag(hashed(f"read {self._url(path, None)}"), "read")

    def marked(self, path: str) -> bool:
        """Whether such a tag was kept."""
        return self.around.known(self.mark(path).address) is not None

    def _url(self, path: str, params: Mapping[str, str | int] | None) -> str:
        if path.startswith(("http://", "https://")):
            url = path
            self._must_be_ours(url)
        else:
            url = f"{self.root}/{path.lstrip('/')}"
        return str(httpx.URL(url).copy_merge_params(params)) if params else str(httpx.URL(url))

    def _must_be_ours(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            there = (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme))
        except ValueError as error:
            raise Elsewhere("the server links to something that is no address") from error
        ours = self._parts
        if there != (ours.scheme, ours.hostname, ours.port or _PORTS.get(ours.scheme)):
            raise Elsewhere(f"the server links to {parts.hostname}, which is not called")

    def _call(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        conditional: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        told = dict(headers or {})
        if body is not None:
            told["Content-Type"] = "application/json"
        address = hashed(url)
        known = self.around.known(address) if conditional else None
        if known is not None:
            told["If-None-Match"] = known
        answer = self._tried(method, url, body, told)
        check_status(answer)
        etag = answer.headers.get("etag")
        if conditional and etag and not answer.unchanged:
            return Answer(
                status=answer.status,
                url=answer.url,
                headers=answer.headers,
                body=answer.body,
                tag=Tag(address, etag),
            )
        return answer

    def _tried(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """The first answer that is neither a failure of the server nor a limit."""
        pause, limits = _FIRST_PAUSE, 0
        self._wait_for_quota()
        for left in reversed(range(_TRIES)):
            try:
                answer = self._followed(method, url, body, headers)
            except httpx.LocalProtocolError as error:
                raise BadCredentials("the token holds what no header may hold") from error
            except (httpx.TransportError, httpx.DecodingError) as error:
                failure = f"{place(url)}: {_reason(error)}"
            else:
                limit = self._limit(answer)
                if limit is not None:
                    limits += 1
                    self._sit_out(limit, limits)
                    continue
                if answer.status < httpx.codes.INTERNAL_SERVER_ERROR:
                    self._note_quota(answer)
                    return answer
                failure = f"{place(url)}: status {answer.status}"
            if not left:
                raise Unreachable(failure)
            self._wait(pause, failure)
            pause *= 2
        raise Limited(None)

    def _note_quota(self, answer: Answer) -> None:
        now = self.around.clock()
        seconds = seconds_until_refilled(answer.headers, now)
        if seconds is not None:
            self._empty_until[self._account] = now.timestamp() + seconds

    def _wait_for_quota(self) -> None:
        until = self._empty_until.pop(self._account, 0.0)
        seconds = until - self.around.clock().timestamp()
        if seconds > 0:
            self._sit_out(Limited(seconds), 1)

    def _limit(self, answer: Answer) -> Limited | None:
        """The limit that this answer tells of."""
        own = self._find_limit(answer.status, answer.headers, answer.body)
        if own is not None:
            return own
        told = seconds_to_wait(answer.headers, self.around.clock())
        if answer.status == httpx.codes.TOO_MANY_REQUESTS:
            return Limited(told)
        if answer.status == httpx.codes.SERVICE_UNAVAILABLE and "retry-after" in answer.headers:
            return Limited(told)
        if answer.status == httpx.codes.FORBIDDEN and told is not None:
            return Limited(told)
        return None

    def _sit_out(self, limit: Limited, times: int) -> None:
        seconds = _UNTOLD_PAUSE * 2 ** (times - 1) if limit.seconds is None else limit.seconds
        if timedelta(seconds=seconds) > self.around.patience:
            raise Limited(seconds)
        self._wait(max(seconds, 1.0), str(limit))

    def _wait(self, seconds: float, why: str) -> None:
        self.around.waiting(seconds, why)
        self.around.sleep(seconds)

    def _followed(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        for _ in range(_REDIRECTS + 1):
            self._must_be_callable()
            answer = self._sent(method, url, body, headers)
            target = answer.headers.get("location")
            if not (300 <= answer.status < 400 and target) or answer.unchanged:  # noqa: PLR2004
                return answer
            url = _joined(url, target)
            self._must_be_ours(url)
        raise BadAnswer(f"{place(url)}: redirected too often")

    def _sent(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        allowed = self.authorise(self._account)
        every = {**self._headers, **headers, **allowed}
        ends = time.monotonic() + _ANSWER_SECONDS
        with self._http.stream(method, url, content=body, headers=every) as response:
            held = bytearray()
            for chunk in response.iter_bytes():
                held += chunk
                if len(held) > _ANSWER_BYTES:
                    raise BadAnswer(
                        f"{place(url)}: the answer is larger than {_ANSWER_BYTES} bytes"
                    )
                if time.monotonic() > ends:
                    raise httpx.ReadTimeout("the answer takes too long")
            return Answer(
                status=response.status_code,
                url=url,
                headers={name.lower(): value for name, value in response.headers.items()},
                body=bytes(held),
            )

    def _must_be_callable(self) -> None:
        """Refuse a server whose name leads to the local link, unless that is what was written.

        Asked before every call, since a name may lead elsewhere the next time.
        """
        host = self._parts.hostname or ""
        if _is_address(host):
            return
        try:
            found = socket.getaddrinfo(host, self._parts.port or self._parts.scheme)
        except OSError:
            # A proxy may know the name; otherwise the call says why it can't be made.
            return
        for *_, told in found:
            here = ipaddress.ip_address(str(told[0]).partition("%")[0])
            real = getattr(here, "ipv4_mapped", None) or here
            if any(real.version == net.version and real in net for net in _LINK_LOCAL):
                raise Elsewhere(f"{host} leads to the local link, which is not called")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise Elsewhere("the server redirects to something that is no address") from error


def _reason(error: Exception) -> str:
    return f"no answer ({type(error).__name__})"
