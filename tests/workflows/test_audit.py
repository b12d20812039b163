"""An audit of a tiny ledger: what is found is confirmed, and what is filed was approved."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from temporalio.service import RPCError

from activities.audit import AuditActivities
from agents import offline as rules
from agents.auditor import offline
from agents.registry import agents
from domain.auditing import AuditResult
from domain.messages import ToolCall
from domain.run import Outcome
from runtime.dead_letters import DeadLetters
from runtime.serving import activities_of
from tests.auditor.books import book, steady
from tests.fakes import Asked, Say, Step, calls, refused
from tests.workflows.stage import PATIENCE_S, Handle, Stage, eventually

AUDITOR = agents()["auditor"]
Change = Callable[[dict[str, Any]], dict[str, Any]]


def ledger(folder: Path, *altered: str) -> Path:
    """Write a ledger of four accounts; in those named, the fifth booking's amount is altered."""
    lines: list[str] = []
    for account in ("A", "B", "C", "D"):
        for line in steady(account, 20):
            wrong = account in altered and line.startswith(f"{account}-5,")
            lines.append(line.replace("IN,100.00", "IN,170.00") if wrong else line)
    return book(folder, lines)


def auditor(change: Change | None = None) -> Callable[[Asked], Step]:
    """Return a model that audits by the offline rules; `change` alters its final answer."""

    def script(asked: Asked) -> Step:
        said = offline.reply(_conversation(asked))
        if said.calls:
            return calls(*((each.name, dict(_object(each.arguments))) for each in said.calls))
        if asked.purpose == "plan" or change is None:
            return Say(said.text)
        return Say(json.dumps(change(json.loads(said.text))))

    return script


def _object(arguments: Any) -> dict[str, Any]:
    return json.loads(arguments) if isinstance(arguments, str) else dict(arguments)


def _conversation(asked: Asked) -> rules.Conversation:
    results: list[rules.Result] = []
    named: dict[str, ToolCall] = {}
    for message in asked.messages:
        named |= {call.id: call for call in message.calls}
        if message.role == "tool":
            made = named[message.call_id]
            results.append(rules.Result(made.name, json.loads(made.arguments), message.text))
    spec = AUDITOR.spec()
    return rules.Conversation(
        system=spec.system,
        task=asked.messages[0].text,
        tools=[tool.name for tool in spec.tools],
        schemas={tool.name: tool.parameters for tool in spec.tools},
        results=results,
        messages=[rules.Said(message.role, message.text) for message in asked.messages],
        asks_plan=asked.purpose == "plan",
        wants=spec.answer_schema,
        turn=1 + sum(message.role == "assistant" for message in asked.messages),
    )


@pytest.fixture
def audits(stage: Stage, tmp_path: Path) -> Stage:
    """A stage that knows the audit's own steps too."""
    stage.more = activities_of(AuditActivities(tmp_path / "snapshots"))
    return stage


async def start(stage: Stage, path: Path | str, **request: Any) -> Handle:
    """Start an audit with plain JSON."""
    return await stage.client.start_workflow(
        "AuditWorkflow",
        {"ledger": str(path)} | request,
        id=f"audit-{stage.queue[-12:]}",
        task_queue=stage.queue,
    )


async def finished(stage: Stage, handle: Handle) -> AuditResult:
    """Wait for an audit's end and return its result; its history is sound."""
    await stage.closed(handle)
    typed = stage.client.get_workflow_handle(handle.id, result_type=AuditResult)
    return await asyncio.wait_for(typed.result(), PATIENCE_S)


async def filed(stage: Stage) -> list[str]:
    """Return the bodies of the reports that this test filed."""
    async with stage.database.transaction() as connection:
        rows = await connection.execute(
            text("SELECT body FROM filings WHERE run_id = :run"),
            {"run": f"audit-{stage.queue[-12:]}"},
        )
        return [str(row[0]) for row in rows]


@pytest.mark.requirement("C0:audit-finding")
@pytest.mark.requirement("C0:audit-filing")
async def test_a_confirmed_finding_is_reported_and_filed_once_approved(
    audits: Stage, tmp_path: Path
) -> None:
    """The altered booking is found, confirmed, and the report that was shown is filed once."""
    await audits.play(AUDITOR, auditor())
    handle = await start(audits, ledger(tmp_path, "B"), min_confidence=0)
    question = await audits.asked(handle)
    assert await filed(audits) == []

    await handle.signal("approve", {"by": "frank"})
    result = await finished(audits, handle)

    assert result.outcome is Outcome.COMPLETED
    assert [found.as_row()["trans_id"] for found in result.findings] == ["B-5"]
    assert (result.accounts_screened, result.candidates, result.unconfirmed) == (4, 1, ())
    assert await filed(audits) == [question["arguments"]["body"]]
    assert result.decisions[0].by == "frank"
    assert result.filed


@pytest.mark.requirement("C0:audit-filing")
async def test_a_report_that_is_rejected_is_not_filed(audits: Stage, tmp_path: Path) -> None:
    """The findings stay in the result, and it says that the report was not filed."""
    await audits.play(AUDITOR, auditor())
    handle = await start(audits, ledger(tmp_path, "B"), min_confidence=0)
    await audits.asked(handle)

    await handle.signal("reject", {"reason": "not yet"})
    result = await finished(audits, handle)

    assert (await filed(audits), result.filed) == ([], "")
    assert "not yet" in " ".join(result.not_done)
    assert len(result.findings) == 1


@pytest.mark.requirement("C0:audit-confidence")
async def test_a_break_that_the_model_denies_is_put_before_a_person(
    audits: Stage, tmp_path: Path
) -> None:
    """The ledger contradicts itself, whatever a model makes of it: nothing is cleared by a no."""

    def deny(answer: dict[str, Any]) -> dict[str, Any]:
        return answer | {"verdict": "no_finding", "finding": None, "reason": "all is well"}

    await audits.play(AUDITOR, auditor(deny))
    handle = await start(audits, ledger(tmp_path, "B"), dry_run=True, min_confidence=0)

    result = await finished(audits, handle)

    assert result.findings == ()
    assert [each.candidate.account_id for each in result.needs_review] == ["B"]
    assert "all is well" in result.needs_review[0].why_not


@pytest.mark.requirement("C0:audit-finding")
async def test_a_ledger_without_fault_has_no_finding(audits: Stage, tmp_path: Path) -> None:
    """No candidate, no model call, nothing found; a dry run then ends by itself."""
    await audits.play(AUDITOR, auditor())

    result = await finished(audits, await start(audits, ledger(tmp_path), dry_run=True))

    assert (result.outcome, result.findings, result.model_calls) == (Outcome.COMPLETED, (), 0)
    assert result.accounts_screened == 4


@pytest.mark.requirement("C0:audit-unconfirmed")
async def test_an_invented_finding_is_kept_apart(audits: Stage, tmp_path: Path) -> None:
    """A sound booking that the model accuses is not confirmed, and so not reported."""

    def invent(said: dict[str, Any]) -> dict[str, Any]:
        said["finding"] |= {"trans_id": "B-4", "expected": 30.0, "recorded": 100.0}
        return said | {"confidence": 0.99}

    await audits.play(AUDITOR, auditor(invent))

    result = await finished(audits, await start(audits, ledger(tmp_path, "B"), dry_run=True))

    assert (result.findings, result.needs_review) == ((), ())
    assert [kept.as_row()["trans_id"] for kept in result.unconfirmed] == ["B-4"]
    assert result.unconfirmed[0].why_not


@pytest.mark.requirement("C0:audit-confidence")
@pytest.mark.parametrize("verdict", ["approve", "reject"])
async def test_an_unsure_finding_passes_a_person(
    audits: Stage, tmp_path: Path, verdict: str
) -> None:
    """Their yes makes it a finding, their no keeps it apart; then comes the filing."""
    await audits.play(AUDITOR, auditor(lambda said: said | {"confidence": 0.7}))
    handle = await start(audits, ledger(tmp_path, "B"), min_confidence=0.9)
    question = await audits.asked(handle)

    await handle.signal("modify", {"arguments": {"trans_id": "B-6"}})
    await audits.until(handle, lambda status: status.ignored)
    await handle.signal(verdict, {"approval_id": question["id"]})
    await audits.until(handle, lambda s: s.question and s.question["id"] != question["id"])
    await handle.signal("reject")
    result = await finished(audits, handle)

    assert question["kind"] == "finding"
    assert len(result.findings) == int(verdict == "approve")
    assert len(result.unconfirmed) == int(verdict == "reject")


@pytest.mark.requirement("C0:audit-dry-run")
async def test_a_dry_run_lists_what_would_have_needed_a_person(
    audits: Stage, tmp_path: Path
) -> None:
    """Nothing is filed, nobody is asked, and the unsure finding is listed."""
    await audits.play(AUDITOR, auditor(lambda said: said | {"confidence": 0.7}))

    handle = await start(audits, ledger(tmp_path, "B"), min_confidence=0.9, dry_run=True)
    result = await finished(audits, handle)

    assert (result.decisions, result.filed, await filed(audits)) == ((), "", [])
    assert [row.as_row()["trans_id"] for row in result.needs_review] == ["B-5"]
    assert result.findings == ()


@pytest.mark.requirement("C0:audit-isolated")
async def test_a_budget_for_one_candidate_looks_at_one(audits: Stage, tmp_path: Path) -> None:
    """Who gets no share is listed with the reason; what was spent stays within the budget."""
    await audits.play(AUDITOR, auditor())
    budget = {"tokens": 60_000, "limits": {"tokens": 60_000}}

    handle = await start(
        audits, ledger(tmp_path, "A", "C"), min_confidence=0, dry_run=True, **budget
    )
    result = await finished(audits, handle)

    assert result.tokens <= 60_000
    assert len(result.findings) == 1
    assert "no room for its share" in result.needs_review[0].why_not


@pytest.mark.requirement("C0:audit-isolated")
async def test_one_candidates_trouble_hides_no_other(audits: Stage, tmp_path: Path) -> None:
    """A run that comes to nothing is listed for review; the other's finding stands."""
    honest = auditor()

    def script(asked: Asked) -> Step:
        if '"account_id":"A"' in asked.messages[0].text.replace(" ", ""):
            return refused("no such model")
        return honest(asked)

    await audits.play(AUDITOR, script)
    handle = await start(audits, ledger(tmp_path, "A", "C"), min_confidence=0, dry_run=True)
    stopped = audits.client.get_workflow_handle(f"{handle.id}/A-2024-01-06")

    async def stands() -> bool:
        return (await audits.status(stopped)).stop is not None

    async def found() -> bool:
        try:
            return await stands()
        except RPCError:
            return False

    await eventually(found)
    await stopped.signal("abort")
    result = await finished(audits, handle)

    assert [row.as_row()["trans_id"] for row in result.findings] == ["C-5"]
    assert "no such model" in result.needs_review[0].why_not


@pytest.mark.requirement("C0:audit-refused")
@pytest.mark.parametrize("name", ["", "nowhere.csv", "empty.csv"])
async def test_a_ledger_that_cannot_be_audited_is_refused_and_kept(
    audits: Stage, tmp_path: Path, name: str
) -> None:
    """The outcome says why, and the input waits in the dead letters."""
    (tmp_path / "empty.csv").write_text("")
    await audits.play(AUDITOR, auditor())

    handle = await start(audits, tmp_path / name if name else "")
    result = await finished(audits, handle)

    letters = await DeadLetters(audits.database).list(limit=1_000)
    assert result.outcome is Outcome.REJECTED
    assert result.reason
    assert [letter.reason for letter in letters if letter.run_id == handle.id] == [result.reason]
