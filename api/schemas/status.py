"""How current the answers are, and what became of every record."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.shape import Shape
from store.report_status import Covered


class Healthy(Shape):
    """The server answers and reaches its database."""

    status: Literal["ok"] = Field(description="Always `ok`; otherwise the answer is a problem.")


class Status(Shape):
    """How current all other answers are."""

    status: Literal["ok"] = Field(description="Always `ok`; otherwise the answer is a problem.")
    version: str = Field(description="Version of Tokenassay.")
    pending: int = Field(
        description="Requests, sessions and pieces of work that are acknowledged but not yet in"
        " every answer; 0: all answers are current."
    )
    parked: int = Field(
        description="Acknowledged requests that could not be read into the books. They are kept"
        " and tried again by the next start."
    )
    last_record_at: datetime | None = Field(
        description="When the newest record reached this server, UTC; null: none ever did."
    )
    database: str = Field(description="`sqlite` or `postgresql`.")


class CoverageRow(Shape):
    """Records of one name and what became of them."""

    tool: str = Field(description="The tool or forge that sent them; `unknown`: not recognised.")
    signal: str = Field(description="`logs`, `metrics`, `traces` or `webhook`.")
    name: str = Field(description="Name of the event, metric or span, without any content.")
    outcome: str = Field(
        description="`understood`; `ignored` (known, of no use); `duplicate_source` (another"
        " signal tells the same); `unknown` (never seen); `malformed`; or why the whole request"
        " was unreadable."
    )
    records: int = Field(description="How many arrived; resends count again.")
    first_at: datetime = Field(description="When the first arrived, UTC.")
    last_at: datetime = Field(description="When the last arrived, UTC.")


class CoverageReport(Shape):
    """Every record that ever arrived, counted by what became of it."""

    rows: list[CoverageRow] = Field(description="By kind of record, most records first.")
    totals: dict[str, int] = Field(description="Records by outcome, over all rows.")


def coverage_row(covered: Covered) -> CoverageRow:
    """One kind of record as it is answered."""
    return CoverageRow(**asdict(covered))
