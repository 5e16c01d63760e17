"""Which files a commit or change touches itself, and how many lines of them somebody wrote."""

import re

from domain.effective import effective
from domain.pseudonym import Pseudonyms
from domain.work import FileTouched

# As git and the buttons that bring a branch up to date write it: "Merge branch 'main' into x",
# "Merge remote-tracking branch 'origin/main' into x". On the default branch git names no branch.
_MERGED = re.compile(
    r"\AMerge (?:remote-tracking )?branch(?:es)? '[^'\n]{1,255}'[^\n]{0,300}? into \S"
)


def file_touched(
    path: str, pseudonyms: Pseudonyms, additions: int | None, deletions: int | None
) -> FileTouched | None:
    """Give a file with its counts of lines; None where it is no path.

    Lines of lock files and of generated ones are counted as none, whatever is told: nobody wrote
    them. Where nothing else is told of a commit's lines, that says that it holds such files.
    """
    file = pseudonyms.file(path)
    if file is None:
        return None
    if effective(path):
        return FileTouched(file=file, additions=additions, deletions=deletions)
    return FileTouched(file=file, additions=0, deletions=0)


def own_files(
    message: str, files: tuple[FileTouched, ...] | None
) -> tuple[FileTouched, ...] | None:
    """Give the files that a commit touches; none where its message says that it joins branches.

    Forges tell of a pushed merge what it brought along, and mostly not that it has two parents.
    """
    return () if _MERGED.match(message) else files
