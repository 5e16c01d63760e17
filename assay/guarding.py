"""Jobs that may fail by themselves: none of them ends the worker, or keeps it from the others."""

import logging
import time
from collections.abc import Callable

from domain.failures import frames, origin
from store.engine import passing

_log = logging.getLogger(__name__)

_AGAIN_SECONDS = 60.0


class Guard:
    """Leaves a job that failed alone for a minute."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._not_before: dict[str, float] = {}

    def attempt(self, name: str, job: Callable[[], object]) -> None:
        """Do this job, unless it failed just now.

        Raises StoreError where that is a passing one: the database is away for all of them.
        """
        if self._monotonic() < self._not_before.get(name, float("-inf")):
            return
        try:
            job()
        except Exception as error:
            if passing(error):
                raise
            self._not_before[name] = self._monotonic() + _AGAIN_SECONDS
            _log.error(
                "%s failed and is tried again in a minute: %s\n%s",
                name,
                origin(error),
                frames(error),
            )
