"""A landed change by what others are compared with."""

from dataclasses import dataclass
from datetime import datetime

from domain.norms import Norms
from domain.outcomes import SizeBucket, WorkType


@dataclass(frozen=True, slots=True, kw_only=True)
class LandedChange:
    """A change that landed, by what others are compared with it.

    ``first_reverted_at`` is its first revert, even if it landed again. ``work_type`` is what its
    ticket, label, title or branch says, never a model. ``rounds`` are those until it landed.
    ``cost_nanousd`` is what all sessions linked by tier A or B have booked on it, None where no
    session is, or none with a known cost; ``tool`` is the one that most of it went to. ``norms``
    are None until it was compared. ``size`` is None where some of its ``lines`` nobody wrote: it is
    held to what so many should have cost, but tells nobody what they do.
    """

    repo: str
    number: int
    landed_at: datetime
    first_reverted_at: datetime | None
    lines: int | None
    size: SizeBucket | None
    rounds: int
    work_type: WorkType | None
    by_bot: bool
    tied: bool
    cost_nanousd: int | None
    tool: str | None
    norms: Norms | None = None
