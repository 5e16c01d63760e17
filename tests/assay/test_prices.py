"""``assay prices check``, ``assay reprice``, and a server that is given a price file."""

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assay.main import app
from collector.dialects import tells
from collector.fold import fold
from domain.events import Context, RequestAnswered, Source
from domain.price_book import LIST_PRICES
from domain.usage import Tokens
from store import sessions
from store.engine import Database
from tests.capturing import scenarios
from tests.serving import command, requests_of, send, serving
from tests.telling import observation

FILE = """
[[discount]]
from = 2026-01-01
percent_off = 10

[[discount]]
from = 2026-11-23
models = ["claude-*"]
percent_off = 25

[[price]]
from = 2026-01-01
models = ["house-*"]
tools = ["opencod"]
input = 1.00

[[price]]
from = 2026-01-01
models = ["house-*"]
input = 1.00

[[pool]]
name = "Google 2026"
from = 2026-01-01
through = 2026-12-31
models = ["gemini-*"]
paid_usd = 3
credit_usd = 4

[[seats]]
name = "Copilot"
from = 2026-01-01
tools = ["copilot"]
seats = 2
usd_per_seat_month = 19
usage_included = true
"""
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
SEEN = [
    ("codex", None, "gpt-5", Tokens(input=1_000_000)),
    ("claude-code", "payments", "claude-opus-4-6", Tokens(cache_read=1_000_000)),
    ("opencode", None, "house-1", Tokens(input=4, output=3)),
    ("gemini-cli", None, "gemini-2.5-pro", Tokens(output=1_000_000)),
    ("copilot", None, "nobody-1", Tokens(output=2)),
    ("cline", None, None, Tokens(output=1)),
]


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit status, and everything that was printed, with single spaces."""
    runner = CliRunner(env={"COLUMNS": "250", "ASSAY_PRICES": None, "ASSAY_DATA": None})
    result = runner.invoke(app, [str(each) for each in arguments])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "prices.toml"
    path.write_text(FILE)
    return path


@pytest.fixture
def filled(migrated: Path, tmp_path: Path) -> Path:
    """The data folder of a company that used six tools on two days."""
    shutil.copy(migrated, tmp_path / "assay.db")
    told = [
        observation(
            tool=tool,
            session_id="s1",
            installation="i",
            key=bytes([number, day]) * 8,
            at=AT + timedelta(days=day),
            source=Source.LOG,
            rank=0,
            context=Context(team=team),
            facts=(RequestAnswered(model=model, tokens=tokens),),
        )
        for number, (tool, team, model, tokens) in enumerate(SEEN)
        for day in (0, 1)
    ]
    with (
        closing(Database(f"sqlite:///{tmp_path / 'assay.db'}")) as database,
        database.writing() as connection,
    ):
        sessions.apply(connection, fold(told, [], tells, LIST_PRICES))
    return tmp_path


# check


def test_a_file_without_a_database_is_checked_alone(file: Path, tmp_path: Path) -> None:
    none_yet = tmp_path / "none"
    status, told = run("prices", "check", file, "--data", none_yet)
    assert (status, told) == (
        0,
        f"{file} is right: discounts 2, prices 2, seats 1, pools 1."
        f" There is no database in {none_yet} yet to hold it against.",
    )
    assert not none_yet.exists()


def test_everything_that_is_wrong_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text("[[price]]\nfrom = 2026-01-01\ninput = -1\nx = 1\n")
    status, told = run("prices", "check", path)
    assert status == 1
    assert told.startswith(
        f"The price file {path} can't be used: line 3, price[1].input: is negative: -1"
        " line 4, price[1].x: is not known"
    )


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    assert run("prices", "check", missing) == (
        1,
        f"Cannot read the price file {missing}: No such file or directory.",
    )
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    status, told = run("prices", "check", tmp_path / "latin.toml")
    assert (status, told) == (1, f"The price file {tmp_path / 'latin.toml'} is not UTF-8 text.")


def cells(told: str) -> list[list[str]]:
    """The rows of the printed table."""
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in told.splitlines()
        if line.startswith("│")
    ]


def checked(*arguments: str | Path) -> tuple[list[list[str]], str]:
    runner = CliRunner(env={"COLUMNS": "250", "ASSAY_PRICES": None, "ASSAY_DATA": None})
    result = runner.invoke(app, ["prices", "check", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return cells(result.output), result.output


def test_every_model_seen_is_told_with_what_it_is_priced_by(file: Path, filled: Path) -> None:
    rows, told = checked(file, "--data", filled)
    unknown = "unpriced: not in the price list"
    assert sorted(rows) == sorted(
        [
            ["codex", "gpt-5", "2026-11-22", "openai gpt-5", "discount[1] (line 2): 90 % of list"],
            [
                "claude-code",
                "claude-opus-4-6",
                "2026-11-22",
                "anthropic claude-opus-4-6",
                "discount[1] (line 2): 90 % of list",
            ],
            [
                "claude-code",
                "claude-opus-4-6",
                "2026-11-23",
                "anthropic claude-opus-4-6",
                "discount[2] (line 6): 75 % of list",
            ],
            ["opencode", "house-1", "2026-11-22", unknown, "price[2] (line 17); unpriced: output"],
            [
                "gemini-cli",
                "gemini-2.5-pro",
                "2026-11-22",
                "google gemini-2.5-pro",
                "pool[1] (line 22): 75 % of list",
            ],
            ["copilot", "nobody-1", "2026-11-22", unknown, "included in seats[1] (line 30)"],
            [
                "cline",
                "(not told)",
                "2026-11-22",
                "unpriced: no model is told",
                "discount[1] (line 2), but unpriced: no model is told",
            ],
        ]
    )
    assert "Note: opencod is no tool that is known or was seen." in told
    assert (
        "Pool Google 2026: $20.00 of $4.00 drawn at list price through 2026-12-31; $16.00 more than"
        " there is, booked all the same"
    ) in told


def test_teams_are_told_where_the_file_names_any(file: Path, filled: Path) -> None:
    file.write_text('[[discount]]\nfrom = 2026-01-01\nteams = ["payments"]\npercent_off = 0.5\n')
    rows, _ = checked(file, "--data", filled)
    assert [row for row in rows if row[0] in ("claude-code", "codex")] == [
        ["claude-code", "payments", "claude-opus-4-6", "2026-11-22", "anthropic claude-opus-4-6",
         "discount[1] (line 1): 99.5 % of list"],
        ["codex", "(not told)", "gpt-5", "2026-11-22", "openai gpt-5", "list"],
    ]  # fmt: skip


def test_tiers_are_told_where_any_usage_tells_one(file: Path, filled: Path) -> None:
    made = [
        observation(
            tool="codex",
            session_id="s2",
            installation="i",
            key=bytes([number]) * 16,
            at=AT,
            source=Source.LOG,
            rank=0,
            context=Context(tier=tier),
            facts=(RequestAnswered(model=model, tokens=Tokens(input=1_000_000)),),
        )
        for number, (model, tier) in enumerate([("gpt-5", "flex"), ("gpt-5-pro", "priority")])
    ]
    with (
        closing(Database(f"sqlite:///{filled / 'assay.db'}")) as database,
        database.writing() as connection,
    ):
        sessions.apply(connection, fold(made, [], tells, LIST_PRICES))
    file.write_text(
        '[[price]]\nfrom = 2026-01-01\ntools = ["codex"]\ntiers = ["flex"]\ninput = 1\n'
    )
    rows, _ = checked(file, "--data", filled)
    unpriced = "unpriced: the price list has no price of this tier"
    assert sorted(row for row in rows if row[0] == "codex") == [
        ["codex", "gpt-5", "flex", "2026-11-22", "openai gpt-5", "price[1] (line 1)"],
        ["codex", "gpt-5", "standard", "2026-11-22", "openai gpt-5", "list"],
        ["codex", "gpt-5-pro", "priority", "2026-11-22", unpriced, unpriced],
    ]


def test_without_a_file_effective_prices_are_not_known(filled: Path) -> None:
    rows, told = checked("--data", filled)
    assert told.startswith("No price file is set.")
    assert {row[-1] for row in rows} == {"not known: no price file"}


# reprice


def test_a_dry_run_tells_what_the_same_command_then_does(file: Path, filled: Path) -> None:
    command_line = ("reprice", "--from", "2026-11-01", "--prices", file, "--data", filled)
    status, told = run(*command_line, "--dry-run")
    assert status == 0
    assert "12 of 12 sums of usage would change." in told
    assert "codex │ list │ $2.50 │ $2.50 │ $0.00 │ 0 │" in told
    assert "│ effective │ not known │ $2.25 │ +$2.25 │ 0 │" in told
    assert "opencode │ list │ not known │ not known │ │ 14 │" in told
    assert "│ effective │ not known │ $0.000008 │ +$0.000008 │ 0 → 6 │" in told
    assert run(*command_line) == (0, told.replace("would change", "changed"))
    status, told = run(*command_line)
    assert "0 of 12 sums of usage changed." in told
    assert "│ effective │ $2.25 │ $2.25 │ $0.00 │ 0 │" in told


def test_days_are_given_as_days_and_in_order(file: Path, filled: Path) -> None:
    assert run("reprice", "--data", filled)[0] == 2
    assert run("reprice", "--from", "yesterday", "--data", filled)[0] == 2
    assert run("reprice", "--from", "2026-11-02", "--to", "2026-11-02", "--data", filled) == (
        1,
        "--to must be after --from: it is the day after the last one.",
    )
    status, told = run(
        "reprice", "--from", "2026-11-22", "--to", "2026-11-23", "--prices", file, "--data", filled
    )
    assert (status, "6 of 6 sums of usage changed." in told) == (0, True)


def test_without_a_file_only_list_prices_are_booked(filled: Path) -> None:
    status, told = run("reprice", "--from", "2026-11-01", "--data", filled)
    assert status == 0
    assert told.endswith(
        "0 of 12 sums of usage changed. No price file is set (ASSAY_PRICES): effective costs stay"
        " as they are."
    )


# serve


def test_a_server_does_not_start_with_a_file_that_is_wrong(file: Path, tmp_path: Path) -> None:
    file.write_text("[[price]]\n")
    process = command("serve", "--data", str(tmp_path / "data"), ASSAY_PRICES=str(file))
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "line 1, price[1].from: is missing" in told
    assert not (tmp_path / "data").exists()


def test_what_a_server_folds_is_booked_at_the_companys_prices(file: Path, tmp_path: Path) -> None:
    with serving(tmp_path / "data", ASSAY_PRICES=str(file)) as server:
        for note, body in requests_of(scenarios("claude-code")[0]):
            send(server, note, body)
        server.settle()
        cost = server.get("/v1/usage")["total"]["cost"]
        seats = server.get("/v1/fixed-costs", **{"from": "2026-11-01", "to": "2026-12-01"})
    assert cost["list_usd"] == 0.01662135
    assert cost["effective_usd"] == round(0.01662135 * 0.9, 9)
    assert cost["effective_unpriced_tokens"] == 0
    assert seats["seats_usd"] == 38
