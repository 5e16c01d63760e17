"""How much of a landed change was worked on again: a proxy by files, since nobody tells lines.

A later change that touches the same file may rewrite these lines or others. So the share of files
touched is compared with what is usual for these files, and the lines deleted from them since say
how much can have been rewritten at most.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from classifier.thresholds import Thresholds
from domain.outcomes import Rework
from store.touches import FilesOfChange, Touch


def rework(
    landed_at: datetime, files: FilesOfChange, thresholds: Thresholds, as_of: datetime
) -> Rework | None:
    """Measure it over the window after landing, as far as it has gone; None without files."""
    if not files.added:
        return None
    end = landed_at + timedelta(days=thresholds.rework_days)
    after = [touch for touch in files.touches if landed_at < touch.at <= min(end, as_of)]
    usual = _usual(landed_at, files, thresholds)
    return Rework(
        files=len(files.added),
        touched=len({touch.file for touch in after}) / len(files.added),
        usual=usual,
        lines_at_most=_lines_at_most(files, after),
        complete=as_of >= end,
        heavy_at=_heavy_at(files, after, usual, thresholds),
    )


def _usual(landed_at: datetime, files: FilesOfChange, thresholds: Thresholds) -> float:
    """The share of the files that the time before would have made one expect.

    A file touched n times in the days before is touched again within the window with probability
    1 - exp(-n * window / days), if touches come at random.
    """
    since = landed_at - timedelta(days=thresholds.rework_base_days)
    counts: dict[str, int] = defaultdict(int)
    for touch in files.touches:
        if since <= touch.at <= landed_at:
            counts[touch.file] += 1
    rate = thresholds.rework_days / max(1, thresholds.rework_base_days)
    expected = sum(-math.expm1(-counts[file] * rate) for file in files.added if file in counts)
    return expected / len(files.added)


def _lines_at_most(files: FilesOfChange, after: Iterable[Touch]) -> float | None:
    """The share of its added lines that can have been rewritten; None where lines are not told."""
    rewritten = _rewritten(files, after)
    total = _total(files)
    return None if rewritten is None or not total else rewritten / total


def _total(files: FilesOfChange) -> int:
    return sum(added or 0 for added in files.added.values())


def _rewritten(files: FilesOfChange, after: Iterable[Touch]) -> int | None:
    deleted: dict[str, int] = defaultdict(int)
    for touch in after:
        if touch.deletions is None:
            return None
        deleted[touch.file] += touch.deletions
    if any(added is None for added in files.added.values()):
        return None
    return sum(min(added or 0, deleted.get(file, 0)) for file, added in files.added.items())


def _heavy_at(
    files: FilesOfChange, after: Sequence[Touch], usual: float, thresholds: Thresholds
) -> datetime | None:
    """The first touch with which rework was heavy: touches only add to it."""
    low, high = 0, len(after)
    while low < high:
        middle = (low + high) // 2
        if _heavy(files, after[: middle + 1], usual, thresholds):
            high = middle
        else:
            low = middle + 1
    return after[low].at if low < len(after) else None


def _heavy(
    files: FilesOfChange, after: Sequence[Touch], usual: float, thresholds: Thresholds
) -> bool:
    touched = len({touch.file for touch in after}) / len(files.added)
    if touched - usual < thresholds.rework_files:
        return False
    rewritten = _rewritten(files, after)
    if rewritten is None:
        return True
    share = rewritten / _total(files) if _total(files) else 0.0
    return share > thresholds.rework_lines and rewritten >= thresholds.rework_min_lines
