"""What has become of changes that a test told of."""

from datetime import datetime
from typing import Any

from classifier.fates import Fate, fates
from classifier.thresholds import Thresholds
from store.engine import Database
from store.history import affected_by, merged_into
from store.membership import ChangeId
from store.revert_names import changes_among, undone_by
from tests.store.working import REPO, at

DAY = 24 * 60
LATE = at(400 * DAY)


def fate(database: Database, number: int = 1, as_of: datetime = LATE, **settings: Any) -> Fate:
    """What has become of a change by then."""
    thresholds = Thresholds(**settings)
    with database.reading() as connection:
        known = fates(connection, [(REPO.name, number), (REPO.name, 99)], thresholds, as_of)
    assert known.keys() == {(REPO.name, number)}
    return known[REPO.name, number]


def affected(database: Database, *numbers: int) -> set[int]:
    """Which changes are looked at again when these have changed."""
    changes: list[ChangeId] = [(REPO.name, number) for number in numbers]
    with database.reading() as connection:
        carried = merged_into(connection, changes)
        undone = changes_among(undone_by(connection, carried.union(changes))).keys()
        return {number for _, number in affected_by(connection, changes, undone)}
