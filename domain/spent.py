"""Which of two costs stands for what some usage cost: as reported, or at list price.

The two are never added, nor is one filled up with the other. The reported cost is taken where it is
told for all tokens, whatever the list says. Else it leaves something out, and so may the list price
(tokens without a price, a dearer tier that nobody told): the greater of the two is taken, which
leaves out less. Mostly that is the list price; where neither is whole it is a lower bound.

The usage is that of a session with all that belongs to it. Its parts (hours, models, people) are
told by the same cost as the whole, so that they add up to it. Tokens have a reported cost where
their row of usage has one: what is kept is no finer than hour, model, tier, purpose and prompt
length.
"""

COST_TOLD_APART = frozenset({"codex"})
"""Tools that tell a cost in records of its own, later than the tokens that it is of.

Nobody knows of which tokens it is: none of them counts as reported.
"""


def by_report(reported: int | None, listed: int | None, unreported_tokens: int) -> bool:
    """Whether usage cost what was reported, and not its list price.

    Both are sums in nano-dollars, None where no record told any. ``unreported_tokens`` are those
    of which no cost was reported.
    """
    if reported is None:
        return False
    return not unreported_tokens or listed is None or reported > listed


def spent(reported: int | None, listed: int | None, unreported_tokens: int) -> int | None:
    """What usage cost in nano-dollars; None where neither cost is known of any of it."""
    return reported if by_report(reported, listed, unreported_tokens) else listed
