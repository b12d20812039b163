"""The working memory's own tool: the workflow applies it, and no activity runs."""

from typing import Any

from temporalio import workflow

from workflows.effects import Ran

with workflow.unsafe.imports_passed_through():
    from domain.acting import ActOutcome
    from domain.spec import AgentSpec
    from domain.state import AgentState
    from domain.tools import ToolSpec
    from domain.working import NOTE, noted


def is_note(spec: AgentSpec, tool: ToolSpec) -> bool:
    """Whether a call of `tool` changes the working memory, and nothing else."""
    return spec.working is not None and tool.name == NOTE


def note(state: AgentState, arguments: dict[str, Any]) -> Ran:
    """Change the working memory; what does not fit is told to the model."""
    notes, said = noted(state.notes, arguments)
    state.notes = notes
    told = ActOutcome(kind="error" if said.startswith("error: ") else "ok", text=said)
    return Ran(told, by_value=True)
