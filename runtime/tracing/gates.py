"""A wait for a person, as a history tells it: since when, for what, who ended it and how."""

from dataclasses import dataclass, field
from typing import Any, Final

from domain.approval import Decision, UnusableAnswerError, parse_answer
from runtime.tracing.genai import Put

ANSWERS: Final = frozenset({"approve", "reject", "modify", "retry", "skip", "abort", "unhalted"})
UPDATES: Final = frozenset({"decide", "unstop"})
PERSON: Final = "waiting for a person"
_ASKED: Final = f"{PERSON}: "
_STOPPED: Final = "stopped at "


@dataclass(frozen=True)
class Said:
    """An answer.

    Attributes:
        via: How it came: `signal`, `update` or `timer`.
        identity: Of the client that sent it.
        task: Which workflow task was shown it, counted from the first.
        certain: The run has said that it counts.
    """

    verdict: str
    via: str
    task: int
    by: str = ""
    reason: str = ""
    identity: str = ""
    usable: bool = True
    certain: bool = False
    kind: str = ""
    title: str = ""
    tool: str = ""


@dataclass
class Gate:
    """An open wait.

    Attributes:
        state: PENDING_APPROVAL or STOPPED.
        since: Nanoseconds since 1970.
        by_event: The event that opened it.
    """

    state: str
    since: int
    by_event: int
    title: str = ""
    answers: list[Said] = field(default_factory=list[Said])

    def summary(self, text: str) -> None:
        """Take the summary of a timer that was started while it is open."""
        if self.title or (PERSON not in text and "halted" not in text):
            return
        if text.startswith(_ASKED):
            self.title = text.removeprefix(_ASKED)
        elif text.startswith(_STOPPED):
            self.title = text.removeprefix(_STOPPED).removesuffix(f", {PERSON}")
        elif "halted" in text:
            self.title = "halted"

    def answered(self) -> Said | None:
        """Return the answer that ended it; None where none did, as when the run is cancelled.

        What the run itself has confirmed; else of those that its last task was shown the first
        that can count, since a run takes no second one.
        """
        certain = [said for said in self.answers if said.certain]
        if certain:
            return certain[-1]
        usable = [said for said in self.answers if said.usable]
        last = max((said.task for said in usable), default=0)
        return next((said for said in usable if said.task == last), None)

    def attributes(self, end: int) -> Put:
        """Return what is known of it when it has ended."""
        said = self.answered()
        kind = (said and said.kind) or ("stop" if self.state == "STOPPED" else "question")
        put: Put = {
            "holdfast.gate.kind": kind,
            "holdfast.gate.waited_s": round((end - self.since) / 1e9, 3),
            "holdfast.gate.verdict": said.verdict if said else "none",
        }
        title = (said and said.title) or self.title
        if title:
            put["holdfast.gate.title"] = title
        if said is not None:
            told = {
                "by": said.by,
                "via": said.via,
                "reason": said.reason,
                "identity": said.identity,
                "tool": said.tool,
            }
            put |= {f"holdfast.gate.{name}": value for name, value in told.items() if value}
        return put


def signalled(name: str, sent: Any, identity: str, task: int) -> Said:
    """Return what a signal says; whether it can count is for the run to say."""
    try:
        answer = parse_answer(sent)
    except UnusableAnswerError:
        return Said(name, "signal", task, identity=identity, usable=False)
    usable = name != "modify" or answer.arguments is not None
    return Said(
        "unhalt" if name == "unhalted" else name,
        "signal",
        task,
        by=answer.by,
        reason=answer.reason,
        identity=identity,
        usable=usable,
    )


def decided(decision: Decision, identity: str, task: int) -> Said:
    """Return what an update came to, in the run's own words."""
    return Said(
        decision.verdict,
        "update",
        task,
        by=decision.by,
        reason=decision.reason,
        identity=identity,
        certain=True,
        kind=decision.kind,
        title=decision.title,
        tool=decision.tool,
    )
