"""Every metric of our own, declared before it is used: ``docs/telemetry.md`` is made from this.

``python -m assay.metric_table > docs/telemetry.md``
"""

from dataclasses import dataclass
from enum import StrEnum

from assay.jobs import JOBS


class Kind(StrEnum):
    """What a metric is: it only grows, it goes up and down, or it is a spread of values."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric. ``unit`` is spelled as UCUM does; ``attributes`` are what it is told by.

    ``told_by`` says of which it is: a process that receives or works, or, where ``shared``, the
    database: every worker then tells the same, and the greatest is to be taken, not the sum.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    told_by: str
    attributes: tuple[str, ...] = ()
    shared: bool = False


_RECEIVES, _WORKS = "receivers", "workers"

METRICS = (
    Metric(
        name="assay.requests",
        kind=Kind.COUNTER,
        unit="{request}",
        description="OTLP requests, by what became of them: `acknowledged`, or the code of the"
        " refusal.",
        told_by=_RECEIVES,
        attributes=("transport", "outcome"),
    ),
    Metric(
        name="assay.acknowledgement.duration",
        kind=Kind.HISTOGRAM,
        unit="s",
        description="From the head of an OTLP request to its answer, the commit that makes it"
        " durable included; acknowledged requests only.",
        told_by=_RECEIVES,
        attributes=("transport",),
    ),
    Metric(
        name="assay.records",
        kind=Kind.COUNTER,
        unit="{record}",
        description="Records folded, by what became of them, as in `GET /v1/coverage`; resends"
        " count again.",
        told_by=_WORKS,
        attributes=("outcome",),
    ),
    Metric(
        name="assay.job.duration",
        kind=Kind.HISTOGRAM,
        unit="s",
        description="How long jobs took that had something to do: "
        + ", ".join(f"`{job}`" for job in JOBS)
        + ".",
        told_by=_WORKS,
        attributes=("job.name",),
    ),
    Metric(
        name="assay.job.failures",
        kind=Kind.COUNTER,
        unit="{job}",
        description="Jobs that ended with an error; they are tried again.",
        told_by=_WORKS,
        attributes=("job.name",),
    ),
    Metric(
        name="assay.inbox.requests",
        kind=Kind.GAUGE,
        unit="{request}",
        description="Acknowledged requests that wait to be folded; as many as may be at most.",
        told_by=_WORKS,
        shared=True,
    ),
    Metric(
        name="assay.inbox.age",
        kind=Kind.GAUGE,
        unit="s",
        description="How long the oldest of them has waited; 0 where none does. It grows while no"
        " worker folds.",
        told_by=_WORKS,
        shared=True,
    ),
    Metric(
        name="assay.marked",
        kind=Kind.GAUGE,
        unit="{item}",
        description="What is marked to be concluded anew: people, sessions, commits, labels, work.",
        told_by=_WORKS,
        attributes=("item",),
        shared=True,
    ),
    Metric(
        name="assay.sessions",
        kind=Kind.GAUGE,
        unit="{session}",
        description="Sessions by the label that they have now.",
        told_by=_WORKS,
        attributes=("label",),
        shared=True,
    ),
    Metric(
        name="assay.sync.streams",
        kind=Kind.GAUGE,
        unit="{stream}",
        description="What is read of forges and trackers, by provider and whether the last reading"
        " failed (`ok`, `failing`).",
        told_by=_WORKS,
        attributes=("provider", "state"),
        shared=True,
    ),
    Metric(
        name="assay.sync.age",
        kind=Kind.GAUGE,
        unit="s",
        description="How long ago anything of a provider was last read to its end.",
        told_by=_WORKS,
        attributes=("provider",),
        shared=True,
    ),
)

_PAGE = """# Its own telemetry

<!-- Made by `python -m assay.metric_table > docs/telemetry.md`; do not edit. -->

Tokenassay tells about itself over OTLP where `OTEL_EXPORTER_OTLP_ENDPOINT` is set, and nothing
where it is not. The variables of OpenTelemetry hold: `OTEL_EXPORTER_OTLP_HEADERS`,
`OTEL_EXPORTER_OTLP_PROTOCOL` (`http/protobuf`, the default, or `grpc`), `OTEL_SERVICE_NAME`
(`tokenassay` by default), `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_METRIC_EXPORT_INTERVAL` (milliseconds,
60000 by default), `OTEL_TRACES_SAMPLER`, `OTEL_SDK_DISABLED`.

**Never into itself by accident.** The same variable sends coding tools here, and may stand in the
shell in which the server starts. Where an endpoint resolves to an address at which this
installation receives (its own ports, or `ASSAY_OTLP_HTTP`, `ASSAY_OTLP_GRPC` and `ASSAY_ENDPOINT`
where they are set), nothing is exported and the log says so. Behind another name, such as a load
balancer's, set `ASSAY_ENDPOINT` to it so that it is known.

What is told: the metrics below; a span for each job of a worker that had something to do, none for
a request; and the log's warnings and errors, without the messages of exceptions, which could repeat
content. No value of a record, no name and no pseudonym is in any of them.

Receiving adds to plain counters, which are read once an export interval: it is not slowed by being
watched, nor by an endpoint that does not answer.

## Metrics

*Shared* ones describe the database. Each worker tells the same of them: take the greatest, not the
sum. All others count from the start of their process.

| Metric | Kind | Unit | By | Told by | What |
|---|---|---|---|---|---|
{rows}

## Spans

`assay.job NAME` for each job, with `assay.job.done` (how much it did: inbox rows for `fold`, 1 for
the others) and, where it failed, `error.type`.
"""


def page() -> str:
    """``docs/telemetry.md``."""
    rows = "\n".join(
        f"| `{each.name}` | {each.kind.value} | `{each.unit}` |"
        f" {', '.join(f'`{name}`' for name in each.attributes)} |"
        f" {each.told_by}{', shared' if each.shared else ''} | {each.description} |"
        for each in METRICS
    )
    return _PAGE.format(rows=rows)


if __name__ == "__main__":
    print(page(), end="")
