"""What was asked of the stand-in, so that calls and repeated calls can be counted from outside."""

import time
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

_MAX_CALLERS: Final = 20_000


@dataclass
class CallRecord:
    """One request.

    Attributes:
        at: When it had arrived, in seconds since the epoch.
        request: Hash of its bytes.
        seen: How often these bytes came before.
        repeated: These bytes had been answered before.
        outcome: `ok`, or the fault that it got instead of an answer.
        vendor: At whose address it came in.
        input_tokens: Of an answered request.
        cached_tokens: Of these, read from the prompt cache.
    """

    at: float
    agent: str
    turn: int
    request: str
    seen: int
    repeated: bool
    outcome: str = "ok"
    vendor: str = ""
    input_tokens: int = 0
    cached_tokens: int = 0


@dataclass
class _Caller:
    calls: list[CallRecord] = field(default_factory=list[CallRecord])
    seen: defaultdict[str, int] = field(default_factory=lambda: defaultdict[str, int](int))
    answered: set[str] = field(default_factory=set[str])


class Stats:
    """Calls by caller (the opaque id of a logical run), in order of arrival."""

    def __init__(self) -> None:
        self._callers: OrderedDict[str, _Caller] = OrderedDict()

    def arrived(self, caller: str, agent: str, turn: int, request: str, vendor: str) -> CallRecord:
        """Note a request."""
        known = self._callers.setdefault(caller, _Caller())
        record = CallRecord(
            at=time.time(),
            agent=agent,
            turn=turn,
            request=request,
            seen=known.seen[request],
            repeated=request in known.answered,
            vendor=vendor,
        )
        known.seen[request] += 1
        known.calls.append(record)
        while len(self._callers) > _MAX_CALLERS:
            self._callers.popitem(last=False)
        return record

    def answered(self, caller: str, record: CallRecord) -> None:
        """Note that a request got its answer."""
        if (known := self._callers.get(caller)) is not None:
            known.answered.add(record.request)

    def of(self, caller: str) -> dict[str, Any]:
        """Return one caller's counts and calls."""
        known = self._callers.get(caller, _Caller())
        return {**_counts(known), "list": [vars(call) for call in known.calls]}

    def all(self) -> dict[str, Any]:
        """Return the counts of everyone, and of each."""
        counts = {caller: _counts(known) for caller, known in self._callers.items()}
        total = {
            name: sum(each[name] for each in counts.values())
            for name in ("calls", "answered", "repeated")
        }
        return {**total, "callers": counts}


def _counts(known: _Caller) -> dict[str, int]:
    return {
        "calls": len(known.calls),
        "answered": sum(call.outcome == "ok" for call in known.calls),
        "repeated": sum(call.repeated for call in known.calls),
    }
