"""Whether the endpoint that our own telemetry would go to is ourselves.

The variable that turns our own telemetry on also sends coding tools here, and may stand in the very
shell in which we start.
"""

import logging
import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from urllib.parse import urlsplit

from assay.settings import Address, Settings
from assay.telemetry import ENDPOINT, on

_log = logging.getLogger(__name__)

SIGNAL_ENDPOINTS = tuple(
    f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT" for signal in ("METRICS", "TRACES", "LOGS")
)
_ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  # compared with, never listened on
_PORTS = {"http": 80, "https": 443}


def wanted(settings: Settings, listening: Iterable[Address]) -> bool:
    """Whether to tell about ourselves; where the endpoint is ourselves, the log says why not."""
    if not on():
        return False
    ours = [*listening, *_set(settings)]
    for variable in (ENDPOINT, *SIGNAL_ENDPOINTS):
        told = os.environ.get(variable)
        if told and any(_same(told, each) for each in ours):
            _log.warning(
                "own telemetry is off: %s is %s, which is where this installation receives that of"
                " coding tools. Set it to another collector, or unset it.",
                variable,
                _shown(told),
            )
            return False
    return True


def _set(settings: Settings) -> list[Address]:
    """Where else this installation is known to receive: what the operator has said."""
    told = settings.model_fields_set
    known = [getattr(settings, name) for name in ("otlp_http", "otlp_grpc") if name in told]
    if settings.endpoint:
        known += [found] if (found := _target(settings.endpoint)) else []
    return known


def _target(endpoint: str) -> Address | None:
    """Host and port of an endpoint; of gRPC it may stand without a scheme."""
    url = urlsplit(endpoint if "://" in endpoint else f"grpc://{endpoint}")
    try:
        port = url.port
    except ValueError:
        return None
    return Address(url.hostname, port or _PORTS.get(url.scheme, 4317)) if url.hostname else None


def _same(endpoint: str, ours: Address) -> bool:
    target = _target(endpoint)
    if target is None or target.port != ours.port:
        return False
    if target.host == ours.host:
        return True
    theirs = _addresses(target)
    if ours.host in _ANYWHERE:
        return any(_local(each) for each in theirs)
    own = _addresses(ours)
    loopback = ours.loopback and any(Address(each, ours.port).loopback for each in theirs)
    return loopback or bool(theirs & own)


def _addresses(of: Address) -> frozenset[str]:
    try:
        found = socket.getaddrinfo(of.host, of.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    return frozenset(str(each[4][0]) for each in found)


def _local(address: str) -> bool:
    """Whether an address is one of this machine's: only these can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return True
    return False


def _shown(endpoint: str) -> str:
    """An endpoint without what may be a secret in it."""
    target = _target(endpoint)
    return str(target) if target else "no address"
