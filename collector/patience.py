"""How long a request may keep a place occupied while its body does not come.

A timer for each request would cost more than the request's own bytes; so one timer looks through
all that wait, as long as any do.
"""

import asyncio
from types import TracebackType


class Patience:
    """Bounds waits in one event loop; they may last up to a quarter longer than ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until: dict[asyncio.Task[object], float] = {}
        self._looking = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can wait")
        loop = task.get_loop()
        self._until[task] = loop.time() + self.seconds
        if not self._looking:
            self._looking = True
            loop.call_later(self.seconds / 4, self._look, loop)

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """Raise TimeoutError in place of the cancellation that ended the wait."""
        task = asyncio.current_task()
        if task is None or self._until.pop(task, None) is not None:
            return
        task.uncancel()
        if kind is asyncio.CancelledError:
            raise TimeoutError

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for task, until in list(self._until.items()):
            if until < now:
                del self._until[task]
                task.cancel()
        self._looking = bool(self._until)
        if self._looking:
            loop.call_later(self.seconds / 4, self._look, loop)
