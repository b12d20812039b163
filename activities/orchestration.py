"""What an orchestrated run needs besides its workers: its goal read, its files made ready."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from temporalio import activity

from activities.heartbeat import beating
from agents.auditor.columns import LedgerError
from agents.auditor.ledger import prepare
from agents.plain_yaml import PlainYamlError, mapping
from agents.toolkit import Agent
from agents.workers import workers
from domain.audit import LedgerSource
from domain.goals import MAX_GOAL_BYTES, Goal
from domain.orchestration import PreparedFiles, ReadGoal
from domain.taskgraph import problems
from domain.workers import WorkerCard

LEDGER = "ledger"
_MOST_TOLD = 8


class OrchestrationActivities:
    """Reading a goal and its files. Idempotent: both write nothing but snapshots by content.

    Args:
        agents: All agents; the workers among them are the orchestrator's.
        cache: Folder of the ledgers' snapshots; all workers of a queue must share it.
    """

    def __init__(self, agents: Mapping[str, Agent], cache: Path) -> None:
        self._agents = agents
        self._cache = cache

    @activity.defn(name="goal.read")
    async def read(self, raw: Any, known: list[str]) -> ReadGoal:
        """Return a goal with the workers there are, or why it cannot be worked on."""
        cards = {name: worker.card for name, worker in workers(self._agents).items()}
        return await asyncio.to_thread(read_goal, raw, cards, tuple(known))

    @activity.defn(name="goal.prepare")
    async def prepare(self, files: dict[str, str]) -> PreparedFiles:
        """Make the goal's files ready for tools: a ledger becomes a snapshot."""
        ready: dict[str, str] = {}
        async with beating():
            for name, path in files.items():
                try:
                    ready[name] = await asyncio.to_thread(self._ready, name, path)
                except (LedgerError, OSError) as error:
                    return PreparedFiles(refusal=f"input {name!r}: {error}")
        return PreparedFiles(files=ready)

    def _ready(self, name: str, path: str) -> str:
        if name == LEDGER:
            return prepare(LedgerSource(ledger=path), self._cache).path
        found = Path(path).expanduser().absolute()
        if not found.exists():
            raise LedgerError(f"{path!r}: no such file; check the path (it is the worker's)")
        return str(found)


def read_goal(raw: Any, cards: Mapping[str, WorkerCard], known: tuple[str, ...] = ()) -> ReadGoal:
    """Return what a goal says, or every reason why it cannot be worked on.

    Args:
        raw: A mapping, or the text of a GOAL.yaml.
        cards: The workers there are, by name.
        known: Outputs of an earlier run that its tasks can be given.
    """
    try:
        goal = Goal.model_validate(mapping(raw) if isinstance(raw, str) else raw)
    except PlainYamlError as error:
        return ReadGoal(refusal=f"the goal is no plain YAML: {error}")
    except ValidationError as error:
        return ReadGoal(refusal=_told(raw, error))
    if goal.size > MAX_GOAL_BYTES:
        return ReadGoal(
            refusal=f"the goal has {goal.size:,} bytes; {MAX_GOAL_BYTES:,} are allowed: "
            "hand long inputs in as files"
        )
    if not cards:
        return ReadGoal(refusal="no agent here is a worker; docs/workers.md says how one is made")
    if wrong := problems(goal, cards, known):
        return ReadGoal(refusal="; ".join(wrong))
    return ReadGoal(goal=goal, cards=dict(cards))


def _told(raw: Any, error: ValidationError) -> str:
    if not isinstance(raw, dict | str):
        kind = "nothing" if raw is None else f"a {type(raw).__name__}"
        return (
            f"the goal is {kind}; expected a mapping, or the text of a GOAL.yaml, for example "
            '{"goal": "what is to be achieved", "inputs": {...}}'
        )
    told = [
        f"{'.'.join(map(str, each['loc'])) or 'goal'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)[:_MOST_TOLD]
    ]
    return f"the goal does not fit: {'; '.join(told)}"
