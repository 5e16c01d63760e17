"""Where the ``assay`` command begins, before what takes seconds to read."""

import os
import signal
import sys
from importlib import import_module
from types import FrameType


def main() -> None:
    """Run the command line."""
    heed_the_end()
    # gRPC looks at this when it is read. The worker is a program of its own, so no fork needs its
    # threads looked after, and it would say so in the first line that anybody sees.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    # Only now: reading everything takes seconds.
    import_module("assay.main").app()


def heed_the_end() -> None:
    """Let SIGTERM end the first process of a container, until a command says more of it.

    The kernel ignores for such a process what it has no handler for: one that is stopped as it
    begins, or while it migrates, would go on until it is killed. Elsewhere the kernel's own way is
    right.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)
