"""What processes that descend from one another hold in memory. Asks Linux's /proc."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_KB = 1024


def reset(pid: int) -> None:
    """Begin again with the most memory held so far: starting up may have taken more."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def resident(pids: Iterable[int]) -> int:
    """Bytes that each process held at its most, summed: shared pages count in each."""
    return sum(_status(pid).get("VmHWM", 0) for pid in pids)


def held(pids: Iterable[int]) -> int:
    """Bytes that the processes held at their most, each page once, whoever else maps it.

    Of memory of their own the kernel divides a page by those that share it since a fork; of a file
    what is counted is the most that any of them holds of it.
    """
    own, files = 0, Counter[str]()
    for pid in pids:
        status = _status(pid)
        mapped = _mapped(pid)
        files |= mapped
        own += _shares(pid).get("Pss_Anon", 0)
        own += status.get("VmHWM", 0) - status.get("VmRSS", 0)
    return own + files.total()


def _status(pid: int) -> dict[str, int]:
    return _sizes(_read(pid, "status"))


def _shares(pid: int) -> dict[str, int]:
    return _sizes(_read(pid, "smaps_rollup"))


def _mapped(pid: int) -> Counter[str]:
    """Resident bytes of each file that a process has mapped, without what it changed of it."""
    files: Counter[str] = Counter()
    file = ""
    for line in _read(pid, "smaps"):
        words = line.split(maxsplit=5)
        if not words[0].endswith(":"):
            file = words[5] if len(words) > 5 else ""
        elif words[0] == "Rss:":
            files[file] += int(words[1]) * _KB
        elif words[0] == "Anonymous:":
            files[file] -= int(words[1]) * _KB
    return +files


def _sizes(lines: Iterable[str]) -> dict[str, int]:
    told = (line.split() for line in lines)
    return {words[0][:-1]: int(words[1]) * _KB for words in told if words[-1:] == ["kB"]}


def _read(pid: int, name: str) -> list[str]:
    """Lines of a process that may have ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text().splitlines()
    except OSError:
        return []
