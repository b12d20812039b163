"""What an agent's folder is written with: `tool`, `Agent`, `prompt`."""

from agents.agent import (
    Agent,
    AnswerToCheck,
    Check,
    IdentifierCheck,
    Touched,
)
from agents.prompts import Prompt, prompt
from agents.selfchecks.declared import Phase
from agents.selfchecks.second import Proposal, SecondCheck
from agents.tooling import (
    NAME,
    Reconcile,
    Tool,
    ToolChangedError,
    ToolContext,
    ToolError,
    ToolUnavailableError,
    schema_of,
    tool,
)

__all__ = [
    "NAME",
    "Agent",
    "AnswerToCheck",
    "Check",
    "IdentifierCheck",
    "Phase",
    "Prompt",
    "Proposal",
    "Reconcile",
    "SecondCheck",
    "Tool",
    "ToolChangedError",
    "ToolContext",
    "ToolError",
    "ToolUnavailableError",
    "Touched",
    "prompt",
    "schema_of",
    "tool",
]
