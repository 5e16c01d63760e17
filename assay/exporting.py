"""Telling about ourselves through OpenTelemetry's SDK: metrics, spans of jobs, warnings of the log.

Loaded only where it is wanted (``assay.telemetry``). Metrics are looked at, not recorded: counters
and gauges by callbacks. Histograms are kept as plain counts where they are made, which the SDK has
no instrument for; they join what it collected on the way out.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.metrics.export import Metric as Exported
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, Status, StatusCode

from assay import __version__
from assay.jobs import Ended, Jobs
from assay.metric_table import METRICS, Kind, Metric
from assay.telemetry import Sources, Told
from collector.meters import BOUNDS_SECONDS, Durations
from store.engine import StoreError

_SCOPE = InstrumentationScope("tokenassay", __version__)
# What ends must not wait long for whoever does not answer.
_LAST_WORD_SECONDS = 3.0
_SEVERITY = {
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}


@contextmanager
def exporting(part: str, sources: Sources, jobs: Jobs | None) -> Iterator[None]:
    """Export as long as the block lasts, and what is left at its end."""
    grpc = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "") == "grpc"
    resource = Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or "tokenassay",
            "service.version": __version__,
            "service.instance.id": str(uuid.uuid4()),
            "assay.part": part,
        }
    )
    meters = _metrics(resource, sources, GrpcMetrics() if grpc else HttpMetrics())
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(GrpcSpans() if grpc else HttpSpans()))
    loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
    loggers.add_log_record_processor(BatchLogRecordProcessor(GrpcLogs() if grpc else HttpLogs()))
    handler = _Handler(loggers)
    logging.getLogger().addHandler(handler)
    if jobs is not None:
        jobs.listeners.append(_spans(tracers))
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
        _end(meters.shutdown, tracers.shutdown, loggers.shutdown)


def _end(*ways: Callable[[], object]) -> None:
    """Let each send what is left, at once, and wait for none that takes too long."""
    ending = [threading.Thread(target=way, name="last word", daemon=True) for way in ways]
    for each in ending:
        each.start()
    deadline = time.monotonic() + _LAST_WORD_SECONDS
    for each in ending:
        each.join(max(deadline - time.monotonic(), 0.0))


def _metrics(resource: Resource, sources: Sources, exporter: MetricExporter) -> MeterProvider:
    histograms = {
        each: sources[each.name]
        for each in METRICS
        if each.kind is Kind.HISTOGRAM and each.name in sources
    }
    reader = PeriodicExportingMetricReader(_WithHistograms(exporter, resource, histograms))
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)
    meter = provider.get_meter(_SCOPE.name, _SCOPE.version)
    for each in METRICS:
        if each.name not in sources or each.kind is Kind.HISTOGRAM:
            continue
        make = (
            meter.create_observable_counter
            if each.kind is Kind.COUNTER
            else meter.create_observable_gauge
        )
        make(each.name, [_callback(sources[each.name])], each.unit, each.description)
    return provider


def _callback(
    source: Callable[[], Iterable[Told]],
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def look(_: CallbackOptions) -> Iterable[Observation]:
        try:
            return [
                Observation(value, dict(attributes))
                for value, attributes in source()
                if not isinstance(value, Durations)
            ]
        except StoreError:
            # The database is away: then this is not known, and the log says so elsewhere.
            return []

    return look


class _WithHistograms(MetricExporter):
    """Exports what the SDK collected together with the durations that were kept by hand."""

    def __init__(
        self,
        exporter: MetricExporter,
        resource: Resource,
        histograms: Mapping[Metric, Callable[[], Iterable[Told]]],
    ) -> None:
        super().__init__(
            preferred_temporality=exporter._preferred_temporality,
            preferred_aggregation=exporter._preferred_aggregation,
        )
        self._exporter = exporter
        self._resource = resource
        self._histograms = histograms
        self._began_ns = time.time_ns()

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """Export both together."""
        # All are of the one scope: the encoder keeps one list of metrics for each.
        told = [
            each
            for of in metrics_data.resource_metrics
            for scope in of.scope_metrics
            for each in scope.metrics
        ]
        made = [self._made(metric, source()) for metric, source in self._histograms.items()]
        # One without points would have no kind on the wire.
        told += [each for each in made if each.data.data_points]
        ours = ResourceMetrics(
            resource=self._resource,
            scope_metrics=[ScopeMetrics(scope=_SCOPE, metrics=told, schema_url="")],
            schema_url="",
        )
        return self._exporter.export(
            MetricsData(resource_metrics=[ours]), timeout_millis=timeout_millis, **kwargs
        )

    def _made(self, metric: Metric, told: Iterable[Told]) -> Exported:
        now_ns = time.time_ns()
        points = []
        for durations, attributes in told:
            if isinstance(durations, Durations):
                counts, sum_seconds = durations.seen()
                points.append(
                    HistogramDataPoint(
                        attributes=dict(attributes),
                        start_time_unix_nano=self._began_ns,
                        time_unix_nano=now_ns,
                        count=sum(counts),
                        sum=sum_seconds,
                        bucket_counts=counts,
                        explicit_bounds=BOUNDS_SECONDS,
                        # Not kept, and left out.
                        min=None,  # type: ignore[arg-type]
                        max=None,  # type: ignore[arg-type]
                    )
                )
        return Exported(
            name=metric.name,
            description=metric.description,
            unit=metric.unit,
            data=Histogram(
                data_points=points, aggregation_temporality=AggregationTemporality.CUMULATIVE
            ),
        )

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Send what is held."""
        return self._exporter.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """End."""
        self._exporter.shutdown(timeout_millis=timeout_millis, **kwargs)


def _spans(provider: TracerProvider) -> Callable[[Ended], None]:
    tracer = provider.get_tracer(_SCOPE.name, _SCOPE.version)

    def ended(job: Ended) -> None:
        attributes: dict[str, str | int] = {"assay.job.done": job.done}
        if job.error:
            attributes["error.type"] = job.error
        span = tracer.start_span(
            f"assay.job {job.name}",
            kind=SpanKind.INTERNAL,
            attributes=attributes,
            start_time=job.began_ns,
        )
        if job.error:
            span.set_status(Status(StatusCode.ERROR))
        span.end(job.ended_ns)

    return ended


class _Handler(logging.Handler):
    """The log's warnings and errors, by their message; of an exception, its class and place."""

    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__(logging.WARNING)
        self._logger = provider.get_logger(_SCOPE.name, _SCOPE.version)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one record over; never the exporters' own, which would follow themselves."""
        if record.name.startswith(("opentelemetry", "urllib3", "requests", "grpc")):
            return
        attributes: dict[str, str | int] = {
            "code.function.name": record.funcName,
            "code.line.number": record.lineno,
        }
        if record.exc_info and record.exc_info[0]:
            attributes["exception.type"] = record.exc_info[0].__name__
        level = max((each for each in _SEVERITY if each <= record.levelno), default=None)
        self._logger.emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                body=record.getMessage(),
                severity_text=record.levelname,
                severity_number=_SEVERITY.get(level) if level else None,
                attributes=attributes,
            )
        )
