"""How a run's end is printed: for a person, for a machine, and as an exit code."""

import json
from typing import Any

from commands import console, views
from commands.console import safe
from commands.errors import CommandError, Exit
from commands.following import Waits
from commands.reading import Closed
from domain.run import AgentResult, Outcome


def code(outcome: str) -> Exit:
    """Return the exit code for an outcome: only what was completed is a success."""
    return Exit.OK if outcome == Outcome.COMPLETED else Exit.FAILED


def failed(run_id: str, failure: str) -> CommandError:
    """Return the error for a run that closed without a result."""
    return CommandError(
        f"run {run_id!r} failed: {failure}; once its cause is mended: "
        f"python starter.py resume {run_id}"
    )


def agent_result(run_id: str, closed: Closed, *, as_json: bool) -> Exit:
    """Print what an agent's run came to.

    Raises:
        CommandError: It closed as failed.
    """
    if closed.result is None:
        raise failed(run_id, closed.failure)
    result = AgentResult.model_validate({"run_id": run_id, "agent": "", **closed.result})
    if as_json:
        console.emit(console.plain(result))
    else:
        _print(result)
    return code(result.outcome)


def waits_json(waits: Waits) -> dict[str, Any]:
    """Return what a run waits for, as JSON types."""
    said = waits.status
    return {
        "run_id": waits.run_id,
        "outcome": None,
        "state": waits.state,
        "question": said.question if said else None,
        "stop": console.plain(said.stop) if said and said.stop else None,
    }


def _print(result: AgentResult) -> None:
    shown = console.out()
    answer = result.answer
    if isinstance(answer, str):
        shown.print(safe(answer), soft_wrap=True)
    elif answer is not None:
        shown.print(safe(json.dumps(answer, indent=2, ensure_ascii=False)), soft_wrap=True)
    shown.print(
        views.facts(
            {
                "outcome": views.state(result.outcome),
                "why": safe(result.reason),
                "not done": safe("\n".join(result.not_done)),
                "decisions": "\n".join(views.decision(made) for made in result.decisions),
                "ignored": safe("\n".join(result.ignored)),
                "spend": f"{result.spend.steps} model calls, {result.tool_calls} tool calls, "
                f"{result.spend.tokens:,} tokens, {views.money(str(result.spend.cost_usd))}",
                "model": safe(result.model),
            }
        )
    )
