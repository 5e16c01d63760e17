"""What became of a change."""

from datetime import datetime, timedelta

from pydantic import Field

from api.schemas.shape import Shape
from domain.closing import ClosedReason
from domain.labels import Maturity
from domain.outcomes import (
    ChangeOutcome,
    Deployed,
    Rework,
    Route,
    SizeBucket,
    TieSource,
    WorkType,
    WorkTypeSource,
)


class DeploymentView(Shape):
    """Whether a landed change runs in production."""

    state: Deployed = Field(
        description="`yes`; `not_yet`: no production deployment since holds it; `unknown`: there"
        " were some of which nobody told what they hold; `not_told`: none was ever told."
    )
    at: datetime | None = Field(description="When it first did, UTC; null unless `yes`.")


class ReworkView(Shape):
    """How much of a landed change was worked on again: a proxy by files, not by lines."""

    files: int = Field(description="How many files the change touched.")
    touched: float = Field(
        description="Share of them that a later change on the default branch touched, 0 to 1."
    )
    usual: float = Field(
        description="Share to be expected from how often these files were touched before, 0 to 1."
    )
    excess: float = Field(description="Share beyond what is usual, 0 to 1.")
    lines_at_most: float | None = Field(
        description="Share of its added lines that can have been rewritten at most, 0 to 1; null:"
        " lines were not told."
    )
    complete: bool = Field(description="Whether the time that counts is over.")
    heavy_at: datetime | None = Field(
        description="When it became heavy rework, UTC; null: it did not."
    )


class TiedTaskRow(Shape):
    """A ticket that the change is tied to, and what became of it."""

    key: str = Field(description="Key of the ticket.")
    source: TieSource = Field(
        description="`provider`: a closing list or link; `named` by the change; `commit`: named by"
        " one of its commits; `session`: told by a session."
    )
    validated: bool = Field(
        description="False: no tracker told of the key's project, so nobody knows whether there is"
        " such a ticket."
    )
    done_at: datetime | None = Field(
        description="When it was done after the change landed, in time, UTC; null: it was not."
    )
    reopened_at: datetime | None = Field(
        description="When it was reopened after that, in time, UTC; null: it was not."
    )


class KindView(Shape):
    """What kind of work a change is."""

    work_type: WorkType = Field(description="The kind of work.")
    source: WorkTypeSource = Field(
        description="What told it: `tracker`, `label`, `title`, `branch`, or a `model` of the"
        " company's own titles."
    )
    confidence: float = Field(description="How sure that is, 0 to 1; 1 unless a model says it.")


class Outcome(Shape):
    """What became of a change, as far as can be told at the time asked for."""

    landed_at: datetime | None = Field(
        description="When its work reached the default or a release branch, UTC; null: it did not."
    )
    route: Route | None = Field(
        description="`merged`; `stacked`: into a branch that landed later; `manual`: closed, but"
        " its head is on the default branch; null: it did not land."
    )
    deployment: DeploymentView | None = Field(
        description="Whether it runs in production; null: it did not land."
    )
    reverted_at: datetime | None = Field(
        description="When it was reverted, UTC; null: it was not, or that was reverted itself."
    )
    revert_is_weak: bool = Field(description="Whether only a title says that it was reverted.")
    relanded: bool = Field(description="Whether it was reverted, and that reverted again.")
    rework: ReworkView | None = Field(
        description="How much of it was worked on again; null: it did not land, or its files were"
        " not told."
    )
    review_rounds: int = Field(
        description="Rounds of review: requests for changes that the author answered."
    )
    first_review_at: datetime | None = Field(
        description="When another person first said something, UTC; null: nobody did."
    )
    unreviewed: bool | None = Field(
        description="Whether it was merged without review by a person; null: it was not merged, or"
        " its forge tells of no reviews."
    )
    lines: int | None = Field(
        description="Lines added and deleted, without those of lock files and generated ones where"
        " files were listed; null: not told."
    )
    size: SizeBucket | None = Field(description="The range of `lines`; null: not told.")
    first_commit_at: datetime | None = Field(
        description="When its first commit was written, UTC; null: no commit is known."
    )
    abandoned: Maturity | None = Field(
        description="`provisional` or `final` where nobody works on it any more; else null."
    )
    closed_reason: ClosedReason | None = Field(
        description="Why it was closed without landing; null: it was not."
    )
    tasks: list[TiedTaskRow] = Field(description="Tickets that it is tied to.")
    takeover: float | None = Field(
        description="Of a change made by an agent, the share of commits that people made without"
        " one, 0 to 1; null: another change."
    )
    kind: KindView | None = Field(description="What kind of work it is; null: nothing tells.")
    time_to_first_review_seconds: float | None = Field(
        description="Seconds from opening to the first feedback; null: there is none."
    )
    time_to_merge_seconds: float | None = Field(
        description="Seconds from opening to landing; null: it did not land."
    )
    lead_time_seconds: float | None = Field(
        description="Seconds from its first commit to landing; null: either is not known."
    )
    time_to_deploy_seconds: float | None = Field(
        description="Seconds from landing to production; null: it is not known to run there."
    )


def outcome_view(outcome: ChangeOutcome) -> Outcome:
    """An outcome as it is answered."""
    deployment, kind = outcome.deployment, outcome.kind
    return Outcome(
        landed_at=outcome.landed_at,
        route=outcome.route,
        deployment=DeploymentView(state=deployment.state, at=deployment.at) if deployment else None,
        reverted_at=outcome.reverted_at,
        revert_is_weak=outcome.revert_is_weak,
        relanded=outcome.relanded,
        rework=_rework(outcome.rework) if outcome.rework else None,
        review_rounds=outcome.review_rounds,
        first_review_at=outcome.first_review_at,
        unreviewed=outcome.unreviewed,
        lines=outcome.lines,
        size=outcome.size,
        first_commit_at=outcome.first_commit_at,
        abandoned=outcome.abandoned,
        closed_reason=outcome.closed_reason,
        tasks=[
            TiedTaskRow(
                key=task.key,
                source=task.source,
                validated=task.validated,
                done_at=task.done_at,
                reopened_at=task.reopened_at,
            )
            for task in outcome.tasks
        ],
        takeover=outcome.takeover,
        kind=KindView(work_type=kind.work_type, source=kind.source, confidence=kind.confidence)
        if kind
        else None,
        time_to_first_review_seconds=_seconds(outcome.time_to_first_review),
        time_to_merge_seconds=_seconds(outcome.time_to_merge),
        lead_time_seconds=_seconds(outcome.lead_time),
        time_to_deploy_seconds=_seconds(outcome.time_to_deploy),
    )


def _rework(rework: Rework) -> ReworkView:
    return ReworkView(
        files=rework.files,
        touched=rework.touched,
        usual=rework.usual,
        excess=rework.excess,
        lines_at_most=rework.lines_at_most,
        complete=rework.complete,
        heavy_at=rework.heavy_at,
    )


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
