"""``assay links measure`` as an operator sees it."""

from pathlib import Path

from typer.testing import CliRunner

from assay.main import app
from store.engine import Database
from tests.classifier.test_join import fold, push, session, settle, sha, tell


def measured(database: Database) -> str:
    folder = Path(str(database.engine.url.database)).parent
    done = CliRunner().invoke(app, ["links", "measure", "--data", str(folder)])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_says_what_is_missing_where_nothing_is_proven(embedded: Database) -> None:
    told = measured(embedded)
    assert "No link is proven yet" in told
    assert "OTEL_LOG_TOOL_DETAILS=1" in told


def test_it_shows_how_well_proven_links_are_found_again(embedded: Database) -> None:
    fold(embedded, session("named", 0, 1, "src/basket.py", commit=sha(1)))
    tell(embedded, push(1, 1.1, "src/basket.py"))
    settle(embedded)
    told = measured(embedded)
    [row] = [line for line in told.splitlines() if "claude-code" in line]
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == [
        *("claude-code", "1", "1", "1.000", "1.000", "0.020")
    ]
    assert "too few to rely on" in told
