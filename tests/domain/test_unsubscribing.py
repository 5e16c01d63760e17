"""Links that only we can make."""

from hypothesis import given
from hypothesis import strategies as st

from domain.unsubscribing import Unsubscribing
from tests.capturing import PSEUDONYMS

LINKS = Unsubscribing(b"k" * 32)
ADA = PSEUDONYMS("email", "ada@acme.example")


def test_a_link_says_whose_it_is_and_nothing_else() -> None:
    token = LINKS.token(ADA)
    assert LINKS.identity(token) == ADA
    assert ADA not in token
    assert "ada" not in token
    assert Unsubscribing(b"o" * 32).identity(token) is None


@given(st.text() | st.binary(min_size=26, max_size=26).map(bytes.hex))
def test_whatever_else_is_no_link(told: str) -> None:
    assert LINKS.identity(told) is None


def test_changed_by_one_letter_it_is_no_link() -> None:
    token = LINKS.token(ADA)
    # The last letter holds two bits that stand for nothing.
    for place in range(len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        assert LINKS.identity(token[:place] + other + token[place + 1 :]) is None
