"""An agent as it is evaluated: the same, but what it does to the world is not done.

Reads run as they are, over the case's own folder. A tool for which a case has a stub answers as the
stub says. A write for which it has none runs only where its agent's author has said that all it
writes lies in the folders that the run's data names (`evals/sandboxed.txt`, a tool a line), and the
data names nothing but the case's own; else it is told done and is not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Final, Literal

from agents.prompts import AGENTS, Prompt
from agents.toolkit import Agent, Tool, ToolContext, ToolError, ToolUnavailableError
from commands.evals.cases import Stub
from commands.evals.matching import fits

CASE: Final = "evaluation_case"
"""The name in a run's data under which a case is known to its tools."""
NOT_DONE: Final = '{"status": "done", "note": "an evaluation: nothing was changed"}'


@dataclass(frozen=True)
class Made:
    """A call that reached a tool.

    Attributes:
        by: What answered: the case's `stub`, the tool itself (`run`), or `nobody`: a write that
            was told done.
    """

    run_id: str
    tool: str
    arguments: Mapping[str, Any]
    text: str = ""
    write: bool = False
    by: Literal["stub", "run", "nobody"] = "run"


@dataclass
class Meeting:
    """What a case's tools answer, and what was asked of them.

    Attributes:
        sandboxed: All that its data names lies in the case's own folder.
    """

    stubs: Mapping[str, list[Stub]] = field(default_factory=dict[str, list[Stub]])
    sandboxed: bool = False
    made: list[Made] = field(default_factory=list[Made])
    _used: dict[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])

    def stub_for(self, tool: str, arguments: Mapping[str, Any]) -> Stub | None:
        """Return the first stub that fits and is not used up, and use it."""
        for number, stub in enumerate(self.stubs.get(tool, ())):
            used = self._used.get((tool, number), 0)
            asked = {name: arguments.get(name) for name in stub.when}
            if fits(asked, stub.when) and (not stub.times or used < stub.times):
                self._used[tool, number] = used + 1
                return stub
        return None


@dataclass(frozen=True)
class Meetings:
    """Every case under way, by the key that its run's data has."""

    by_case: dict[str, Meeting] = field(default_factory=dict[str, Meeting])

    def of(self, context: ToolContext) -> Meeting:
        """Return a call's; one that nobody knows has no stubs."""
        return self.by_case.setdefault(context.data.get(CASE, ""), Meeting())


@dataclass(frozen=True)
class Watched(Tool):
    """A tool whose calls are noted, stubbed or kept from happening."""

    meetings: Meetings = field(default_factory=Meetings)
    sandboxed: bool = False

    async def __call__(self, context: ToolContext, arguments: dict[str, Any]) -> str:
        """Answer as the case says, else run.

        Raises:
            ToolError: The stub refuses, or the tool itself.
            ToolUnavailableError: The stub is away.
        """
        meeting = self.meetings.of(context)
        stub = meeting.stub_for(self.spec.name, arguments)
        runs = not self.spec.writes or (self.sandboxed and meeting.sandboxed)
        by: Literal["stub", "run", "nobody"] = "stub" if stub else "run" if runs else "nobody"
        note = len(meeting.made)
        meeting.made.append(Made(context.run_id, self.spec.name, dict(arguments), by=by))
        if stub is not None:
            text = _told(stub)
        else:
            text = await super().__call__(context, arguments) if runs else NOT_DONE
        # Only now: what has failed, or was refused, changed nothing.
        meeting.made[note] = replace(meeting.made[note], text=text, write=self.spec.writes)
        return text


def _told(stub: Stub) -> str:
    if stub.away:
        raise ToolUnavailableError(stub.away)
    if stub.error:
        raise ToolError(stub.error)
    given = stub.result
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


@dataclass(frozen=True)
class Changes:
    """What is evaluated in the place of what an agent states.

    Attributes:
        agent: Whose; others stay as they are.
        model: `provider:model`; empty for the agent's own.
        prompt: Text of a system prompt; empty for the agent's own.
        judge: The judge's model, as `model`.
    """

    agent: str
    model: str = ""
    prompt: str = ""
    judge: str = ""


def evaluation_of(
    served: Mapping[str, Agent], changes: Changes, meetings: Meetings
) -> dict[str, Agent]:
    """Return the agents as they are evaluated.

    A queue of a tool's or a model's own is left out: its workers are others', and the rate too.
    A reply is never kept, so that a repeated case is thought about again.
    """
    made: dict[int, Tool] = {}

    def watched(tool: Tool) -> Tool:
        if tool.spec.agent:
            return tool
        if id(tool) not in made:
            own = {each.name: getattr(tool, each.name) for each in fields(Tool)}
            own["spec"] = tool.spec.model_copy(update={"queue": "", "rate_per_second": 0})
            own["breaker"] = None  # cases must not learn from each other what is away
            sandboxed = tool.spec.name in sandboxed_tools()
            made[id(tool)] = Watched(**own, meetings=meetings, sandboxed=sandboxed)
        return made[id(tool)]

    found: dict[str, Agent] = {}
    for name, agent in served.items():
        found[name] = replace(
            agent,
            tools=[watched(tool) for tool in agent.tools],
            workflow_tools=[watched(tool) for tool in agent.workflow_tools],
            shared_route=False,
            cache=None,
            **_changed(name, changes),
        )
    return found


def _changed(name: str, changes: Changes) -> dict[str, Any]:
    model = changes.judge if name == "judge" and changes.judge else ""
    if name == changes.agent:
        model = changes.model or model
    more: dict[str, Any] = {"route": [model], "routing": None} if model else {}
    if name == changes.agent and changes.prompt:
        more["prompt"] = Prompt(changes.prompt.strip(), "candidate")
    return more


@cache
def sandboxed_tools() -> frozenset[str]:
    """Return the writes of which an author has said that they stay in a case's folder."""
    files = AGENTS.glob("*/evals/sandboxed.txt")
    lines = [line.strip() for file in files for line in file.read_text("utf-8").splitlines()]
    return frozenset(line for line in lines if line and not line.startswith("#"))
