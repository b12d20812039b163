"""What passes into and out of a run: results that address the model, secrets in calls and answers.

The checks themselves look through whole texts and are activities'; here is what follows from them.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from temporalio import workflow

from workflows.watching import Objection, Watches
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome
    from domain.guard import Asker, Guarded
    from domain.messages import ToolCall
    from domain.spec import AgentSpec
    from domain.taint import Taint
    from domain.tools import ToolSpec
    from domain.verdicts import AnswerVerdict, CheckCallsRequest, CheckResultsRequest, Verdicts

_ENDS = 3  # results read before, whose ends are looked at together with a new one
_END = 600  # characters
_WITHOUT_IT = "go on without it, and name the gap in the answer"


class Asked(Protocol):
    """A call that has run."""

    @property
    def call(self) -> ToolCall:
        """What the model proposed."""
        ...

    @property
    def tool(self) -> ToolSpec:
        """What ran."""
        ...


# --- calls


def guarded_request(work: Work, request: CheckCallsRequest) -> CheckCallsRequest:
    """Return `request` with what the guardrails need, where they look at these calls at all."""
    guards = work.spec.guards
    if guards is None:
        return request
    spills = not guards.secrets == guards.personal == "off"
    if not guards.identifiers and not (spills and any(tool.writes for tool in request.tools)):
        return request
    more: dict[str, Any] = {"guards": guards}
    if guards.identifiers:
        asked = work.request
        more["asked_by"] = Asker(
            agent=work.spec.name,
            tenant=asked.tenant,
            by=asked.by,
            task=asked.task,
            data=asked.data,
        )
    return request.model_copy(update=more)


class Leaving:
    """What was found to leave with the calls of a turn.

    Attributes:
        arguments: Of calls that go without what was taken out, by call id.
    """

    def __init__(self, watches: Watches) -> None:
        self._watches = watches
        self._asks: dict[str, list[Objection]] = {}
        self.arguments: dict[str, str] = {}

    def take(self, calls: Sequence[ToolCall], verdicts: Verdicts) -> dict[str, str]:
        """Return why calls do not run; keep what a person is to be asked of the others."""
        refused = dict(verdicts.refused)
        for call in calls:
            self._asks.pop(call.id, None)
            self.arguments.pop(call.id, None)
            what = f"{call.name} {call.arguments}"
            found = objections(self._watches, verdicts.guarded.get(call.id, ()), what)
            refusal = next((each for each in found if each.refuse), None)
            if refusal is not None:
                said = self._watches.reject(refusal, call.name)
                refused[call.id] = said.removeprefix("refused: ")
                continue
            if found:
                self._asks[call.id] = found
            if call.id in verdicts.arguments:
                self.arguments[call.id] = verdicts.arguments[call.id]
        return refused

    def asks(self, call: ToolCall) -> list[Objection]:
        """Return why a person is asked about a call."""
        return self._asks.get(call.id, [])


def objections(watches: Watches, found: Iterable[Guarded], what: str) -> list[Objection]:
    """Return what speaks against a call or an answer; what was taken out of it is noted."""
    against: list[Objection] = []
    for each in found:
        if each.removed:
            name = what.partition(" ")[0]  # the rest has what was taken out
            watches.reject(Objection(by=each.by, refuse=f"taken out: {each.removed}"), name)
        else:
            against.append(Objection(by=each.by, refuse=each.refuse, ask=each.ask, hint=each.hint))
    return against


def spilled(watches: Watches, verdict: AnswerVerdict) -> list[Objection]:
    """Return what speaks against an answer for what it gives away."""
    return objections(watches, verdict.guarded, "answer")


# --- results


def guarded_results(
    work: Work, request: CheckResultsRequest, ready: Iterable[Asked]
) -> CheckResultsRequest:
    """Return `request` with what the search for injected orders needs."""
    guards = work.spec.guards
    if guards is None:
        return request
    read = [message.text for message in work.state.messages[-2 * _ENDS :] if message.role == "tool"]
    more = {
        "injection": guards.injection,
        "writes": tuple(tool.name for tool in work.spec.tools if tool.writes),
        "before": tuple(text[-_END:] for text in read[-_ENDS:]),
        "ours": tuple(item.call.id for item in ready if _vouched(work.spec, item.tool)),
    }
    return request.model_copy(update=more)


def _vouched(spec: AgentSpec, tool: ToolSpec) -> bool:
    """Whether a result is the operator's own data, also where the tool's fallback has run."""
    other = spec.tool(tool.fallback)
    return tool.source == "ours" and (other is None or other.source == "ours")


def note_suspects(
    work: Work, watches: Watches, ready: Iterable[Asked], verdicts: Verdicts
) -> dict[str, ActOutcome]:
    """Taint the run by results that address the model; return what is told in their place."""
    if work.spec.guards is None:
        return {}
    instead: dict[str, ActOutcome] = {}
    for item in ready:
        name, call_id = item.tool.name, item.call.id
        why = verdicts.withheld.get(call_id) or verdicts.flagged.get(call_id)
        if not why:
            continue
        work.state.taint([Taint(source=name, turn=len(work.state.turns), why=why)])
        if call_id in verdicts.withheld:
            reason = f"the result of {name} is not shown: {why}"
            withheld = Objection(by="injection", refuse=reason, hint=_WITHOUT_IT)
            instead[call_id] = ActOutcome(kind="error", text=watches.reject(withheld, name))
        else:
            workflow.logger.warning("%s: %s", name, why)
    return instead
