"""What is done in a fork: that and nothing else, and its end is told."""

import subprocess
import sys

import pytest

_SCRIPT = """
import atexit, os, signal, sys
from assay import forking
atexit.register(print, "the end of the parent")

def fails():
    raise ValueError("a private word")

def waits():
    signal.pause()

def kills():
    os.kill(os.getpid(), signal.SIGTERM)

signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked"))
try:
    code = forking.ended(forking.fork({do}))
    print("code", code)
finally:
    print("the parent goes on")
"""
_AFTER = "the parent goes on\nthe end of the parent\n"


def forked(do: str) -> "subprocess.CompletedProcess[str]":
    """Fork in a process of its own, which has no threads."""
    script = _SCRIPT.replace("{do}", do)
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )


@pytest.mark.parametrize(
    ("do", "code", "said"),
    [
        ("lambda: None", 0, ""),
        ("lambda: print('done')", 0, "done\n"),
        ("lambda: sys.exit('no room')", 1, ""),
        ("fails", 1, ""),
        ("kills", -15, ""),
    ],
)
def test_only_that_is_done_and_how_it_ended_is_told(do: str, code: int, said: str) -> None:
    done = forked(do)
    assert done.stdout == f"{said}code {code}\n{_AFTER}"


def test_why_it_ended_is_said_without_what_may_be_private() -> None:
    assert forked("lambda: sys.exit('no room')").stderr == "no room\n"
    told = forked("fails").stderr
    assert "ValueError" in told
    assert "private" not in told
