"""Telling about ourselves, where an endpoint is set: only then is OpenTelemetry's SDK loaded.

``assay.own_endpoint`` looks whether that is not ourselves, ``assay.exporting`` tells.
"""

import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from assay.jobs import Jobs
from collector.meters import Durations

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""What turns it on."""

Told: TypeAlias = tuple[float | Durations, Mapping[str, str]]
"""One value of a metric and its attributes; of a histogram, the durations."""

Sources: TypeAlias = Mapping[str, Callable[[], Iterable[Told]]]
"""Where each metric that this process tells comes from, by its name in ``assay.metric_table``."""


def on() -> bool:
    """Whether an endpoint is set at all."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return bool(os.environ.get(ENDPOINT)) and not disabled


@contextmanager
def telling_if(told: bool, part: str, sources: Sources, jobs: Jobs | None = None) -> Iterator[None]:
    """Tell about this process as long as the block lasts; ``part`` says what it is there for."""
    if not told:
        yield
        return
    exporting = importlib.import_module("assay.exporting")
    with exporting.exporting(part, sources, jobs):
        yield
