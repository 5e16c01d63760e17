"""The pages: what they say, in every state, and that anybody can read them."""

import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from collector.decode import Encoding
from domain.judgement import By, Judgement
from domain.labels import Decision, Requirement, Verdict
from domain.record import Signal
from domain.work import Repository
from store import access, conclusions
from store import tables as t
from store.access import Role
from store.engine import Connection, Database
from store.upsert import merge_into
from tests.api.answering import NOW, client
from tests.api.test_sessions import labelled
from tests.api.test_status_and_coverage import STRANGE
from tests.api.test_verdicts import judge
from tests.capturing import CAPTURES
from tests.filling import bodies, fill, one, put

CLAUDE = CAPTURES / "claude-code"
COMMITS = "c00747f8-588c-4bd7-a6c0-ac31be606bd8"
STYLE = Path(__file__).parents[2] / "api" / "pages" / "static" / "style.css"
VOID = frozenset({"meta", "link", "br", "img", "input", "hr"})


class Reader(HTMLParser):
    """The visible words of a page, its links, and whether its elements are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append((tag, told))
        if tag == "a" and told.get("href"):
            self.links.append(told["href"] or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def read(http: TestClient, path: str = "/") -> Reader:
    response = http.get(path, headers={"Accept": "text/html"})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return Reader(response.text)


def test_an_empty_page_says_what_to_do(database: Database) -> None:
    page = read(client(database, host="10.1.2.3:8000")).text
    assert "Nothing has arrived yet." in page
    for line in (
        "export CLAUDE_CODE_ENABLE_TELEMETRY=1",
        "export OTEL_METRICS_EXPORTER=otlp",
        "export OTEL_LOGS_EXPORTER=otlp",
        "export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
        "export OTEL_EXPORTER_OTLP_ENDPOINT=http://10.1.2.3:4318",
        "http://10.1.2.3:8000/webhooks/github",
    ):
        assert line in page
    assert "ingest token" not in page


def test_while_nothing_has_arrived_the_page_looks_again(database: Database) -> None:
    http = client(database)
    page = read(http)
    assert [told["src"] for tag, told in page.tags if tag == "script"] == ["/static/look-again.js"]
    assert "script-src 'self';" in http.get("/").headers["content-security-policy"]
    assert "refresh" not in [told.get("http-equiv") for _, told in page.tags]
    assert page.links.count("/") > 1
    script = http.get("/static/look-again.js")
    assert script.headers["content-type"].startswith("text/javascript")
    # By this it knows whether anything has arrived.
    assert "data-nothing-yet" in script.text
    assert "data-nothing-yet" in http.get("/").text
    fill(database, bodies(CLAUDE / "01-simple-http-protobuf"))
    assert "data-nothing-yet" not in http.get("/").text
    assert not [tag for tag, _ in read(http).tags if tag == "script"]


@pytest.mark.parametrize("path", ["/tools", "/sessions", "/v1/status", "/nothing"])
def test_everywhere_else_scripts_are_forbidden(path: str, http: TestClient) -> None:
    assert "script-src 'none';" in http.get(path).headers["content-security-policy"]


def test_where_a_token_is_needed_the_page_says_so(database: Database) -> None:
    with database.writing() as connection:
        access.create(connection, "x", Role.INGEST, NOW)
    page = read(client(database)).text
    assert 'export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer <ingest token>"' in page
    assert "assay tokens create" in page


def test_records_that_nobody_understands_are_not_nothing(database: Database) -> None:
    fill(database, [(Signal.LOGS, Encoding.JSON, STRANGE)])
    page = read(client(database)).text
    assert "Records came, but none that tells of a session" in page
    assert "1 of them was not understood" in page


def test_the_first_page_shows_what_has_arrived(http: TestClient) -> None:
    page = read(http).text
    assert "14 sessions of claude-code cost $0.672 at list price." in page
    for words in (
        "Sessions 14 Requests 66",
        "Cost at list price $0.672",
        "Cost as reported $0.672",
        "Input 93,611",
        "Cache read 184,856",
        "Cache write 58,870",
        "Output 9,207",
        "Last record 30 minutes ago",
        "claude-haiku-5-5 claude-code 1 2 3,082 901 992 324",
        "Every kind of record that arrived is known.",
        "A further $0.0224 at list price came from telemetry that names no session",
        "Tokenassay 1.2.3 on sqlite",
    ):
        assert words in page


def test_it_says_what_is_missing_for_a_verdict(http: TestClient) -> None:
    page = read(http).text
    assert "Cannot say yet" in page
    assert "Settled sessions Sessions with a final label other than neutral. 30 0" in page
    assert "What came of them can't be seen until a Git forge is connected." in page
    assert "No Git forge is connected" in page
    assert "http://localhost:8000/webhooks/github" in page


def test_a_connected_forge_is_named(database: Database) -> None:
    fill(database, bodies(CLAUDE / "01-simple-http-protobuf"))
    told = Repository(forge="github", name="acme/payments")
    row = {"forge": told.forge, "repo": told.name, "default_branch": None}
    with database.writing() as connection:
        merge_into(connection, t.repositories, [row], {})
    page = read(client(database)).text
    assert "Connected: github (1 repository)" in page
    assert "can't be seen" not in page


def test_what_was_productive_is_said_first(database: Database) -> None:
    fill(database, bodies(CLAUDE / "24-commit-variants-tool-details"))
    pk = one(database, "SELECT pk FROM sessions WHERE active")
    with database.writing() as connection:
        conclusions.keep_labels(connection, {pk: labelled(NOW)})
    page = read(client(database)).text
    assert "So far $0.154 of it went into work that landed and stands." in page
    assert "Productive work that landed and stands 1 $0.154 100 %" in page


def test_verdicts_of_several_tools_stand_side_by_side(database: Database) -> None:
    fill(database, bodies(CLAUDE / "01-simple-http-protobuf"))
    fill(database, bodies(next((CAPTURES / "codex").glob("01-*"))))
    page = read(client(database, judge=judge)).text
    assert "claude-code Keep Enough of it was productive. 70 % 60 % to 80 % 1" in page
    assert "codex Cannot say yet 0 of 1 requirements met not yet known 1" in page
    assert "Requirement Needed claude-code codex Sessions Settled sessions." in page
    assert "30 40 (enough) 29.5" in page


def test_a_tool_that_is_not_judged_is_shown_all_the_same(database: Database) -> None:
    fill(database, bodies(CLAUDE / "01-simple-http-protobuf"))

    def nobody(_: Connection, as_of: datetime, by: By) -> Judgement:
        return Judgement(by=by, judged_at=as_of, verdicts=())

    assert "claude-code Not judged yet" in read(client(database, judge=nobody)).text


def test_null_is_not_told_and_never_zero(database: Database) -> None:
    scenario = CLAUDE / "01-simple-http-protobuf"
    fill(database, [body for body in bodies(scenario) if body[0] is Signal.METRICS])
    http = client(database)
    page = read(http).text
    assert "Requests not told" in page
    fill(database, bodies(CLAUDE / "24-commit-variants-tool-details"))
    assert "Requests ≥ 10" in read(http).text


def test_what_is_on_its_way_is_said(database: Database) -> None:
    fill(database, bodies(CLAUDE / "01-simple-http-protobuf"))
    put(database, bodies(CLAUDE / "17-oauth-identity"))
    assert re.search(r"\d on their way into these numbers", read(client(database)).text)


def test_every_session_on_the_page_has_its_own(http: TestClient) -> None:
    links = [link for link in read(http).links if link.startswith("/sessions/")]
    assert len(links) == 14
    for link in links:
        assert link.rpartition("/")[2] in read(http, link).text


def test_every_link_leads_somewhere(http: TestClient) -> None:
    pages = [read(http), read(http, f"/sessions/claude-code/{COMMITS}")]
    for link in {link for page in pages for link in page.links if link.startswith("/")}:
        assert http.get(link).status_code == 200, link


def test_the_page_of_a_session(http: TestClient) -> None:
    page = read(http, f"/sessions/claude-code/{COMMITS}").text
    for words in (
        "Session of claude-code 2.1.330",
        "22 Nov 2026, 04:47 UTC, for under a second. It cost $0.154 as the tool reported it.",
        "No commit, no pull request and no ticket is tied to this session.",
        "Branches feature/PAY-24",
        "claude-sonnet-4-5-20250929 main 10 33,146 1,000 210 3,566",
        "Log counted 10",
        "Metric not counted not told",
        "All signals told the same tokens.",
        "Commits 4",
        "Not told: retries",
        "Bash 9 1 0",
        "Team not told",
    ):
        assert words in page
    assert "What it bought" in page
    assert "Facts that the rule saw" in page


def test_nothing_on_a_page_is_taken_as_markup(database: Database) -> None:
    odd = "<script>alert(1)</script>"
    sent = [
        (signal, encoding, raw.replace(b"acme/payments", odd.encode()))
        for signal, encoding, raw in bodies(CLAUDE / "02-edit-bash-http-json-delta")
    ]
    fill(database, sent)
    http = client(database)
    [link] = [link for link in read(http).links if link.startswith("/sessions/")]
    for path in ("/", link):
        text = http.get(path).text
        assert "<script" not in text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


@pytest.mark.parametrize("path", ["/", f"/sessions/claude-code/{COMMITS}", "/nothing"])
def test_pages_need_no_script_and_carry_no_inline_style(path: str, http: TestClient) -> None:
    page = Reader(http.get(path, headers={"Accept": "text/html"}).text)
    assert not [tag for tag, _ in page.tags if tag in ("script", "style")]
    assert not [told for _, told in page.tags if any(name[:2] == "on" for name in told)]
    assert not [told for _, told in page.tags if "style" in told]


@pytest.mark.parametrize("path", ["/", f"/sessions/claude-code/{COMMITS}"])
def test_pages_can_be_read_by_ear(path: str, http: TestClient) -> None:
    page = read(http, path)
    tags = [tag for tag, _ in page.tags]
    assert {"header", "main", "footer"} <= set(tags)
    assert tags.count("h1") == 1
    assert all(told.get("scope") in ("col", "row") for tag, told in page.tags if tag == "th")
    ids = [told["id"] for _, told in page.tags if "id" in told]
    assert len(set(ids)) == len(ids)
    for _, told in page.tags:
        assert told.get("aria-labelledby", ids[0]) in ids
    assert dict(page.tags)["html"]["lang"] == "en"


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("paper", ["paper", "raised"])
@pytest.mark.parametrize("ink", ["ink", "quiet", "accent"])
def test_contrast_is_enough_to_read(ink: str, paper: str, scheme: int) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text of any size."""

    def luminance(name: str) -> float:
        told = re.findall(rf"--{name}: #(\w{{6}});", STYLE.read_text())[scheme]
        parts = [int(told[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted((luminance(ink), luminance(paper)))
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


def test_a_verdict_without_requirements_gives_its_reason(database: Database) -> None:
    fill(database, bodies(CLAUDE / "01-simple-http-protobuf"))

    def cut(_: Connection, as_of: datetime, by: By) -> Judgement:
        met = Requirement(name="x", sentence="Share of x.", have=1.0, need=0.5)
        verdict = Verdict(
            tool="claude-code",
            decision=Decision.CUT,
            reason="Little of it was productive.",
            requirements=(met,),
            productive_share=0.004,
            interval=(0.0, 0.1),
            as_of=as_of,
        )
        return Judgement(by=by, judged_at=as_of, verdicts=(verdict,))

    page = read(client(database, judge=cut)).text
    assert "claude-code Cut Little of it was productive. under 1 % 0 % to 10 %" in page
    assert "What a verdict still takes" not in page
