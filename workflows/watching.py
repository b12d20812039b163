"""What looks at a run's calls and answers: each mechanism is a watch, all are asked at one gate.

A watch decides by what it knows and changes nothing of the call. The gate tells the model of a
refusal, puts before a person what a watch will not decide, and counts both.
"""

import json
from dataclasses import dataclass
from typing import Any, ClassVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome
    from domain.contract import strict_json
    from domain.page import plain
    from domain.rejections import COUNTER, Rejection
    from domain.state import AgentState
    from domain.tools import ToolSpec

_MOST_KEPT = 100
_MOST_TEXT = 500  # characters of a reason that the result keeps


@dataclass(frozen=True)
class Objection:
    """Why a call does not simply run, or an answer does not simply stand.

    Attributes:
        by: Whose objection it is, in one word of a closed set: it labels a metric.
        refuse: Why it does not run; empty where it may.
        ask: Why a person decides, whatever stands; empty where nobody need be asked.
        hint: What the model can do instead.
        instead: The answer without what does not hold, which takes its place; empty: as it is.
    """

    by: str
    refuse: str = ""
    ask: str = ""
    hint: str = ""
    instead: str = ""


class Watch:
    """Looks at calls before they run, at what they brought, and at answers; objects to none.

    Attributes:
        of_people: It is also asked of arguments that a person changed.
    """

    of_people: ClassVar[bool] = True

    async def before(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Say what speaks against a call; also asked of arguments that a person changed."""
        return None

    def orders(self, tool: ToolSpec) -> bool:
        """Whether a tool's calls run one by one, after the reads, in the order of the turn."""
        return False

    def passed(self, tool: ToolSpec, arguments: dict[str, Any]) -> None:
        """Take note of a call that the gate let through; others of its turn may still be judged."""

    async def still(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Say what speaks against a call that waited for those before it in its turn."""
        return None

    def ran(self, tool: ToolSpec, arguments: dict[str, Any], outcome: ActOutcome) -> None:
        """Take note of a call, or of what stood in for it, as soon as it has ended."""

    async def after(self, tool: ToolSpec, arguments: dict[str, Any], outcome: ActOutcome) -> None:
        """Take note of a call that ran, before the model reads what it brought."""

    async def answer(self, text: str, shown: Any) -> Objection | None:
        """Say what speaks against an answer: `shown` is it parsed, or its text."""
        return None


class Watches:
    """All watches of one run, and the account of what they refused."""

    def __init__(self, state: AgentState, watches: list[Watch]) -> None:
        self._state = state
        self._watches = watches

    async def before(
        self, tool: ToolSpec, arguments: dict[str, Any], *, by_person: bool = False
    ) -> list[Objection]:
        """Return what speaks against a call: the first refusal alone, else all to be asked."""
        found: list[Objection] = []
        for watch in self._watches:
            if by_person and not watch.of_people:
                continue
            objection = await watch.before(tool, arguments)
            if objection is not None and objection.refuse:
                return [objection]
            if objection is not None and objection.ask:
                found.append(objection)
        return found

    def orders(self, tool: ToolSpec) -> bool:
        """Whether any watch wants a tool's calls to run one by one."""
        return any(watch.orders(tool) for watch in self._watches)

    def passed(self, tool: ToolSpec, arguments: dict[str, Any]) -> None:
        """Tell every watch of a call that will run."""
        for watch in self._watches:
            watch.passed(tool, arguments)

    async def still(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Return the first refusal of a call whose turn has come."""
        for watch in self._watches:
            objection = await watch.still(tool, arguments)
            if objection is not None and objection.refuse:
                return objection
        return None

    def ran(self, tool: ToolSpec, arguments: dict[str, Any], outcome: ActOutcome) -> None:
        """Tell every watch of a call that has just ended."""
        for watch in self._watches:
            watch.ran(tool, arguments, outcome)

    async def after(self, tool: ToolSpec, arguments: dict[str, Any], outcome: ActOutcome) -> None:
        """Tell every watch of a call that ran."""
        for watch in self._watches:
            await watch.after(tool, arguments, outcome)

    async def answer(self, text: str, shown: Any) -> list[Objection]:
        """Return what speaks against an answer: the first refusal alone, else all to be asked."""
        found: list[Objection] = []
        for watch in self._watches:
            objection = await watch.answer(text, shown)
            if objection is not None and objection.refuse:
                return [objection]
            if objection is not None and objection.instead:
                text = objection.instead
                shown = text if isinstance(shown, str) else strict_json(text)
            if objection is not None and (objection.ask or objection.instead):
                found.append(objection)
        return found

    def reject(self, objection: Objection, what: str) -> str:
        """Count, log and keep a refusal; return it as the model is told."""
        reason = objection.refuse or objection.ask
        workflow.logger.warning("refused by %s: %s: %s", objection.by, what, reason[:_MOST_TEXT])
        rejections = workflow.metric_meter().create_counter(*COUNTER)
        rejections.add(1, {"by": objection.by})
        kept = self._state.rejections
        if len(kept) < _MOST_KEPT:
            kept.append(
                Rejection(
                    by=objection.by,
                    what=plain(what, _MOST_TEXT),
                    reason=reason[:_MOST_TEXT],
                    turn=len(self._state.turns),
                )
            )
        return told(objection)


def told(objection: Objection) -> str:
    """Return a refusal in the form that the model reads: JSON, so that it can act on it."""
    said = {"by": objection.by, "reason": objection.refuse or objection.ask}
    if objection.hint:
        said["try"] = objection.hint
    return f"refused: {json.dumps(said, ensure_ascii=False)}"
