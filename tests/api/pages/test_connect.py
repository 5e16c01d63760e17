"""Connecting: what to set, for this server, and what arrives."""

from starlette.testclient import TestClient

from assay.connecting import connections
from assay.connecting_providers import provider_connections
from assay.guides import guides
from store import access, sync
from store.access import Role
from store.engine import Database
from tests.api.answering import NOW, client
from tests.api.pages.looking_up import look, table
from tests.capturing import CAPTURES
from tests.filling import bodies, fill


def test_every_tool_and_provider_is_explained_for_this_server(database: Database) -> None:
    page = look(client(database, host="10.1.2.3:8000", guides=guides), "/connect").text
    titles = [each.title for each in connections().values()]
    titles += [each.title for each in provider_connections().values()]
    assert [title for title in titles if title not in page] == []
    assert '"OTEL_EXPORTER_OTLP_ENDPOINT": "http://10.1.2.3:4318"' in page
    assert "- Address: http://10.1.2.3:8000/webhooks/github" in page
    assert "Nothing arrives yet." in page
    assert "No forge or tracker is connected" in page


def test_what_arrives_is_told_by_signal(database: Database) -> None:
    fill(database, bodies(CAPTURES / "claude-code" / "01-simple-http-protobuf"))
    with database.writing() as connection:
        sync.note_success(connection, "gitlab", "acme/payments", "changes", NOW)
    http = client(database, guides=guides)
    [row] = table(http, "/connect")
    assert row["tool"] == "claude-code"
    assert row["logs_at"]
    assert row["last_at"] == max(row["logs_at"], row["metrics_at"], row["traces_at"])
    page = look(http, "/connect").text
    assert "Claude Code · last record" in page
    assert "· last heard of 0 seconds ago" in page
    assert "No forge or tracker is connected" not in page


def test_where_a_key_is_needed_it_says_how_to_make_one(database: Database) -> None:
    assert "with a key only" not in look(client(database), "/connect").text
    with database.writing() as connection:
        access.create(connection, "x", Role.INGEST, NOW)
    assert "assay keys create --team TEAM" in look(client(database), "/connect").text


def test_a_server_that_tells_nobody_points_to_the_command(empty: TestClient) -> None:
    assert "assay connect --list" in look(empty, "/connect").text


def test_no_two_regions_have_one_name(database: Database) -> None:
    """A section and the table in it were both called by the same words."""
    fill(database, bodies(CAPTURES / "claude-code" / "01-simple-http-protobuf"))
    page = look(client(database, guides=guides), "/connect")
    regions = [told["aria-label"] for _, told in page.tags if told.get("role") == "region"]
    assert "Table: What arrives now" in regions
    assert all(name and name.startswith(("Table: ", "Chart: ")) for name in regions)
