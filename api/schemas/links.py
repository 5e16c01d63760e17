"""Links, changes and tickets: what sessions are tied to, what it cost and what became of it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.parameters import Text
from api.schemas.sessions import EvidenceRow
from api.schemas.shape import (
    LINK_ID,
    PROBABILITY,
    TARGET_ID,
    TARGET_KIND,
    TARGET_REPO,
    TIER,
    TOOL,
    Shape,
)
from domain.labels import TargetKind, Tier
from domain.unlinked import Unlinked
from domain.usage import usd
from store.report_links import LinkListed
from store.unlinked import UnlinkedSpend

REASONS: Mapping[Unlinked, str] = MappingProxyType(
    {
        Unlinked.NO_SESSION: "the telemetry names no session",
        Unlinked.BESIDE_COMMITS: "linked, but spent long before or after its commits",
        Unlinked.NOTHING_EDITED: "the tool says that no file was changed",
        Unlinked.NO_FORGE: "no forge reports commits",
        Unlinked.REPOSITORY_NOT_CONNECTED: "no forge reports the commits of its repository",
        Unlinked.WEAK_EVIDENCE: "only links of tier C or D, which carry no cost",
        Unlinked.NO_IDENTITY: "the telemetry names nobody",
        Unlinked.UNKNOWN_IDENTITY: "whom it names has no commit under any identity",
        Unlinked.NO_COMMIT_NEAR: "that person has no commit from then to a week after",
        Unlinked.NO_FILES_TOLD: "no file, branch or commit is told that would tie it",
        Unlinked.OTHER_FILES: "the commits of that time touch other files",
    }
)
"""Why spend is booked on nothing, in words."""


class LinkTarget(Shape):
    """What a session is tied to."""

    kind: TargetKind = Field(description=TARGET_KIND)
    repo: str = Field(description=TARGET_REPO)
    id: str = Field(description=TARGET_ID)


class LinkListRow(Shape):
    """A session tied to a commit, a change or a ticket, and why."""

    id: str = Field(description=LINK_ID)
    tool: str = Field(description=TOOL)
    session_id: str = Field(description="The session's id, as the tool tells it.")
    target: LinkTarget = Field(description="What the session is tied to.")
    tier: Tier = Field(description=TIER)
    probability: float = Field(description=PROBABILITY)
    cost_share: float | None = Field(
        description="The part of the session's cost that is split to this target, from 0 to 1. All"
        " parts of a session and what stays unlinked add up to 1: a commit inside a linked change"
        " has none of its own, nor has a ticket. Null: the session's cost is not known."
    )
    evidence: list[EvidenceRow] = Field(description="Everything that speaks for this link.")


class LinkPage(Shape):
    """Links, by the last record of their session, newest first."""

    rows: list[LinkListRow] = Field(description="One row for each session and target.")
    next_cursor: str | None = Field(
        description="`cursor` of the next page; null: this is the last one."
    )


class Review(BaseModel):
    """What a person says of a link."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [{"verdict": "reject", "note": "Another branch of the same name."}]
        },
    )

    verdict: Literal["accept", "reject"] = Field(
        description="`accept`: the session did make it; `reject`: it did not."
    )
    note: Text = Field(default="", max_length=1000, description="Why, in your words.")


class Reviewed(Shape):
    """A review that was taken."""

    id: str = Field(description=LINK_ID)
    verdict: Literal["accept", "reject"] = Field(description="What was said of it.")
    reviewed_by: str = Field(
        description="The id of the token, or `local` on a server without tokens."
    )
    reviewed_at: datetime = Field(description="When, UTC.")


class UnlinkedRow(Shape):
    """Spend that is booked on no change or commit, for one reason."""

    reason: Unlinked = Field(
        description="The first of these that holds: "
        + "; ".join(f"`{reason.value}`: {words}" for reason, words in REASONS.items())
        + "."
    )
    sessions: int = Field(description="How many sessions.")
    cost_usd: float | None = Field(
        description="US dollars, as reported where that is told for all of a session, else the"
        " greater of what is reported and the list price; null: none known."
    )


class UnlinkedReport(Shape):
    """All spend that is booked on no change or commit, by reason."""

    rows: list[UnlinkedRow] = Field(description="One row for each reason, in a fixed order.")
    total_usd: float | None = Field(description="All of it, US dollars; null: none is known.")


def link_list_row(link: LinkListed) -> LinkListRow:
    """A link with its session."""
    return LinkListRow(
        id=link.id,
        tool=link.tool,
        session_id=link.session_id,
        target=LinkTarget(kind=TargetKind(link.kind), repo=link.repo, id=link.target_id),
        tier=Tier(link.tier),
        probability=link.probability,
        cost_share=link.cost_share,
        evidence=[EvidenceRow(**asdict(each)) for each in link.evidence],
    )


def unlinked_row(spend: UnlinkedSpend) -> UnlinkedRow:
    """Unlinked spend of one reason."""
    return UnlinkedRow(
        reason=spend.reason, sessions=spend.sessions, cost_usd=usd(spend.cost_nanousd)
    )
