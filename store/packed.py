"""Who is in a group and how often, in few bytes: pairs of a person's number and a count.

Sessions of which nobody was told are counted as number 0, which is no person.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

NOBODY = 0
_WIDTH = "I"
_BITS = tuple(1 << place for place in range(8))
# So many numbers are added faster than they are put into their bytes.
_FEW = 64
# Groups whose people were asked for last: what is written of a week changes few of them.
_KNOWN_GROUPS = 8_192
_SWAPPED = sys.byteorder == "big"


def packed(counts: Mapping[int, int]) -> bytes:
    """All numbers whose count is not 0, in order; each number and count takes four bytes."""
    flat = array(_WIDTH)
    for number, count in sorted(counts.items()):
        if count:
            flat.extend((number, count))
    if _SWAPPED:
        flat.byteswap()
    return flat.tobytes()


def unpacked(told: bytes) -> Counter[int]:
    """What was packed."""
    flat = _flat(told)
    return Counter(dict(zip(flat[::2], flat[1::2], strict=True)))


@lru_cache(maxsize=_KNOWN_GROUPS)
def members(told: bytes) -> int:
    """The persons alone, as a number of which the bit of each person's own number is set."""
    numbers = _flat(told)[::2]
    if len(numbers) <= _FEW:
        return sum(map((1).__lshift__, numbers)) & ~(1 << NOBODY)
    bits = bytearray((max(numbers) >> 3) + 1)
    for number in numbers:
        bits[number >> 3] |= _BITS[number & 7]
    bits[0] &= ~_BITS[NOBODY]
    return int.from_bytes(bits, "little")


def _flat(told: bytes) -> "array[int]":
    flat = array(_WIDTH)
    flat.frombytes(bytes(told))
    if _SWAPPED:
        flat.byteswap()
    return flat
