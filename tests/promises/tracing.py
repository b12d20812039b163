"""What traces of runs promise."""

from typing import Final

from tests.promises import Requirement

_TRACES = "Traces"

PROMISES: Final[dict[str, Requirement]] = {
    "C6.1:one-trace": Requirement(
        "A logical run is one trace under one root, over all that it continues as.", _TRACES
    ),
    "C6.1:steps-once": Requirement("Every step that a history records is one span.", _TRACES),
    "C6.1:same-again": Requirement(
        "The same history gives the same spans and ids, whoever reads it, in however many parts.",
        _TRACES,
    ),
    "C6.1:below": Requirement(
        "A run below another is in its trace, under the call that asked for it.", _TRACES
    ),
    "C6.1:lists": Requirement(
        "A run of a list of any length has a trace of its own, which links to the list's.", _TRACES
    ),
    "C6.1:resumed": Requirement(
        "A run that is resumed goes on in its trace, and nothing of before is told again.", _TRACES
    ),
    "C6.1:forked": Requirement(
        "A fork is a trace of its own, which links to its origin's.", _TRACES
    ),
    "C6.1:retried": Requirement(
        "A call that was tried several times is one span, which says so.", _TRACES
    ),
    "C6.1:gates": Requirement(
        "A wait for a person is a span that says who ended it, when, how and why.", _TRACES
    ),
    "C6.1:validated": Requirement(
        "A check's span says what it found and which state followed.", _TRACES
    ),
    "C6.1:conventions": Requirement(
        "Spans speak OpenTelemetry's GenAI conventions, the tools offered and chosen included.",
        _TRACES,
    ),
    "C6.1:content": Requirement(
        "What was said is told only if that is asked for, and redacted even then.", _TRACES
    ),
    "C6.1:open": Requirement(
        "Of a run that is under way, what has ended can be seen, and that it waits.", _TRACES
    ),
    "C6.1:left-behind": Requirement(
        "What a worker that was killed has not sent, another one sends.", _TRACES
    ),
    "C6.1:collector": Requirement(
        "While a collector is away nothing is lost, and what it may have had comes with its ids.",
        _TRACES,
    ),
    "C6.1:alone": Requirement("Two workers do not send the same.", _TRACES),
    "C6.1:off": Requirement(
        "Without a collector there are no headers, no interceptor and no reading.", _TRACES
    ),
    "C6.1:in-step": Requirement(
        "An activity's logs name its span, and what it notes there is told with it.", _TRACES
    ),
}
