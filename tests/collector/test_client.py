"""Calling a provider: patiently, no more than need be, and never elsewhere."""

import itertools
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from collector.client import Client, Surroundings
from collector.client_errors import (
    BadAnswer,
    BadCredentials,
    ClientError,
    Elsewhere,
    Limited,
    NotAllowed,
    NotThere,
    Unreachable,
)
from tests.collector.sync_server import NOW, Break, Clock, Request, Respond, Response, SyncServer


def named(account: str) -> dict[str, str]:
    return {"Authorization": f"Bearer as-{account}"}


@contextmanager
def client(
    server: SyncServer, clock: Clock | None = None, known: dict[str, str] | None = None, **told: Any
) -> Iterator[Client]:
    clock = clock or Clock()
    around = Surroundings(clock=clock, sleep=clock.sleep, known=(known or {}).get)
    made = Client(
        server.url, lambda who: {"Authorization": f"Bearer as-{who}"}, around=around, **told
    )
    try:
        yield made
    finally:
        made.close()


def answers(*responses: Response) -> Respond:
    """These, one after the other; the last one for ever."""
    left = itertools.chain(responses, itertools.repeat(responses[-1]))
    return lambda _request: next(left)


WELL = Response(["well"])


# Patience


@pytest.mark.parametrize(
    "fault",
    [Break.status(500), Break.status(502), Break.status(503), Break.close, Break.truncate],
    ids=["500", "502", "503", "reset", "truncated"],
)
def test_a_failing_server_is_asked_again_ever_later(fault: Any) -> None:
    clock = Clock()
    with SyncServer(answers(WELL)) as server, client(server, clock) as calling:
        server.fault = lambda number, _: fault if number < 4 else None
        assert calling.get("x").items() == ["well"]
    assert clock.slept == [1, 2, 4]


def test_a_server_that_never_answers_is_given_up() -> None:
    clock = Clock()
    with SyncServer(answers(Response(status=502))) as server, client(server, clock) as calling:
        with pytest.raises(Unreachable, match="/x: status 502"):
            calling.get("x")
        assert len(server.requests) == 6
    assert clock.slept == [1, 2, 4, 8, 16]


RESET = int((NOW + timedelta(seconds=90)).timestamp())


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "30"}, 30),
        (503, {"Retry-After": "30"}, 30),
        (403, {"Retry-After": "30"}, 30),
        (429, {"Retry-After": "Sun, 22 Nov 2026 12:02:00 GMT"}, 120),
        (403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(RESET)}, 90),
        (429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(RESET)}, 90),
        (429, {"RateLimit-Remaining": "0", "RateLimit-Reset": "45"}, 45),
        (429, {"Retry-After": "soon"}, 60),
        (429, {"Retry-After": "inf"}, 60),
        (429, {"X-RateLimit-Remaining": "\N{SUPERSCRIPT TWO}", "X-RateLimit-Reset": "45"}, 60),
        (429, {}, 60),
        (429, {"Retry-After": "0"}, 1),
    ],
)
def test_a_limit_is_waited_out(status: int, headers: dict[str, str], seconds: float) -> None:
    clock = Clock()
    limited = Response({}, status, headers)
    with SyncServer(answers(limited, WELL)) as server, client(server, clock) as calling:
        assert calling.get("x").items() == ["well"]
    assert clock.slept == [seconds]


def test_an_untold_limit_that_stays_is_waited_for_ever_longer() -> None:
    clock = Clock()
    limited = Response({}, 429)
    with (
        SyncServer(answers(limited, limited, limited, WELL)) as server,
        client(server, clock) as calling,
    ):
        assert calling.get("x").items() == ["well"]
    assert clock.slept == [60, 120, 240]


def test_a_limit_beyond_patience_is_told() -> None:
    clock = Clock()
    limited = Response({}, 429, {"Retry-After": "86400"})
    with SyncServer(answers(limited)) as server, client(server, clock) as calling:
        with pytest.raises(Limited) as told:
            calling.get("x")
        assert told.value.seconds == 86400
    assert clock.slept == []


def test_nothing_is_asked_while_nothing_remains() -> None:
    clock = Clock()
    last = Response(["last"], headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "40"})
    with SyncServer(answers(last, WELL)) as server, client(server, clock) as calling:
        assert calling.get("x").items() == ["last"]
        assert clock.slept == []
        # The quota is the account's, whoever asks in its name.
        assert calling.acting_for("").get("x").items() == ["well"]
        assert clock.slept == [40]
        calling.get("x")
        assert clock.slept == [40]


def test_a_provider_may_tell_its_limits_in_words_of_its_own() -> None:
    clock = Clock()

    def find(status: int, _headers: Any, body: bytes) -> Limited | None:
        return Limited(7) if status == 400 and b"RATELIMITED" in body else None

    limited = Response({"errors": ["RATELIMITED"]}, 400)
    with (
        SyncServer(answers(limited, WELL)) as server,
        client(server, clock, find_limit=find) as calling,
    ):
        assert calling.post("graphql", {"query": "x"}).items() == ["well"]
    assert clock.slept == [7]


def test_who_calls_is_told_of_every_pause() -> None:
    heard: list[tuple[float, str]] = []
    clock = Clock()
    around = Surroundings(
        clock=clock, sleep=clock.sleep, waiting=lambda seconds, why: heard.append((seconds, why))
    )
    with SyncServer(answers(Response(status=500), Response(status=429), WELL)) as server:
        calling = Client(server.url, lambda _: {}, around=around)
        calling.get("x")
        calling.close()
    assert heard == [(1, "/x: status 500"), (60, "the server's limit of calls is reached")]


# What answers mean


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, BadCredentials),
        (403, NotAllowed),
        (404, NotThere),
        (409, NotThere),
        (410, NotThere),
        (451, NotThere),
        (400, BadAnswer),
        (422, BadAnswer),
        (302, BadAnswer),
    ],
)
def test_a_refusal_is_not_asked_again(status: int, error: type[ClientError]) -> None:
    clock = Clock()
    with SyncServer(answers(Response({}, status))) as server, client(server, clock) as calling:
        with pytest.raises(error) as told:
            calling.get("secret/path", {"q": "private"})
        assert type(told.value) is error
        assert "private" not in str(told.value)
        assert len(server.requests) == 1
    assert clock.slept == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_an_answer_that_is_no_json_is_refused(body: bytes) -> None:
    with (
        SyncServer(answers(Response(body))) as server,
        client(server) as calling,
        pytest.raises(BadAnswer, match="no JSON"),
    ):
        calling.get("x").json()


def test_an_answer_that_holds_no_list_is_refused() -> None:
    with (
        SyncServer(answers(Response({"values": [1], "next": {}}))) as server,
        client(server) as calling,
    ):
        answer = calling.get("x")
        assert answer.items("values") == [1]
        for name in ("", "next", "other"):
            with pytest.raises(BadAnswer, match="no list"):
                answer.items(name)


def test_an_answer_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.client._ANSWER_BYTES", 1000)
    with (
        SyncServer(answers(Response("x" * 2000))) as server,
        client(server) as calling,
        pytest.raises(BadAnswer, match="larger than 1000 bytes"),
    ):
        calling.get("x")


def test_a_token_that_no_header_takes_is_told() -> None:
    with SyncServer(answers(WELL)) as server:
        calling = Client(server.url, lambda _: {"Authorization": "Bearer a\nb"})
        with pytest.raises(BadCredentials, match="header"):
            calling.get("x")
        calling.close()
        assert server.requests == []


def test_calls_are_made_in_the_name_of_an_account() -> None:
    with SyncServer(answers(WELL)) as server, client(server, headers={"Accept": "a/b"}) as calling:
        calling.acting_for("7").get("x", {"a": 1})
        [(request, _)] = server.requests
    assert (request.headers["authorization"], request.headers["accept"]) == ("Bearer as-7", "a/b")
    assert (request.path, request.query) == ("/x", {"a": "1"})


# No more than need be


def test_what_has_not_changed_is_not_read_again() -> None:
    known: dict[str, str] = {}
    with SyncServer(answers(WELL)) as server, client(server, known=known) as calling:
        first = calling.get("x", {"a": 1}, conditional=True)
        assert (first.items(), first.unchanged, first.tag is not None) == (["well"], False, True)
        # Nothing is remembered that the caller has not kept.
        assert not calling.get("x", {"a": 1}, conditional=True).unchanged
    known |= {tag.address: tag.value for tag in first.tags}
    with SyncServer(answers(WELL)) as again, client(again, known=known) as calling:
        # The address counts, and with it the server.
        assert not calling.get("x", {"a": 1}, conditional=True).unchanged


def test_an_unchanged_answer_has_no_body_and_no_tag() -> None:
    known: dict[str, str] = {}
    with SyncServer(answers(WELL)) as server:
        with client(server) as calling:
            tags = calling.get("x", conditional=True).tags
        known = {tag.address: tag.value for tag in tags}
        with client(server, known=known) as calling:
            told = calling.get("x", conditional=True)
            assert (told.unchanged, told.body, told.tags) == (True, b"", ())
            assert calling.get("x").items() == ["well"]
            assert [len(list(calling.pages("x", conditional=True)))] == [1]


def test_a_mark_says_that_something_was_read_for_good() -> None:
    with SyncServer(answers(WELL)) as server:
        with client(server) as calling:
            mark = calling.mark("commits/1")
            assert not calling.marked("commits/1")
        with client(server, known={mark.address: mark.value}) as calling:
            assert calling.marked("commits/1")
            assert not calling.marked("commits/2")
        assert server.requests == []


# Pages


def paged(request: Request) -> Response:
    return request.page(list(range(5)), most=2)


def test_pages_follow_the_link() -> None:
    with SyncServer(paged) as server, client(server) as calling:
        told = [answer.items() for answer in calling.pages("x", {"per_page": 100})]
    assert told == [[0, 1], [2, 3], [4]]


def test_pages_follow_what_the_body_says() -> None:
    def respond(request: Request) -> Response:
        number = int(request.query.get("start", 0))
        return Response({"values": [number], "next": number + 1 if number < 2 else None})

    with SyncServer(respond) as server, client(server) as calling:
        pages = calling.pages(
            "x",
            following=lambda answer: (
                f"x?start={told}" if (told := answer.json()["next"]) is not None else None
            ),
        )
        assert [answer.items("values") for answer in pages] == [[0], [1], [2]]


def test_a_page_that_comes_again_ends_it() -> None:
    with (
        SyncServer(lambda _: Response([1])) as server,
        client(server) as calling,
        pytest.raises(BadAnswer, match="itself"),
    ):
        list(calling.pages("x", following=lambda _answer: "x"))


@pytest.mark.parametrize(
    ("header", "link"),
    [
        ("", None),
        ('<u?page=2>; rel="next"', "/api/u?page=2"),
        ('<?page=2>; rel="next"', "/api/x?page=2"),
        ('</b?page=2>; rel="next"', "/b?page=2"),
        ('<a>; rel="prev", <b>; rel="next", <c>; rel="last"', "/api/b"),
        ('<a>; title="x"; rel="next"', "/api/a"),
        ('a; rel="next"', None),
        ('<a>; rel="last"', None),
    ],
)
def test_the_link_to_the_next_page(header: str, link: str | None) -> None:
    with (
        SyncServer(answers(Response([], headers={"Link": header}))) as server,
        client(server) as calling,
    ):
        told = calling.get("api/x").next_link
        assert told == (link and server.url + link)


# Never elsewhere


def test_a_redirect_on_the_same_server_is_followed() -> None:
    def respond(request: Request) -> Response:
        if request.path == "/old":
            return Response({}, 301, {"Location": "/new?page=1"})
        return Response([request.path])

    with SyncServer(respond) as server, client(server) as calling:
        assert calling.get("old").items() == ["/new"]


def test_redirects_end() -> None:
    loop = Response({}, 302, {"Location": "/x"})
    with (
        SyncServer(answers(loop)) as server,
        client(server) as calling,
        pytest.raises(BadAnswer, match="too often"),
    ):
        calling.get("x")


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/x",
        "http://localhost/x",
        "https://127.0.0.1/x",
        "//elsewhere.test/x",
        "file:///etc/passwd",
        "http://[::1/x",
    ],
)
def test_nothing_leads_to_another_server(target: str) -> None:
    moved = Response([], 302, {"Location": target})
    with (
        SyncServer(answers(moved)) as server,
        client(server) as calling,
        pytest.raises((Elsewhere, Unreachable)),
    ):
        calling.get("x")
    linked = Response([], headers={"Link": f'<{target}>; rel="next"'})
    with SyncServer(answers(linked)) as server, client(server) as calling:
        if "://" in target:
            with pytest.raises((Elsewhere, BadAnswer, NotThere)):
                list(calling.pages("x"))
        assert all(request.headers["host"] == server.url[7:] for request, _ in server.requests)


@pytest.mark.parametrize(
    "found", ["169.254.169.254", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254"]
)
def test_a_name_that_leads_to_the_local_link_is_not_called(
    found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, 80))]

    monkeypatch.setattr("collector.client.socket.getaddrinfo", resolve)
    calling = Client("http://forge.test", lambda _: {}, around=Surroundings())
    with pytest.raises(Elsewhere, match="local link"):
        calling.get("x")
    calling.close()


def test_the_clock_of_a_client_is_real_unless_told() -> None:
    assert abs(Surroundings().clock() - datetime.now(UTC)) < timedelta(minutes=1)
