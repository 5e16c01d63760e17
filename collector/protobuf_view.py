"""OTLP messages as we read them: like the official ones, but attributes are left as bytes.

The same few attributes stand on every record of a session. Left as bytes they are told apart by
one dictionary look-up, and each is decoded once as long as it is remembered. The view is made from
the official descriptors, so it follows them.
"""

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
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

_PAIR = ".opentelemetry.proto.common.v1.KeyValue"
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
            for part in (message, *message.nested_type):
                for field in part.field:
                    if field.name == "attributes" and field.type_name == _PAIR:
                        field.type = FieldDescriptorProto.TYPE_BYTES
                        field.ClearField("type_name")
        pool.Add(file)
    return pool


_POOL = _pool()

REQUESTS: dict[Signal, type[Message]] = {
    signal: GetMessageClass(_POOL.FindMessageTypeByName(name)) for signal, name in _REQUESTS.items()
}
"""Export requests by signal; every ``attributes`` field holds encoded KeyValues."""
