"""A collector of spans that a test programs. Every body must parse as the protocol's own message."""

from __future__ import annotations

import base64
import json
import re
import threading
from typing import Any

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from Support.host import TIMEOUT
from Support.upstream import Request, Upstream, reply


class Span:
    """A span with its attributes as a dictionary."""

    def __init__(self, message: Any) -> None:
        self.message = message
        self.name = message.name
        self.kind = message.kind
        self.trace_id = message.trace_id.hex()
        self.span_id = message.span_id.hex()
        self.parent = message.parent_span_id.hex()
        self.attributes = attributes(message)
        self.events = [(event.name, attributes(event)) for event in message.events]
        self.failed = message.status.code == 2

    def __repr__(self) -> str:
        return f"<{self.name} {self.attributes}>"


def attributes(message: Any) -> dict[str, Any]:
    found = {}
    for attribute in message.attributes:
        value = attribute.value
        assert attribute.key not in found, f"{attribute.key} came twice"
        found[attribute.key] = getattr(value, value.WhichOneof("value"))
    return found


class Collector(Upstream):
    """`with Collector() as collector:` accepts all spans, unless `answer` says otherwise."""

    SERVER, CLIENT = 2, 3

    def __init__(self, answer: Any = lambda request: reply(200, {})) -> None:
        self.spans: list[Span] = []
        self.bodies: list[ExportTraceServiceRequest] = []
        self.resource: dict[str, Any] = {}
        self.arrived = threading.Condition()
        self.respond = answer
        self.problems: list[BaseException] = []
        super().__init__(self._take)

    def close(self) -> None:
        super().close()
        assert not self.problems, self.problems

    def _take(self, request: Request) -> Any:
        try:
            return self._read(request)
        except BaseException as error:
            self.problems.append(error)
            raise

    def _read(self, request: Request) -> Any:
        assert request.header("Content-Type") == "application/json"
        # In the JSON mapping of OTLP ids are hexadecimal; in that of Protobuf they are Base64.
        body = json_format.Parse(_with_base64_ids(request.json), ExportTraceServiceRequest())
        action = self.respond(request)
        accepted = getattr(action, "status", 200) == 200
        with self.arrived:
            self.bodies.append(body)
            for resource in body.resource_spans:
                self.resource = attributes(resource.resource)
                for scope in resource.scope_spans:
                    assert scope.scope.name == "sallyport"
                    if accepted:
                        self.spans += map(Span, scope.spans)
            self.arrived.notify_all()
        return action

    def wait_for(self, count: int) -> list[Span]:
        with self.arrived:
            came = self.arrived.wait_for(lambda: len(self.spans) >= count, TIMEOUT)
        assert came, f"{len(self.spans)} of {count} spans arrived: {self.spans}"
        return self.spans

    def of(self, kind: int) -> list[Span]:
        return [span for span in self.spans if span.kind == kind]


def _with_base64_ids(body: Any) -> str:
    def convert(value: Any) -> Any:
        if isinstance(value, list):
            return [convert(one) for one in value]
        if not isinstance(value, dict):
            return value
        changed = {name: convert(one) for name, one in value.items()}
        for name, digits in (("traceId", 32), ("spanId", 16), ("parentSpanId", 16)):
            if name in changed:
                assert re.fullmatch(f"[0-9a-f]{{{digits}}}", changed[name]), changed[name]
                changed[name] = base64.b64encode(bytes.fromhex(changed[name])).decode()
        for name in ("startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "intValue"):
            assert isinstance(changed.get(name, ""), str), f"{name} is no string"
        return changed

    return json.dumps(convert(body))
