"""Who is who and in which team, told to a server that runs: its answers follow."""

from pathlib import Path

from typer.testing import CliRunner

from assay.main import app
from tests.capturing import CAPTURES
from tests.serving import Server, requests_of, send, serving

OAUTH = CAPTURES / "claude-code" / "17-oauth-identity"
PEOPLE = "person,kind,value\nAda,email,dev.one@example.test\n"
TEAMS = "team,person,from\npayments,Ada,2026-01-01\n"


def run(data: Path, command: str, file: str) -> None:
    path = data.parent / f"{command}.csv"
    path.write_text(file, encoding="utf-8")
    told = CliRunner().invoke(
        app, [command, "import", str(path), "--data", str(data)], env={"ASSAY_SHOW_NAMES": "true"}
    )
    assert told.exit_code == 0, told.output


def by_person(server: Server) -> list[tuple[str | None, str | None, int | None]]:
    """Name, team and requests of each."""
    server.settle()
    rows = server.get("/v1/usage", group_by="user,team")["rows"]
    return [(row.get("user_name"), row["team"], row["requests"]) for row in rows]


def test_files_of_people_and_teams_reach_the_answers_of_a_running_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data, ASSAY_SHOW_NAMES="true") as server:
        for note, body in requests_of(OAUTH):
            send(server, note, body)
        assert by_person(server) == [(None, None, 1)]
        run(data, "people", PEOPLE)
        assert by_person(server) == [("Ada", None, 1)]
        run(data, "teams", TEAMS)
        assert by_person(server) == [("Ada", "payments", 1)]
        [session] = server.get("/v1/sessions")["rows"]
        assert (session["user_name"], session["team"]) == ("Ada", "payments")
