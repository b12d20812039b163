"""Turning round a run that goes in circles, by the steps that its spec declares.

A run that began before there was a policy looks at what it does in the way it did then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from temporalio import workflow

from workflows.desk import AbortedError, because
from workflows.ends import LimitReachedError
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.approval import Form
    from domain.contract import strict_json
    from domain.loops import WINDOW, Finding, LoopPolicy, Step, Turned, deed, find_loop, meant
    from domain.loops_before import find_plain_loop
    from domain.messages import Message, ToolCall
    from domain.sameness import Said, said
    from domain.tools import ToolSpec

_MOST_KEPT = 100
_MOST_INLINE = 2_000  # characters that are compared here; longer results were by a check
_OTHERWISE = "Take another way, or answer with what you have and say what is missing."
_BEFORE = LoopPolicy()


@dataclass(frozen=True)
class Told:
    """What the model is told of one call.

    Attributes:
        tool: None where there is no such tool.
        ran: It was made; if not, the text says why.
        compared: The text reduced by the check of results, where that has done it.
    """

    call: ToolCall
    tool: ToolSpec | None
    text: str
    ran: bool = False
    compared: Said | None = None


class Looping:
    """Looks at what the run did after each turn."""

    def __init__(self, work: Work) -> None:
        self._request, self._state, self._desk = work.request, work.state, work.desk
        self._policy = work.spec.loops

    def note(self, turn: Iterable[Told]) -> None:
        """Take down what a turn's calls came to, refused ones too."""
        if self._policy is None or not self._policy.ladder:
            return
        watched = self._state.watched
        for each in turn:
            if each.tool is not None and each.tool.polling:
                continue
            came = each.compared or said(each.text[:_MOST_INLINE], {})
            writes = each.tool is not None and each.tool.writes
            arguments = _arguments(each.call)
            watched.append(deed(each.call.name, arguments, came, writes=writes, ok=each.ran))
        del watched[:-WINDOW]

    async def look(self) -> None:
        """Do what is declared about a run that repeats itself.

        Raises:
            AbortedError: A person ends the run.
            LimitReachedError: It is declared to end.
        """
        policy = self._policy or _BEFORE
        watched = self._state.watched
        found = find_loop(watched, policy.times) if self._policy else find_plain_loop(watched)
        if found is None:
            return
        self._state.watched.clear()
        step = policy.ladder[min(self._state.backtracks, len(policy.ladder) - 1)]
        self._state.backtracks += 1
        self._account(found, step)
        what = f"{found.kind}: {', '.join(found.tools)}"
        if step == "stop":
            raise LimitReachedError(f"going in circles ({what})")
        if step == "person":
            await self._ask_stuck(what)
        else:
            self._turn_round(found, step, what)

    def _turn_round(self, found: Finding, step: Step, what: str) -> None:
        told = "What you called brought nothing new."
        if step != "nudge":
            calls = (*found.calls, *(meant(alike) for alike in found.alike))
            self._state.forbid = tuple(dict.fromkeys((*self._state.forbid, *calls)))
            told = "The repeated calls are withheld."
        if step == "backtrack":
            self._state.drop_tail(found.calls, keep=len(found.alike) or len(found.calls))
            told = (
                "The repeated calls are withheld and their repetitions were taken out of this "
                "conversation."
            )
        self._say(f"You are going in circles ({what}). {told} {_OTHERWISE}")

    def _account(self, found: Finding, step: Step) -> None:
        """Count, log and keep a finding."""
        workflow.logger.warning("in circles: %s: %s: %s", found.kind, found.tools, step)
        loops = workflow.metric_meter().create_counter("holdfast_loops", "runs found in circles")
        loops.add(1, {"kind": found.kind.value, "step": step})
        if self._policy and len(self._state.loops) < _MOST_KEPT:
            turned = Turned(
                kind=found.kind, tools=found.tools, step=step, turn=len(self._state.turns)
            )
            self._state.loops.append(turned)

    async def _ask_stuck(self, what: str) -> None:
        form = Form(
            kind="stuck",
            title="let the run go on",
            why=f"it goes in circles for the {self._state.backtracks}. time ({what})",
            request=self._request.task,
            done=self._state.done(),
            options=(
                ("approve", "it goes on, with your reason as a hint"),
                ("reject", "it ends here"),
            ),
        )
        decision = await self._desk.ask(form)
        if not decision.granted:
            raise AbortedError(because(f"it went in circles ({what})", decision))
        self._say(f"You are going in circles ({what}). A person says: {decision.reason or 'go on'}")

    def _say(self, text: str) -> None:
        """Put a message of the run's own behind the transcript."""
        self._state.add(Message(role="user", text=text), made=False)


def _arguments(call: ToolCall) -> Mapping[str, Any]:
    """Return a call's arguments; what is no object is known by its spelling."""
    try:
        found = strict_json(call.arguments or "{}")
    except ValueError:
        found = None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {"": call.arguments}
