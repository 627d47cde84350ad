"""exporter.py grpc|http COUNT: so many spans through the Python SDK's batch processor and its stock exporter."""

import logging
import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

protocol, count = sys.argv[1], int(sys.argv[2])
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

logging.basicConfig(level=logging.WARNING)
exporter, failed = OTLPSpanExporter(), []
export = exporter.export


def counted(spans):
    result = export(spans)
    if result is not SpanExportResult.SUCCESS:
        failed.append(len(spans))
    return result


exporter.export = counted
# Room for all, so that what is lost is lost by the exporter.
provider = TracerProvider(resource=Resource.create({"service.name": "python"}))
provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=count + 1))
tracer = provider.get_tracer("siege")
for _ in range(count):
    tracer.start_span("work").end()
provider.force_flush(60_000)
provider.shutdown()
print(f"{count} spans, {sum(failed)} failed")
sys.exit(1 if failed else 0)
