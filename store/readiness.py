"""Whether a process at this database can do its work now: for whoever sends it requests."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from store import backlog, schema
from store.engine import Database, StoreError
from store.schema import SchemaState

_USABLE = frozenset({SchemaState.CURRENT, SchemaState.NEWER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at. ``ok`` is None where it could not be looked at."""

    name: str
    ok: bool | None
    detail: str


def checks(database: Database, now: datetime, most_age: timedelta | None) -> tuple[Check, ...]:
    """Whether the database answers, is migrated, and is folded; in this order.

    A database of a newer version serves: migrations only add. Acknowledged requests that have
    waited for longer than ``most_age`` say that no worker folds, or none keeps up; None: however
    long they wait.
    """
    try:
        state = schema.state(database)
    except StoreError as error:
        away = "passing" if error.passing else "it refuses"
        return (
            Check(name="database", ok=False, detail=f"the database does not answer ({away})"),
            Check(name="schema", ok=None, detail="not known while the database does not answer"),
            Check(name="folding", ok=None, detail="not known while the database does not answer"),
        )
    answers = Check(name="database", ok=True, detail="it answers")
    migrated = Check(name="schema", ok=state in _USABLE, detail=f"the database is {state.value}")
    return (answers, migrated, _folding(database, now, most_age, migrated=bool(migrated.ok)))


def _folding(
    database: Database, now: datetime, most_age: timedelta | None, *, migrated: bool
) -> Check:
    if not migrated:
        return Check(name="folding", ok=None, detail="not known of a database of another version")
    try:
        with database.arrivals.reading() as connection:
            oldest = backlog.oldest_at(connection)
    except StoreError:
        return Check(name="folding", ok=None, detail="the inbox can't be read now")
    if oldest is None:
        return Check(name="folding", ok=True, detail="nothing waits to be folded")
    age = max(now - oldest, timedelta())
    kept_up = most_age is None or age <= most_age
    detail = f"the oldest request has waited {age.total_seconds():.0f} seconds"
    return Check(name="folding", ok=kept_up, detail=detail)
