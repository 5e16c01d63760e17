"""Processes that hold what this one has read so far, as one copy for both.

Threads do not live on in a fork, so this has to come before anything that starts some.
"""

import gc
import logging
import os
import signal
import sys
from collections.abc import Callable

from domain.failures import origin

_log = logging.getLogger(__name__)

POSSIBLE = sys.platform == "linux"
"""Elsewhere system libraries are known not to bear it."""


def fork(do: Callable[[], None]) -> int:
    """Do something in a process of its own, and end with it; its process id."""
    # What no look for cycles touches is never written to, and so stays shared.
    gc.collect()
    gc.freeze()
    pid = os.fork()
    if pid == 0:
        _only(do)
    return pid


def ended(pid: int) -> int:
    """Wait for a process; its exit code, which for one that was killed is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _only(do: Callable[[], None]) -> None:
    """Do this, and nothing of what the forked process was about to do."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        do()
        code = 0
    except SystemExit as why:
        print(why, file=sys.stderr)
    except Exception as error:  # noqa: BLE001
        _log.error("a process of ours fails: %s", origin(error))
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
