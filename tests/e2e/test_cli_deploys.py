"""`replay` and `deploys` as people run them before a deploy."""

import json
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio import workflow

from agents.drill.place import Place
from tests.e2e.cli import Cli
from workflows.folding import Folding

pytestmark = pytest.mark.slow


def _waits(cli: Cli, folder: Path) -> str:
    """Start a run that waits for a person, and return its id."""
    Place.made(folder)
    run_id = f"deploy-{uuid4().hex[:8]}"
    task = {"drill": str(folder), "steps": [[("drill_look", "a")], [("drill_wire", "b")]]}
    asked = cli("run", "drill", json.dumps(task), "--data", f"drill={folder}", "--id", run_id)
    assert asked.code == 3, asked.err
    return run_id


def test_the_gate_names_a_run_that_a_change_would_break(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This code fits it, exit code 0; a step that nothing guards does not, exit code 1."""
    run_id = _waits(cli, tmp_path / "place")
    question = ("replay", "--from-server", "--query", f"WorkflowId = '{run_id}'")
    exported = tmp_path / "history.json"
    exported.write_text(json.dumps(cli.history(run_id)))
    before = Folding.fold_if_due

    async def fold_if_due(self: Folding) -> None:
        await workflow.sleep(0.01)
        await before(self)

    fits = cli(*question, "--json")
    monkeypatch.setattr(Folding, "fold_if_due", fold_if_due)
    breaks = cli(*question)
    told = cli(*question, "--json")
    filed = cli("replay", str(exported), "--json")

    assert (fits.code, fits.json["go_on"], fits.json["runs"]) == (0, 1, [])
    assert breaks.code == 1
    assert "1 run would hang: AgentWorkflow (drill; PENDING_APPROVAL)" in breaks.out
    assert f"{run_id} (event " in breaks.out
    assert "workflow.patched" in breaks.err
    (named,) = told.json["runs"]
    assert (told.code, named["run_id"], named["fate"]) == (1, run_id, "waits")
    assert named["why"] == ["where the run has activity llm.think, this code begins to wait"]
    assert (filed.code, filed.json["runs"][0]["source"]) == (1, str(exported))
    assert cli("reject", run_id).code == 0


def test_what_replay_and_deploys_cannot_use_is_said(cli: Cli, tmp_path: Path) -> None:
    """Nothing to replay, both at once, a file of something else, workers without versions."""
    other = tmp_path / "other.json"
    other.write_text("{}")

    nothing = cli("replay")
    both = cli("replay", "--from-server", str(other))
    no_history = cli("replay", str(other))
    unnamed = cli("deploys", "list")
    unknown = cli("deploys", "list", "--deployment", f"none-{uuid4().hex[:6]}")

    assert [ran.code for ran in (nothing, both, no_history, unnamed)] == [2, 2, 2, 2]
    assert "give --from-server, or the files" in nothing.line
    assert "HOLDFAST_DEPLOYMENT" in unnamed.line
    assert (unknown.code, "no worker has served with" in unknown.line) == (1, True)
