"""One webhook is one operation: its trace context travels with the entry, and every line of the log has its id."""

import json
import logging
import sys
from dataclasses import replace
from types import SimpleNamespace

import azure.functions as func
import pytest

import function_app
from bridge import tracing
from bridge.entries import from_message, to_message
from bridge.steps import FIELDS, log_entry
from tests.outbox_stand_ins import entry
from tests.publishing_simulation import Simulation
from tests.test_receiver import ISSUE, receiver, signed

ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACE = f"00-{ID}-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    "text", [None, "", "00-x-y-01", TRACE.upper(), f"00-{'0' * 32}-00f067aa0ba902b7-01", f"{TRACE}\n"]
)
def test_what_is_no_trace_context_is_left_out(text):
    assert tracing.valid(text) == ""


def test_the_trace_context_travels_in_the_message_and_older_ones_are_read():
    traced = replace(entry(1), trace=TRACE)
    assert from_message(to_message(traced)) == traced
    assert "trace" not in json.loads(to_message(entry(1)))


def test_a_new_operation_is_valid_and_random():
    assert tracing.valid(tracing.new()) != tracing.valid(tracing.new()) != ""


def test_one_operation_from_the_receipt_to_the_post(tmp_path, steps):
    with tracing.within(TRACE):
        receipt = receiver().receive("github", signed(json.dumps(ISSUE).encode()))
    simulation = Simulation(tmp_path)
    # A drain for which another webhook's operation is at work posts it, as any drain may.
    with tracing.within(tracing.new()):
        simulation.put(*(from_message(to_message(one)) for one in receipt.entries))
        simulation.run(20)
    simulation.close()
    found = {fields["step"]: fields.get("operation") for _, fields in steps()}
    assert found == dict.fromkeys(("received", "queued", "recorded", "planned", "delivered"), ID)


def test_no_line_has_a_field_that_is_not_listed(tmp_path, steps):
    with tracing.within(TRACE):
        receiver().receive("github", signed(json.dumps(ISSUE).encode()))
        receiver().receive("github", signed(b"{}", event="ping"))
        receiver().receive("github", signed(b"no json"))
    assert {name for _, fields in steps() for name in fields} <= FIELDS.keys()
    assert all(fields["delivery"] for _, fields in steps())
    assert tracing.current() == ""


def test_the_function_passes_the_hosts_trace_context_on(monkeypatch):
    monkeypatch.setattr(function_app, "bridge", SimpleNamespace(receiver=receiver()))
    webhook = function_app._webhook("github")
    request = signed(json.dumps(ISSUE).encode())
    sent = func.HttpRequest("POST", "/", headers=request.headers, body=request.body)
    queued = SimpleNamespace(set=lambda messages: setattr(queued, "messages", messages))
    context = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=TRACE))
    assert webhook(sent, queued, context).status_code == 202
    assert [from_message(message).trace for message in queued.messages] == [TRACE]


class Context:
    """OpenTelemetry's contexts, as far as they are used."""

    def __init__(self):
        self.attached = []

    def attach(self, context):
        self.attached.append(context)
        return context

    def detach(self, token):
        assert self.attached.pop() is token


def test_where_opentelemetry_is_loaded_a_line_belongs_to_its_operation(monkeypatch, caplog):
    caplog.set_level("INFO")
    context = Context()
    api = SimpleNamespace(
        SpanContext=lambda trace_id, span_id, is_remote, flags: (trace_id, span_id, is_remote, flags),
        TraceFlags=int,
        NonRecordingSpan=lambda parent: parent,
        set_span_in_context=lambda span: span,
    )
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", api)
    monkeypatch.setitem(sys.modules, "opentelemetry.context", context)
    seen = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append((list(context.attached), record))
    logger = logging.getLogger("bridge.steps")
    logger.addHandler(handler)
    try:
        log_entry("delivered", replace(entry(1), trace=TRACE), thread="t")
    finally:
        logger.removeHandler(handler)
    ((attached, record),) = seen
    assert attached == [(int(ID, 16), 0x00F067AA0BA902B7, True, 1)]
    assert (vars(record)["bridge.step"], vars(record)["bridge.thread"]) == ("delivered", "t")
    assert context.attached == []


def test_opentelemetry_is_never_imported_for_it():
    assert "opentelemetry" not in sys.modules
    with tracing.within(TRACE):
        assert tracing.current() == TRACE
    assert "opentelemetry" not in sys.modules
