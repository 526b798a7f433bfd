"""The W3C trace context of an operation: it travels with an entry, so that one webhook is one operation up to its post.

https://www.w3.org/TR/trace-context/. Application Insights calls the trace id the operation id.
"""

import contextlib
import re
import secrets
import sys
from collections.abc import Iterator
from contextvars import ContextVar

_PARENT = r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})"
_NONE = "0" * 32

_current: ContextVar[str] = ContextVar("trace", default="")


def operation_of(trace: str) -> str:
    """The operation id of a `traceparent`, or an empty string where it is none."""
    match = re.fullmatch(_PARENT, trace) if trace else None
    return match[1] if match and match[1] != _NONE else ""


def valid(trace: str | None) -> str:
    """The `traceparent`, or an empty string where it is none."""
    return trace if trace and operation_of(trace) else ""


def new() -> str:
    """The `traceparent` of a new operation."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def current() -> str:
    """The `traceparent` of the operation that is being carried out, or an empty string."""
    return _current.get()


@contextlib.contextmanager
def within(trace: str) -> Iterator[None]:
    """Does what follows as a part of the operation, also for OpenTelemetry where the worker has loaded it."""
    if not trace or trace == _current.get():
        yield
        return
    before = _current.set(trace)
    try:
        with _opentelemetry(trace):
            yield
    finally:
        _current.reset(before)


@contextlib.contextmanager
def _opentelemetry(trace: str) -> Iterator[None]:
    """Its current span is that of the trace. It is never imported for this: it costs a tenth of a second."""
    match = re.fullmatch(_PARENT, trace) if trace else None
    api, context = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.context")
    if match is None or api is None or context is None:
        yield
        return
    parent = api.SpanContext(int(match[1], 16), int(match[2], 16), True, api.TraceFlags(int(match[3], 16)))
    token = context.attach(api.set_span_in_context(api.NonRecordingSpan(parent)))
    try:
        yield
    finally:
        context.detach(token)
