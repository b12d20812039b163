"""An agent as its author writes it: a prompt file, tools, rules over its answers, policies."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import BaseModel

from agents.prompts import Prompt
from agents.selfchecks.declared import Phase, kept
from agents.tooling import Tool
from domain.acting import CallMade
from domain.budget import Limits
from domain.cascade import CascadePolicy
from domain.fairness import USUAL, Turns
from domain.guard import GuardPolicy
from domain.loops import LoopPolicy
from domain.memory import MemoryPolicy
from domain.near import NearLimit
from domain.routing import RoutingPolicy
from domain.rules import Rule
from domain.selfcheck import CriticPolicy, EscalationPolicy, VerificationPolicy
from domain.spec import AgentSpec, ApprovalPolicy
from domain.taint import NOTICE
from domain.tools import ToolSpec
from domain.window import WIDE, WindowPolicy
from domain.working import NOTE, note_tool

_CASCADE: Final = CascadePolicy()
_ROUTING: Final = RoutingPolicy()
Check = Callable[["AnswerToCheck"], Sequence[str]]
IdentifierCheck = Callable[["Touched"], Sequence[str] | Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class AnswerToCheck:
    """What a check looks at.

    Attributes:
        answer: Typed by the agent's answer model, or its text.
        task: What the run was asked to do.
        made: The calls that ran, in order.
    """

    answer: Any
    task: str
    made: tuple[CallMade, ...]


@dataclass(frozen=True)
class Touched:
    """What a requester, or a call in their name, would touch.

    Attributes:
        task: What the run is asked to do.
        data: The run's inputs.
        by: Who asked for it, as they claim.
        tool: The tool that is called; empty when the run begins.
        arguments: Of the call.
    """

    task: str
    data: Mapping[str, str]
    tenant: str
    by: str
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Agent:
    """An agent as its author writes it.

    Attributes:
        workflow_tools: Tools that the agent's own workflow runs; the model is not offered them.
        answer: Pydantic model of the final answer; None for plain text. A field named
            `confidence` (0 to 1) is what `ApprovalPolicy.below_confidence` looks at.
        checks: Rules over an answer; each returns sentences on what is wrong.
        route: Models tried in order, each `provider:model` or the name of a route (`small`,
            `large`, or what the operator has named).
        shared_route: The route's calls go through the task queue `llm.<provider>`, whose rate
            its workers set.
        priority: 1 to 5; on queues that it shares its calls are served before those of a higher
            number, and within one number tenants take turns.
        routing: Which calls go to which route, and when another model is asked; None: all go to
            `route`.
        private: What it is told and says goes to `local:` models only.
        cache: For so long a model's reply to exactly the same request is used again.
        cascade: When a run stands still because too many of its attempts failed; None: never.
        inputs: Names of the run's data that the tools need.
        memory: What it remembers from run to run, by tenant; None: nothing.
        guards: Its guardrails, which are on; None for an agent that has none.
        identifiers: Checks of what a requester may touch; each returns sentences on what not.
        critic: Looks at calls and answers before they become real; None for nobody.
        verification: Looks the answer's claims up anew; None where that is not done.
        escalation: A larger model for the last tries at a refused answer; None for none.
        phases: The parts of the work, in their order, each ended by checks.
        window: How much of the conversation a call is shown, the rest being summarised; None:
            all of it. Where nothing is said, up to 100,000 tokens.
        memory_fields: Pydantic model of its working memory, which the tool `note` changes; every
            field is optional. None: it has none.
        rules: What must have happened, and how much may, before a call: `agents/rules.py`.
        loops: What is done about a run that goes in circles: it is turned round, then a person
            decides. None: as in runs from before there was a policy.
        near_limit: What follows when 80 % of a budget are used: nothing, `person`, `simplify`
            or `decline`.
        pinned: With versioned workers (docs/deploys.md) its runs end with the build that they
            began with. For one that is done in minutes and asks nobody: while such a run is
            open, a worker of its build has to be.
        side_prompts: Prompts of its own for `critic`, `claims`, `verify`, `lookup` and
            `summary`.
    """

    name: str
    prompt: Prompt
    description: str = ""
    tools: Sequence[Tool] = ()
    workflow_tools: Sequence[Tool] = ()
    answer: type[BaseModel] | None = None
    checks: Sequence[Check] = ()
    route: Sequence[str] = ("openai:gpt-5-mini",)
    shared_route: bool = False
    priority: int = USUAL
    routing: RoutingPolicy | None = _ROUTING
    private: bool = False
    cache: timedelta | None = None
    max_output_tokens: int = 2_000
    temperature: float | None = None
    logprobs: bool = False
    plan: Literal["none", "checked", "approved"] = "none"
    revisions: int = 2
    limits: Limits = field(default_factory=Limits)
    approvals: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    guards: GuardPolicy | None = field(default_factory=GuardPolicy)
    identifiers: Sequence[IdentifierCheck] = ()
    critic: CriticPolicy | None = None
    verification: VerificationPolicy | None = None
    escalation: EscalationPolicy | None = None
    phases: Sequence[Phase] = ()
    window: WindowPolicy | None = WIDE
    memory_fields: type[BaseModel] | None = None
    side_prompts: Mapping[str, Prompt] = field(default_factory=dict[str, Prompt])
    compensate_on_cap: bool = False
    cascade: CascadePolicy | None = _CASCADE
    inputs: Sequence[str] = ()
    memory: MemoryPolicy | None = None
    rules: Sequence[Rule] = ()
    loops: LoopPolicy | None = field(default_factory=LoopPolicy)
    near_limit: NearLimit = "none"
    pinned: bool = False

    def _guards(self) -> GuardPolicy | None:
        if self.guards is None or not self.identifiers:
            return self.guards
        names = tuple(check.__name__ for check in self.identifiers)
        return self.guards.model_copy(update={"identifiers": names})

    def _system(self) -> str:
        """Return the prompt; who reads strangers' words is told how they are marked."""
        text = f"Agent: {self.name} (prompt {self.prompt.version})\n\n{self.prompt.text}"
        reads = any(tool.spec.source == "outside" or tool.spec.agent for tool in self.tools)
        return f"{text}\n\n{NOTICE}" if reads and self.guards is not None else text

    def __post_init__(self) -> None:
        """Refuse a cache of replies that are meant to differ.

        Raises:
            ValueError: Says which agent.
        """
        if self.cache and self.temperature:
            raise ValueError(
                f"agent {self.name!r}: cache with a temperature of {self.temperature}: a kept "
                "reply is always the same; leave the temperature out, or set it to 0"
            )

    def _turns(self) -> Turns | None:
        """Return how its calls take turns, where any of them goes through a shared queue."""
        shares = self.shared_route or any(each.spec.queue for each in self.tools)
        return Turns(priority=self.priority) if shares else None

    def spec(self) -> AgentSpec:
        """Return the agent as the data that a run keeps."""
        return AgentSpec(
            name=self.name,
            description=self.description,
            system=self._system(),
            prompt_version=self.prompt.version,
            tools=self._tools(),
            workflow_tools=tuple(tool.spec for tool in self.workflow_tools),
            answer_schema=self.answer.model_json_schema() if self.answer else None,
            checks=tuple(check.__name__ for check in self.checks),
            route=tuple(self.route),
            shared_route=self.shared_route,
            turns=self._turns(),
            routing=self.routing,
            private=self.private,
            cache_s=self.cache.total_seconds() if self.cache else 0,
            max_output_tokens=self.max_output_tokens,
            temperature=self.temperature,
            logprobs=self.logprobs,
            plan=self.plan,
            revisions=self.revisions,
            limits=self.limits,
            approvals=self.approvals,
            guards=self._guards(),
            compensate_on_cap=self.compensate_on_cap,
            cascade=self.cascade,
            inputs=tuple(self.inputs),
            rules=tuple(self.rules),
            loops=self.loops,
            near_limit=self.near_limit,
            memory=self.memory,
            window=self.window,
            working=self.memory_fields.model_json_schema() if self.memory_fields else None,
            **kept(self),
        )

    def _tools(self) -> tuple[ToolSpec, ...]:
        """Return what the model is offered: the declared tools, and that of its memory.

        Raises:
            TypeError: A declared tool has the name of that one.
        """
        specs = tuple(tool.spec for tool in self.tools)
        if self.memory_fields is None:
            return specs
        if any(spec.name == NOTE for spec in specs):
            raise TypeError(f"agent {self.name!r}: {NOTE!r} is the working memory's own tool")
        return (*specs, note_tool(self.memory_fields.model_json_schema()))
