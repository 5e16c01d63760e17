"""A small simulated company in a database, told and concluded, to be judged."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from simulation.company import USUAL_TOOLS, found
from simulation.history import History
from simulation.living import live
from store.engine import Database
from tests.classifier.judging import UNTIL
from tests.companies import conclude, tell


@pytest.fixture(scope="session")
def small_history() -> History:
    """Twenty weeks of twelve developers."""
    return live(found(3, USUAL_TOOLS[:3], developers=12), UNTIL, weeks=20)


@pytest.fixture(scope="session")
def concluded(
    small_history: History, migrated: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The file of its database."""
    path = tmp_path_factory.mktemp("small") / "assay.db"
    shutil.copy(migrated, path)
    with closing(Database(f"sqlite:///{path}")) as database:
        tell(database, small_history)
        conclude(database, UNTIL)
        database.empty_log()
    return path


@pytest.fixture
def small(concluded: Path, tmp_path: Path) -> Iterator[Database]:
    """A copy of its database."""
    path = shutil.copy(concluded, tmp_path / "small.db")
    with closing(Database(f"sqlite:///{path}")) as database:
        yield database
