"""An agent as data: what a run resolves once, at its start, and keeps to its end."""

from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from domain.budget import Limits
from domain.cascade import CascadePolicy
from domain.contract import Contract, canonical, digest
from domain.fairness import Turns
from domain.guard import GuardPolicy
from domain.loops import LoopPolicy
from domain.memory import MemoryPolicy
from domain.near import NearLimit
from domain.routing import RoutingPolicy
from domain.rules import Rule
from domain.selfcheck import (
    CriticPolicy,
    EscalationPolicy,
    PhaseSpec,
    SidePrompt,
    VerificationPolicy,
)
from domain.tools import Effect, ToolSpec
from domain.window import WindowPolicy

DAY = timedelta(days=1)


class ApprovalPolicy(Contract):
    """When a person is asked, how long is waited, and what silence means.

    Attributes:
        effects: Effects whose calls are always put before a person.
        below_confidence: An answer that claims less goes to a person; 0 for never.
        sample_rate: Share of answers, 0 to 1, that a person reads whatever they claim.
        timeout: How long one question waits.
        silence: What the end of that time means: the answer is no; the question is asked
            once more, of `escalate_to`, and then the answer is no; the run fails.
        escalate_to: Who the second question names.
        four_eyes: Only a named person other than the run's requester answers, at every door. Names
            are claims but where a token carries them, so this guards against slips, not malice.
    """

    effects: tuple[Effect, ...] = (Effect.IRREVERSIBLE,)
    below_confidence: float = Field(default=0, ge=0, le=1)
    sample_rate: float = Field(default=0, ge=0, le=1)
    timeout: timedelta = 3 * DAY
    silence: Literal["reject", "escalate", "fail"] = "reject"
    escalate_to: str = "the operator on duty"
    four_eyes: bool = False


class AgentSpec(Contract):
    """What an agent is: its prompt, tools, limits and policies.

    Attributes:
        system: The system prompt.
        prompt_version: Version of the prompt file that `system` was read from.
        workflow_tools: Tools that the agent's own workflow runs; the model is not offered them.
        answer_schema: JSON Schema of the final answer; None for plain text.
        checks: Names of the agent's rules over an answer.
        route: Models tried in order, each `provider:model`.
        shared_route: The route is limited, or shared by tenants: its calls go through the task
            queue `llm.<provider>`, whose rate its workers set (`worker.py --queues llm.openai=5`).
        turns: How calls on shared queues take turns with other tenants'; None: as they come.
        max_output_tokens: Of one model call.
        temperature: None leaves the provider's default.
        plan: Whether the run begins with a plan, and whether a person approves it.
        revisions: Times a refused answer goes back to the model before a person is asked.
        compensate_on_cap: A run that ends on a limit undoes its writes.
        inputs: Names of the run's data that the tools need, for example `ledger`.
        logprobs: Ask the provider, where it can, how probable each part of an answer is.
        cascade: When the run stands still because too many of its attempts failed; None: never.
        standing: Standing approvals are looked for. Set when a run resolves its agent: one that
            began before there were any asks as it did.
        guards: Its guardrails; None guards nothing.
        critic: Who looks at what is proposed before it becomes real; None for nobody.
        verification: How the answer's claims are looked up; None where they are not.
        escalation: The larger models that give the last answers before a person; None for none.
        phases: The parts of its work, each ended by checks.
        side_prompts: System prompts of its calls beside the conversation, by their purpose.
        window: How much of the conversation a call is shown; None: all of it.
        working: JSON Schema of the working memory's fields; None: it has none.
        routing: Which model each call goes to; None: `route`, whatever it is for.
        private: What the agent is told and says goes to the local endpoint only.
        memory: What it remembers from run to run; None: nothing.
        cache_s: Seconds for which a model's reply to the same request is used again; 0 for never.
        rules: What must have happened, and how much may, before a call; over the run's history.
        loops: What is done about a run in circles; None: as before there was a policy.
        near_limit: What follows when 80 % of a budget are used, once: `person`: one may grant
            more; `simplify`: the model has to answer with what it has; `decline`: the run ends.
    """

    name: str
    description: str = ""
    system: str
    prompt_version: str = ""
    tools: tuple[ToolSpec, ...] = ()
    workflow_tools: tuple[ToolSpec, ...] = ()
    answer_schema: dict[str, Any] | None = None
    checks: tuple[str, ...] = ()
    route: tuple[str, ...] = ("openai:gpt-5-mini",)
    shared_route: bool = False
    turns: Turns | None = None
    max_output_tokens: int = 2_000
    temperature: float | None = None
    plan: Literal["none", "checked", "approved"] = "none"
    revisions: int = 2
    limits: Limits = Limits()
    approvals: ApprovalPolicy = ApprovalPolicy()
    compensate_on_cap: bool = False
    inputs: tuple[str, ...] = ()
    logprobs: bool = False
    standing: bool = False
    cascade: CascadePolicy | None = None
    guards: GuardPolicy | None = None
    critic: CriticPolicy | None = None
    verification: VerificationPolicy | None = None
    escalation: EscalationPolicy | None = None
    phases: tuple[PhaseSpec, ...] = ()
    side_prompts: dict[str, SidePrompt] = Field(default_factory=dict[str, SidePrompt])
    window: WindowPolicy | None = None
    working: dict[str, Any] | None = None
    routing: RoutingPolicy | None = None
    private: bool = False
    cache_s: float = Field(default=0, ge=0)
    memory: MemoryPolicy | None = None
    loops: LoopPolicy | None = None
    rules: tuple[Rule, ...] = ()
    near_limit: NearLimit = "none"

    @cached_property
    def hash(self) -> str:
        """Identifies this spec to a worker that may hold it already."""
        return digest(canonical(self.model_dump(mode="json")), length=16)

    @cached_property
    def tool_names(self) -> frozenset[str]:
        """Names of all tools."""
        return frozenset(tool.name for tool in self.tools)

    def tool(self, name: str) -> ToolSpec | None:
        """Return the tool called `name`, if the agent has it."""
        return next((tool for tool in self.tools if tool.name == name), None)
