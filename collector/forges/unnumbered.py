"""Reviews to which a forge gives no number where it first tells of them."""

from datetime import datetime

from domain.work import Actor, Repository, ReviewSeen, ReviewState


def unnumbered_review(
    repository: Repository, number: int, state: ReviewState, reviewer: Actor, at: datetime
) -> ReviewSeen:
    """Name a review by verdict, person and minute, so that all who tell of it tell of one.

    A webhook tells its time by that at which the change was touched, the REST API by its own, a
    moment apart. Where they fall into two minutes it counts twice, which alters no round.
    """
    who = next(iter(reviewer.identities), "")
    return ReviewSeen(
        repository=repository,
        number=number,
        review_id=f"{state.value}:{who}:{at:%Y-%m-%dT%H:%M}",
        state=state,
        reviewer=reviewer,
        submitted_at=at,
    )
