"""How the command begins: what ends it while nothing of it runs yet."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from assay.entry import heed_the_end


@pytest.fixture(autouse=True)
def _handler_kept() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_the_first_process_of_a_container_may_be_ended_before_it_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a handler the kernel would ignore the signal there."""
    monkeypatch.setattr(os, "getpid", lambda: 1)
    heed_the_end()
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143


def test_any_other_process_ends_as_the_kernel_ends_it() -> None:
    before = signal.getsignal(signal.SIGTERM)
    heed_the_end()
    assert signal.getsignal(signal.SIGTERM) == before


def test_nothing_that_takes_long_is_read_before_that() -> None:
    told = "import sys, assay.entry; print(sorted(m for m in sys.modules if m.startswith('assay')))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['assay', 'assay.entry']"
