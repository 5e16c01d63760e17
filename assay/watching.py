"""When the worker looks for what is worth an alert: soon after whatever arrived, at little cost."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from classifier.watch import Watch
from store.engine import Database

_EVERY_SECONDS = 10.0
_LATEST_SECONDS = 40.0
# A look may take a twentieth of the worker's time.
_SHARE = 20


class Watching:
    """Looks now and then, the less often the longer a look takes, but within a minute."""

    def __init__(self, watch: Watch, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._watch = watch
        self._monotonic = monotonic
        self._due = float("-inf")

    def look(self, database: Database) -> None:
        """Look, if it is time to. Raises StoreError."""
        began = self._monotonic()
        if began < self._due:
            return
        # Also where it fails: it is not tried again at once.
        self._due = began + _EVERY_SECONDS
        self._watch.look(database, datetime.now(UTC))
        ended = self._monotonic()
        wait = max((ended - began) * _SHARE, _EVERY_SECONDS)
        self._due = ended + min(wait, _LATEST_SECONDS)
