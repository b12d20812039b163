"""A run of before, as an evaluation meets it again: what it asked of tools, and what they said."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from commands import history, reading, transcript
from commands.errors import CommandError
from commands.evals.cases import Expected, Said, Stub, Wanted
from commands.reading import AGENT_WORKFLOW
from commands.session import Session
from commands.transcript import Step, Transcript
from domain.approval import Decision
from domain.contract import canonical, strict_json
from domain.run import AgentRequest, AgentResult
from domain.state import Effected
from domain.taint import unmarked

_MOST_FIELDS = 60
_MOST_WORDS = 3
# A call that did not reach its tool: the gate, or a check, had said so.
_NOT_RUN = ("not approved", "refused", "withheld", "not run")
_ERROR = "error: "
_BY_PEOPLE = frozenset({"approve", "reject", "modify"})


@dataclass(frozen=True)
class Recorded:
    """A closed run.

    Attributes:
        stubs: What tools said, by tool, each for the arguments that it was asked with; of runs
            below it as well.
        below: How many runs it had below it.
    """

    run_id: str
    request: AgentRequest
    result: AgentResult
    story: Transcript
    stubs: dict[str, list[Stub]] = field(default_factory=dict[str, list[Stub]])
    below: int = 0


@dataclass(frozen=True)
class Lesson:
    """What a run teaches: what should come of it, what people say, and what is to be known."""

    expected: Expected
    answers: list[Said]
    notes: list[str]


async def recorded(opened: Session, run_id: str) -> Recorded:
    """Return a closed run of an agent.

    Raises:
        CommandError: It is none, has not closed, or left no result.
    """
    found = await reading.described(opened, run_id)
    if found.workflow_type != AGENT_WORKFLOW:
        raise CommandError(
            f"run {run_id!r} is a {found.workflow_type}; only an agent's run can be a case: "
            "`python starter.py list --all` shows those below it"
        )
    if not reading.is_closed(found):
        raise CommandError(f"run {run_id!r} is under way; what it comes to is not known yet")
    closed = await reading.result(opened, run_id)
    if closed.result is None:
        raise CommandError(f"run {run_id!r} failed, so it says nothing: {closed.failure}")
    converter = opened.client.data_converter
    story = await transcript.read(converter, await history.legs(opened, run_id))
    query = f"{reading.within(run_id)} AND WorkflowType = '{AGENT_WORKFLOW}'"
    ids = [each.id async for each in opened.client.list_workflows(query) if each.id != run_id]
    stories = [
        story,
        *[await transcript.read(converter, await history.legs(opened, each)) for each in ids],
    ]
    result = AgentResult.model_validate(closed.result)
    stubs = stubs_of(turn for each in stories for turn in each.turns)
    stubs = as_they_ran(stubs, result.writes)
    return Recorded(run_id, story.request, result, story, stubs, len(ids))


def stubs_of(turns: Iterable[Step]) -> dict[str, list[Stub]]:
    """Return what every tool said, in order; the last word on the same question stays."""
    found: dict[str, list[Stub]] = {}
    last: dict[tuple[str, bytes], int] = {}
    for step in turns:
        for call in step.reply.message.calls:
            text = step.results.get(call.id)
            if text is None or (stub := _stub(call.arguments, text)) is None:
                continue
            mine = found.setdefault(call.name, [])
            key = (call.name, canonical(stub.when))
            if key in last:
                earlier = mine[last[key]]
                mine[last[key]] = earlier.model_copy(update={"times": 1})
            last[key] = len(mine)
            mine.append(stub)
    return found


def as_they_ran(stubs: dict[str, list[Stub]], writes: Iterable[Effected]) -> dict[str, list[Stub]]:
    """Return the stubs with the arguments that writes ran with: a person may have changed them."""
    ran = {(write.tool, write.text): write.arguments for write in _effects(writes)}
    return {
        tool: [
            stub.model_copy(update={"when": ran.get((tool, str(stub.result)), stub.when)})
            for stub in each
        ]
        for tool, each in stubs.items()
    }


def _stub(arguments: str, text: str) -> Stub | None:
    try:
        asked: Any = strict_json(arguments or "{}")
    except ValueError:
        return None  # what never was a call
    said = unmarked(text)
    if said.startswith(_NOT_RUN):
        return None
    if said.startswith(_ERROR):
        return Stub(when=asked, error=said.removeprefix(_ERROR))
    return Stub(when=asked, result=said)


def lesson(run: Recorded, corrected: dict[str, Any] | None = None) -> Lesson:
    """Return what should have come of a run, by what people changed in it.

    A call that a person changed should have been proposed as they changed it; one that they refused
    should not have been; an answer should be what it is after them.

    Args:
        run: The run.
        corrected: Fields of the answer as a later review has them.
    """
    notes: list[str] = []
    decisions = [each for each in run.result.decisions if each.verdict in _BY_PEOPLE]
    answers = [said for each in decisions if (said := _said(each)) is not None]
    all_fields = {**_fields(run.result.answer), **(corrected or {})}
    fields = {path: value for path, value in all_fields.items() if not _is_prose(value)}
    granted = {each.tool for each in decisions if each.granted}
    refused = {each.tool for each in decisions if each.kind == "call" and not each.granted}
    changed = [each for each in decisions if each.kind == "call" and each.verdict == "modify"]
    if not (changed or refused or corrected or any(e.verdict == "modify" for e in decisions)):
        notes.append("nobody corrected this run: the case holds the agent to what it did")
    if prose := sorted(all_fields.keys() - fields.keys()):
        notes.append(f"prose is held against nothing, --rubric would be: {', '.join(prose[:10])}")
    if not fields:
        notes.append("its answer is text, which no rule is held against: --expect or --rubric")
    if run.below:
        notes.append(f"{run.below} runs below it: the agents that it asks are run again too")
    expected = Expected(
        outcome=run.result.outcome.value,
        fields=dict(list(fields.items())[:_MOST_FIELDS]),
        tools=[Wanted(tool=each.tool, arguments=each.arguments or {}) for each in changed],
        never_calls=sorted(refused - granted),
        asks=[each.tool or each.kind for each in decisions if each.granted],
        effects=[Wanted(tool=e.tool, arguments=e.arguments) for e in _effects(run.result.writes)],
    )
    return Lesson(expected, answers, notes)


def _is_prose(value: Any) -> bool:
    """Whether a value could be put in other words as well."""
    return isinstance(value, str) and len(value.split()) > _MOST_WORDS


def _said(decision: Decision) -> Said | None:
    if decision.verdict not in _BY_PEOPLE:
        return None
    # Where it proposes what a person made of it before, nobody need change it again.
    verdict = "reject" if decision.verdict == "reject" else "approve"
    return Said(verdict=verdict, tool=decision.tool, kind=decision.kind, reason=decision.reason)


def _effects(writes: Iterable[Effected]) -> list[Effected]:
    found: list[Effected] = []
    for write in writes:
        found += _effects(write.inner) if write.inner else [write]
    return found


def _fields(answer: Any, path: str = "") -> dict[str, Any]:
    """Return an answer's simple fields by their paths; nothing of an answer that is text."""
    items: Iterable[tuple[Any, Any]]
    if isinstance(answer, dict):
        items = cast("dict[str, Any]", answer).items()
    elif isinstance(answer, list):
        items = enumerate(cast("list[Any]", answer))
    else:
        return {path: answer} if path else {}
    found: dict[str, Any] = {}
    for name, value in items:
        found |= _fields(value, f"{path}.{name}" if path else str(name))
    return found
