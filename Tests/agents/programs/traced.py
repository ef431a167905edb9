"""The official client, 2.x, in a program with OpenTelemetry: prints the spans that it made, as JSON.

Arguments: the mode of the client, the command of the host and its arguments. The client puts the
position of its span into `_meta` of every request by itself.
"""

import json
import sys

import anyio
from mcp import Client, StdioServerParameters
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)


async def main():
    mode, command, *arguments = sys.argv[1:]
    client = Client(StdioServerParameters(command=command, args=arguments), mode=mode)
    async with client:
        with trace.get_tracer("agent").start_as_current_span("triage"):
            await client.call_tool("coda_footprint__list_devices", {})
    print(json.dumps([
        {"name": span.name, "trace": f"{span.context.trace_id:032x}", "id": f"{span.context.span_id:016x}",
         "parent": f"{span.parent.span_id:016x}" if span.parent else ""}
        for span in spans.get_finished_spans()]))


anyio.run(main)
