"""Which files a commit touches itself, as far as its message tells."""

import re

from domain.work import FileTouched

# As git and the buttons that bring a branch up to date write it: "Merge branch 'main' into x",
# "Merge remote-tracking branch 'origin/main' into x". On the default branch git names no branch.
_MERGED = re.compile(
    r"\AMerge (?:remote-tracking )?branch(?:es)? '[^'\n]{1,255}'[^\n]{0,300}? into \S"
)


def own_files(
    message: str, files: tuple[FileTouched, ...] | None
) -> tuple[FileTouched, ...] | None:
    """Give the files that a commit touches; none where its message says that it joins branches.

    Forges tell of a pushed merge what it brought along, and mostly not that it has two parents.
    """
    return () if _MERGED.match(message) else files
