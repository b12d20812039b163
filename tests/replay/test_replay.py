"""Runs of the past go on with the code of today: their histories replay."""

import json
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer

from tests.workflows.stage import replayer
from workflows import WORKFLOWS

HISTORIES = sorted(Path(__file__).parent.glob("*/*.json"))


@pytest.fixture
def replaying(client: Client) -> Replayer:
    """What replays histories."""
    return replayer(client)


def _history(path: Path, text: str = "") -> WorkflowHistory:
    text = text or path.read_text(encoding="utf-8")
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], text)  # children are named after it


@pytest.mark.requirement("C0:replay")
@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_a_recorded_run_replays(replaying: Replayer, path: Path) -> None:
    """The code decides the same again, event by event."""
    await replaying.replay_workflow(_history(path))


@pytest.mark.requirement("C0:replay")
@pytest.mark.parametrize("workflow", WORKFLOWS)
async def test_every_workflow_has_recorded_runs(workflow: type) -> None:
    """A workflow without a history would replay unseen."""
    noun = workflow.__name__.removesuffix("Workflow").lower()

    assert [path for path in HISTORIES if path.parent.name == noun]


@pytest.mark.requirement("C0:replay")
async def test_a_history_that_does_not_fit_fails(replaying: Replayer) -> None:
    """A tool's activity under another name is a decision that the code does not make."""
    path = next(path for path in HISTORIES if path.stem == "happy")
    broken = path.read_text(encoding="utf-8").replace('"name": "lookup"', '"name": "look_up"')
    assert json.loads(broken) != json.loads(path.read_text(encoding="utf-8"))

    with pytest.raises(Exception, match=r"(?i)nondeterminism"):
        await replaying.replay_workflow(_history(path, broken))
