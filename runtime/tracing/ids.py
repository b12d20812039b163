"""Ids of traces and spans, which follow from what they stand for.

Whoever makes a span again makes it under the same id: another worker after a crash, or the same one
after a collector that did not answer. An activity knows its own span's id before the span exists.
"""

from domain.contract import digest

_TRACE_DIGITS = 32
_SPAN_DIGITS = 16


def trace_of(first: str) -> int:
    """Return the 128-bit id of the trace of a logical run, by its first execution's run id."""
    return int(digest("trace", first, length=_TRACE_DIGITS), 16)


def root_of(first: str) -> int:
    """Return the 64-bit id of a logical run's own span."""
    return span_of("run", first)


def leg_of(run_id: str) -> int:
    """Return the id of the span of an execution that went on after the run had closed."""
    return span_of("leg", run_id)


def step_of(run_id: str, activity_id: str) -> int:
    """Return the id of an activity's span."""
    return span_of("step", run_id, activity_id)


def call_of(run_id: str, event_id: int) -> int:
    """Return the id of the span of a run below, by the event that asked for it."""
    return span_of("below", run_id, str(event_id))


def span_of(*parts: str) -> int:
    """Return the 64-bit id of the span that `parts` name."""
    return int(digest("span", *parts, length=_SPAN_DIGITS), 16)


def hex_trace(trace: int) -> str:
    """Return a trace's id as it is written everywhere: 32 hex digits."""
    return f"{trace:0{_TRACE_DIGITS}x}"


def hex_span(span: int) -> str:
    """Return a span's id as it is written everywhere: 16 hex digits."""
    return f"{span:0{_SPAN_DIGITS}x}"
