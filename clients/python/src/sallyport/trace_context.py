"""The current span of OpenTelemetry, for programs that use it."""

from __future__ import annotations

import logging
import sys

log = logging.getLogger("sallyport")


def current_traceparent() -> str | None:
    """The `traceparent` of the current span; None if there is none. Never raises.

    The package opentelemetry-api is not imported here: a program with a span has imported it,
    and other programs must not pay for it.
    """
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    try:
        context = trace.get_current_span().get_span_context()
        if not context.is_valid:
            return None
        flags = int(context.trace_flags)
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"
    except Exception:
        log.debug("the current span cannot be read", exc_info=True)
        return None
