"""Commands that are read once they are asked for: the same as if all had been read before."""

import subprocess
import sys

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from assay.later import Later
from assay.main import app

COMMANDS = get_group(app).commands


def modules_after(statement: str) -> set[str]:
    """What is loaded in a process of its own that has run this."""
    look = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_all_says_what_that_of_each_begins_with(name: str) -> None:
    later = COMMANDS[name]
    assert isinstance(later, Later)
    command = later.read()
    assert command.name == name
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == later.help


def test_what_belongs_to_no_command_is_told() -> None:
    done = CliRunner().invoke(app, ["tokenz"])
    assert done.exit_code == 2
    assert "No such command 'tokenz'. Did you mean 'tokens'" in done.output


def test_the_help_reads_none_of_them() -> None:
    loaded = modules_after("import assay.main; assay.main.app(['--help'], standalone_mode=False)")
    assert "assay.later" in loaded
    assert not loaded & {"assay.running", "assay.keys", "sqlalchemy", "fastapi", "httpx"}


def test_what_learns_and_what_tells_is_read_by_no_command_before_it_is_wanted() -> None:
    read = "import assay.main as m; from typer.main import get_group"
    every = "[each.read() for each in get_group(m.app).commands.values()]"
    loaded = modules_after(f"{read}; {every}; import assay.worker")
    assert {"assay.running", "assay.learn", "assay.worker"} <= loaded
    assert not loaded & {"sklearn", "numpy", "scipy", "opentelemetry.sdk", "assay.exporting"}


def test_a_server_holds_nothing_for_what_most_have_not_set_up() -> None:
    """Signing in, addresses to post to, migrations: a sixth of its memory."""
    loaded = modules_after("import assay.parts")
    assert {"assay.sign_in", "assay.channels", "store.schema"} <= loaded
    assert not loaded & {"authlib", "cryptography", "jwt", "httpx", "alembic", "pygments"}


def test_what_the_worker_is_forked_from_has_read_what_it_needs_and_no_server() -> None:
    threads = "import os; print(f'threads={len(os.listdir(\"/proc/self/task\"))}')"
    loaded = modules_after(f"import assay.serve; {threads}")
    assert {"assay.worker", "threads=1"} <= loaded
    assert not loaded & {"api", "assay.parts", "fastapi", "uvicorn", "grpc", "alembic"}
