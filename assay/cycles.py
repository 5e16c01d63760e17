"""How often Python looks for cycles among the objects of a process."""

import gc
from typing import TypeAlias

Thresholds: TypeAlias = tuple[int, int, int]
"""How many objects more there must be for a look at the youngest of them, after how many such looks
those are looked at that stood one, and after how many of these all."""

ANSWERING: Thresholds = (20_000, 3, 100)
"""For a process that receives and answers.

What arrives leaves no cycles, an answer about a hundred small objects; but what is remembered
for the next answer stays. Each look is a pause, of 5 to 10 ms with so few objects, and of 25 with
three times as many; ten times as many, as is usual, take 40 to 200.
"""

FOLDING: Thresholds = (200_000, 10, 10)
"""For a worker: a batch makes some hundred thousand small values that all die with it.

Looking for cycles among them every 700, as Python does, takes a fifth of the time.
"""


def look_rarely(thresholds: Thresholds) -> None:
    """Look for cycles by these from now on, and never at those that starting has made."""
    gc.freeze()
    gc.set_threshold(*thresholds)
