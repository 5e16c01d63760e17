"""What a commit touches itself: nothing, where it joins branches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forges.touching import own_files
from domain.work import FileTouched

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
