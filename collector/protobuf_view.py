"""OTLP messages as we read them: like the official ones, but for what stands on every record.

``attributes`` is a list of KeyValues, which on the wire is the same as a map from names to encoded
AnyValues. Read as such a map, a value that nobody asks for costs no Python object, and all that
are asked for come out of one call. Resources, scopes and bodies are left encoded: the former two
are the same in one request after another, the latter may be a conversation. The view is made from
the official descriptors, so it follows them.
"""

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from domain.record import Signal

_COMMON = ".opentelemetry.proto.common.v1."
_PAIR = _COMMON + "KeyValue"
_LEFT_ENCODED = frozenset(
    {
        ("resource", ".opentelemetry.proto.resource.v1.Resource"),
        ("scope", _COMMON + "InstrumentationScope"),
        ("body", _COMMON + "AnyValue"),
    }
)
_ENTRY = "AttributesEntry"
# In the order of their imports.
_FILES = (
    common_pb2,
    resource_pb2,
    logs_pb2,
    metrics_pb2,
    trace_pb2,
    logs_service_pb2,
    metrics_service_pb2,
    trace_service_pb2,
)
_REQUESTS = {
    Signal.LOGS: "opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest",
    Signal.METRICS: "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest",
    Signal.TRACES: "opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest",
}


def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for module in _FILES:
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            _change(message, f".{file.package}.{message.name}")
        pool.Add(file)
    return pool


def _change(message: DescriptorProto, name: str) -> None:
    for nested in list(message.nested_type):
        _change(nested, f"{name}.{nested.name}")
    for field in message.field:
        if field.name == "attributes" and field.type_name == _PAIR:
            field.type_name = f"{name}.{_ENTRY}"
            _add_entry(message)
        elif (field.name, field.type_name) in _LEFT_ENCODED:
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")


def _add_entry(message: DescriptorProto) -> None:
    entry = message.nested_type.add(name=_ENTRY)
    entry.options.map_entry = True
    for number, (name, kind) in enumerate(
        (("key", FieldDescriptorProto.TYPE_STRING), ("value", FieldDescriptorProto.TYPE_BYTES)), 1
    ):
        entry.field.add(
            name=name, number=number, type=kind, label=FieldDescriptorProto.LABEL_OPTIONAL
        )


_POOL = _pool()


def _message(name: str) -> type[Message]:
    return GetMessageClass(_POOL.FindMessageTypeByName(name))


REQUESTS: dict[Signal, type[Message]] = {
    signal: _message(name) for signal, name in _REQUESTS.items()
}
"""Export requests by signal; every ``attributes`` is a map from names to encoded AnyValues."""

RESOURCE = _message("opentelemetry.proto.resource.v1.Resource")
SCOPE = _message("opentelemetry.proto.common.v1.InstrumentationScope")
