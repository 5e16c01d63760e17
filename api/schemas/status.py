"""How current the answers are, and what became of every record."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Literal

from pydantic import Field

from api.schemas.shape import Shape
from store.readiness import Check
from store.report_status import Covered
from store.sync import SyncState

_MOST_FAILURES = 20


class Healthy(Shape):
    """The server answers and reaches its database."""

    status: Literal["ok"] = Field(description="Always `ok`; otherwise the answer is a problem.")


class ReadinessCheck(Shape):
    """One thing that was looked at."""

    name: str = Field(
        description="`database` (it answers), `schema` (it is migrated to this version, or a newer"
        " one) or `folding` (no acknowledged request has waited too long for a worker)."
    )
    ok: bool | None = Field(description="Whether all is well; null: it could not be looked at.")
    detail: str = Field(description="What was seen, for people.")


class Readiness(Shape):
    """Whether requests should be sent to this process."""

    status: Literal["ready", "not_ready"] = Field(
        description="`not_ready`, with the status 503, unless every check is ok."
    )
    checks: list[ReadinessCheck] = Field(description="Each check, always all of them.")


class FailedSync(Shape):
    """Something of a provider that could not be read to its end the last time."""

    scope: str = Field(description="The repository or project; empty: the provider itself.")
    stream: str = Field(description="What of it, for example `changes`; empty: all of it.")
    failed_at: datetime | None = Field(description="When, UTC.")
    code: str = Field(description="Stable name of the reason.")
    error: str = Field(description="The reason, for people.")


class ProviderStatus(Shape):
    """How far a connected forge or tracker was read (`assay sync`)."""

    provider: str = Field(description="The provider's name, for example `github`.")
    streams: int = Field(description="How many streams of repositories and projects are read.")
    succeeded_at: datetime | None = Field(
        description="When one of them was last read to its end, UTC; null: never."
    )
    failing: int = Field(description="How many of them failed the last time.")
    failures: list[FailedSync] = Field(description="The first twenty of those.")


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
    set_aside: int = Field(
        description="Sessions, commits, changes and the like that could not be concluded; their"
        " neighbours are. Tried again when something about them changes, and by the next start."
    )
    last_record_at: datetime | None = Field(
        description="When the newest record reached this server, UTC; null: none ever did."
    )
    database: str = Field(description="`sqlite` or `postgresql`.")
    providers: list[ProviderStatus] = Field(
        description="Forges and trackers that were read or tried; webhooks alone leave no row."
    )


class CoverageRow(Shape):
    """Records of one name and what became of them."""

    tool: str = Field(description="The tool or forge that sent them; `unknown`: not recognised.")
    signal: str = Field(description="`logs`, `metrics`, `traces` or `webhook`.")
    name: str = Field(description="Name of the event, metric or span, without any content.")
    outcome: str = Field(
        description="`understood`; `ignored` (known, of no use); `duplicate_source` (another"
        " signal tells the same); `unknown` (never seen); `malformed`; `too_old` (understood, but"
        " from before the time from which on records are booked); or why the whole request was"
        " unreadable."
    )
    records: int = Field(description="How many arrived; resends count again.")
    first_at: datetime = Field(description="When the first arrived, UTC.")
    last_at: datetime = Field(description="When the last arrived, UTC.")


class CoverageReport(Shape):
    """Every record that ever arrived, counted by what became of it."""

    rows: list[CoverageRow] = Field(description="By kind of record, most records first.")
    totals: dict[str, int] = Field(description="Records by outcome, over all rows.")


def readiness(checks: Sequence[Check]) -> Readiness:
    """The checks as they are answered."""
    return Readiness(
        status="ready" if all(each.ok for each in checks) else "not_ready",
        checks=[ReadinessCheck(**asdict(each)) for each in checks],
    )


def provider_rows(states: Sequence[SyncState]) -> list[ProviderStatus]:
    """Streams, which come ordered by provider, as one row for each provider."""
    rows = []
    for provider, some in groupby(states, key=lambda state: state.provider):
        streams = list(some)
        failing = [each for each in streams if each.error_code is not None]
        rows.append(
            ProviderStatus(
                provider=provider,
                streams=len([each for each in streams if each.stream]),
                succeeded_at=max((s.succeeded_at for s in streams if s.succeeded_at), default=None),
                failing=len(failing),
                failures=[
                    FailedSync(
                        scope=each.scope,
                        stream=each.stream,
                        failed_at=each.failed_at,
                        code=each.error_code or "",
                        error=each.error or "",
                    )
                    for each in failing[:_MOST_FAILURES]
                ],
            )
        )
    return rows


def coverage_row(covered: Covered) -> CoverageRow:
    """One kind of record as it is answered."""
    return CoverageRow(**asdict(covered))
