"""What a commit touches itself, and how many lines of a file somebody wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges.touching import file_touched, own_files
from domain.pseudonym import Pseudonyms
from domain.work import FileTouched

PSEUDONYMS = Pseudonyms(b"0123456789abcdef")

FILES = (FileTouched(file="f_1"),)


@pytest.mark.parametrize(
    ("message", "joins"),
    [
        ("Merge branch 'main' into feature/cart", True),
        ("Merge remote-tracking branch 'origin/main' into cart\n\nConflicts:\n#\ta.py", True),
        ("Merge branch 'cart' of github.com:acme/shop into cart", True),
        ("Merge branches 'one' and 'two' into three", True),
        ("Merge branch 'cart' into 'main'\n\nfeat: cart\n\nSee merge request acme/shop!7", True),
        ("Merge branch 'main'", False),
        ("Merge the branch 'main' into cart", False),
        ("Merge pull request #7 from acme/cart", False),
        ("fix: Merge branch 'main' into cart", False),
        ("feat: cart\n\nMerge branch 'main' into cart", False),
        ("", False),
    ],
)
def test_a_merge_touches_nothing_itself(message: str, joins: bool) -> None:
    assert own_files(message, FILES) == (() if joins else FILES)
    assert own_files(message, None) == (() if joins else None)


@given(st.text())
def test_any_message_can_be_read(message: str) -> None:
    assert own_files(message, FILES) in ((), FILES)


@pytest.mark.parametrize("part", ["Merge branch '", "Merge branch 'a' ", " into "])
def test_a_long_message_is_read_in_time_linear_to_it(part: str) -> None:
    assert own_files(part * 100_000, FILES) == FILES


@pytest.mark.parametrize(
    ("path", "counts", "kept"),
    [
        ("src/a.py", (180, 20), (180, 20)),
        ("package-lock.json", (9_000, 7_000), (0, 0)),
        ("package-lock.json", (None, None), (0, 0)),
        ("src/a.py", (None, None), (None, None)),
    ],
)
def test_lines_that_nobody_wrote_are_counted_as_none(
    path: str, counts: tuple[int | None, int | None], kept: tuple[int | None, int | None]
) -> None:
    file = file_touched(path, PSEUDONYMS, *counts)
    assert file is not None
    assert (file.file, file.additions, file.deletions) == (PSEUDONYMS.file(path), *kept)


def test_what_is_no_path_is_no_file() -> None:
    assert file_touched("", PSEUDONYMS, 1, 1) is None
