"""One thing that the audit log tells, and what it had to leave out."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from domain.contract import canonical

LEFT_OUT: Final = "left_out"


@dataclass(frozen=True)
class Entry:
    """One thing that happened.

    Attributes:
        kind: `run.started`, `decision`, `effect`, `halt.placed` and so on.
        run_id: The run that it happened in; empty for none.
        fields: What there is to say of it; JSON types.
    """

    at: datetime
    kind: str
    run_id: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Span:
    """Which part of what happened is wanted.

    Attributes:
        since: From this moment on; None: from the beginning.
        until: Before this moment; None: up to now.
        tenant: Only this tenant's; empty: of all.
        agent: Only this agent's runs and what concerns it; empty: of all.
    """

    since: datetime | None = None
    until: datetime | None = None
    tenant: str = ""
    agent: str = ""

    def has(self, at: datetime) -> bool:
        """Whether a moment is in it."""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def sha256(value: Any) -> str:
    """Return what stands for a value that the log does not repeat: its hash, in hex."""
    return hashlib.sha256(canonical(value)).hexdigest()


def left_out(what: str, why: str, run_id: str = "", at: datetime | None = None) -> Entry:
    """Return the entry that says what the log could not tell."""
    return Entry(at or datetime.now(UTC), LEFT_OUT, run_id, {"what": what, "why": why})
