"""What an agent's author declares of self-checks, and what a run keeps of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

from agents.selfchecks.shipped import Purpose, shipped
from agents.tooling import Tool
from domain.selfcheck import PhaseSpec, SidePrompt

if TYPE_CHECKING:
    from agents.agent import Agent, Check

_SUMMARY: Final = "summary"
"""Of older turns; what is shipped for it is `domain/summary.py`'s."""
_OF_VERIFICATION: Final[tuple[Purpose, ...]] = ("claims", "verify", "lookup")


@dataclass(frozen=True)
class Phase:
    """A part of an agent's work: its tools may run once the phases before it have passed.

    Attributes:
        tools: Those that belong to it; a tool of no phase belongs to every one.
        checks: Rules over what was done so far, like an answer's, whose `answer` is None. They
            run when a tool of a later phase is called, and when the answer is given.
    """

    name: str
    tools: Sequence[Tool] = ()
    checks: Sequence["Check"] = ()


def kept(agent: "Agent") -> dict[str, Any]:
    """Return the fields of the agent's spec that are about self-checks, those that are on.

    Raises:
        ValueError: A declaration names what the agent does not have, or would check nothing.
    """
    found: dict[str, Any] = {
        "critic": agent.critic,
        "verification": agent.verification,
        "escalation": agent.escalation,
        "phases": tuple(_phase(each) for each in agent.phases),
        "side_prompts": _prompts(agent),
    }
    if wrong := _wrong(agent):
        raise ValueError(f"agent {agent.name!r}: {wrong}")
    return {name: value for name, value in found.items() if value}


def _phase(phase: Phase) -> PhaseSpec:
    return PhaseSpec(
        name=phase.name,
        tools=tuple(tool.spec.name for tool in phase.tools),
        checks=tuple(check.__name__ for check in phase.checks),
    )


def _prompts(agent: "Agent") -> dict[str, SidePrompt]:
    wanted: list[Purpose] = ["critic"] if agent.critic else []
    if agent.verification:
        wanted += _OF_VERIFICATION
    found = {purpose: _prompt(agent.side_prompts, purpose) for purpose in wanted}
    if own := agent.side_prompts.get(_SUMMARY):
        return {**found, _SUMMARY: SidePrompt(text=own.text, version=own.version)}
    return {**found}


def _prompt(own: Mapping[str, Any], purpose: Purpose) -> SidePrompt:
    if purpose not in own:
        return shipped(purpose)
    return SidePrompt(text=own[purpose].text, version=own[purpose].version)


def _wrong(agent: "Agent") -> str:
    """Return what is wrong with an agent's declarations; nothing where they hold."""
    there = {*get_args(Purpose), _SUMMARY}
    if unknown := sorted(agent.side_prompts.keys() - there):
        return f"side_prompts {unknown}: there are {sorted(there)}"
    offered = {tool.spec.name: tool.spec for tool in agent.tools}
    for phase in agent.phases:
        if strange := [t.spec.name for t in phase.tools if t.spec.name not in offered]:
            return f"phase {phase.name!r} has the tools {strange}, which the agent has not"
    owned = [tool.spec.name for phase in agent.phases for tool in phase.tools]
    if twice := sorted({name for name in owned if owned.count(name) > 1}):
        return f"the tools {twice} are in two phases; a tool belongs to one, or to all"
    for name in agent.verification.sources if agent.verification else ():
        if name not in offered or offered[name].writes or offered[name].agent:
            return f"verification asks {name!r}, which is no read tool of the agent"
    return ""
