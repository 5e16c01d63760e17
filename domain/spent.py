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

from dataclasses import dataclass

COST_TOLD_APART = frozenset({"codex"})
"""Tools that tell a cost in records of its own, later than the tokens that it is of.

Nobody knows of which tokens it is: none of them counts as reported.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What usage cost, in nano-dollars; None where neither cost is known of any of it.

    ``reported``: as its tool reported it, else at list price. ``lower_bound``: it cost at least
    that, since some of its tokens have no cost that is known.
    """

    nanousd: int | None
    reported: bool
    lower_bound: bool


def standing(
    reported: int | None, listed: int | None, unreported_tokens: int, unpriced_tokens: int
) -> Standing:
    """What stands of the costs of some usage; see the functions below."""
    return Standing(
        nanousd=spent(reported, listed, unreported_tokens),
        reported=by_report(reported, listed, unreported_tokens),
        lower_bound=lower_bound(reported, listed, unreported_tokens, unpriced_tokens),
    )


def by_report(reported: int | None, listed: int | None, unreported_tokens: int) -> bool:
    """Whether usage cost what was reported, and not its list price.

    Both are sums in nano-dollars, None where no record told any. ``unreported_tokens`` are those
    of which no cost was reported.
    """
    if reported is None:
        return False
    return not unreported_tokens or listed is None or reported > listed


def lower_bound(
    reported: int | None, listed: int | None, unreported_tokens: int, unpriced_tokens: int
) -> bool:
    """Whether usage cost at least what ``spent`` says, and not just that.

    So it is where the cost that stands leaves some tokens out. ``unpriced_tokens`` are those
    without a list price. What is not known at all (None) is no bound.
    """
    if by_report(reported, listed, unreported_tokens):
        return unreported_tokens > 0
    return listed is not None and unpriced_tokens > 0


def spent(reported: int | None, listed: int | None, unreported_tokens: int) -> int | None:
    """What usage cost in nano-dollars; None where neither cost is known of any of it."""
    return reported if by_report(reported, listed, unreported_tokens) else listed
