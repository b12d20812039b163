"""Triages, their tickets, and the daily sample."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from temporalio.client import WorkflowHandle

from tests.fakes import refused
from tests.replay.cases import case
from tests.workflows import triaging
from tests.workflows.stage import Handle, Stage
from tests.workflows.triaging import CLEAR, NOVEL, UNSURE


@asynccontextmanager
async def _folder() -> AsyncGenerator[Path]:
    with TemporaryDirectory() as folder:
        yield Path(folder)


async def _triage(
    stage: Stage, folder: Path, *texts: str, tenant: str, parallel: int = 16
) -> Handle:
    await triaging.play(stage)
    tickets = [(f"T-{number}", "", "", text) for number, text in enumerate(texts)]
    path = triaging.file_of(folder, tickets)
    return await triaging.start(stage, path, tenant, parallel=parallel)


@case
async def triage_happy(stage: Stage) -> Handle:
    """A standing approval that is offered, tickets that run alone, and two for a person."""
    async with _folder() as folder:
        handle = await _triage(stage, folder, CLEAR, UNSURE, NOVEL, CLEAR, tenant="happy")
        await stage.asked(handle)
        await stage.decide(handle, verdict="approve", by="ann")
        for run in await triaging.asking(stage, handle, 2):
            await stage.client.get_workflow_handle(run).signal("approve")
        await stage.closed(handle)
    return handle


@case
async def triage_rejected(stage: Stage) -> Handle:
    """A file that is not there."""
    await triaging.play(stage)
    return await triaging.start(stage, "nowhere.csv", "rejected")


@case
async def triage_cancelled(stage: Stage) -> Handle:
    """A cancel while a ticket waits for a person."""
    async with _folder() as folder:
        handle = await _triage(stage, folder, NOVEL, tenant="cancelled")
        await stage.asked(handle)
        await stage.decide(handle, verdict="reject")
        await triaging.asking(stage, handle, 1)
        await handle.cancel()
        await stage.closed(handle)
    return handle


@case
async def triage_continued(stage: Stage) -> Handle:
    """The last part of a triage that continued as new while a ticket waited for a person."""
    async with _folder() as folder:
        await triaging.granted(stage, "continued")
        texts = (UNSURE, *[CLEAR] * 12)
        handle = await _triage(stage, folder, *texts, tenant="continued", parallel=2)
        (run,) = await triaging.asking(stage, handle, 1)
        await stage.until(handle, lambda status: status.extra["sent alone"] == 12)
        await stage.client.get_workflow_handle(run).signal("approve")
        await stage.closed(handle)
    return handle


@case
async def ticket_alone(stage: Stage) -> Handle:
    """A ticket that runs under a standing approval."""
    async with _folder() as folder:
        await triaging.granted(stage, "alone")
        handle = await _triage(stage, folder, CLEAR, tenant="alone")
        await stage.closed(handle)
    return await _only_ticket(stage, handle)


@case
async def ticket_person(stage: Stage) -> Handle:
    """A ticket that a person changes, in vain and then well."""
    async with _folder() as folder:
        await triaging.granted(stage, "person")
        handle = await _triage(stage, folder, NOVEL, tenant="person")
        (run,) = await triaging.asking(stage, handle, 1)
        ticket = stage.client.get_workflow_handle(run)
        first = await stage.asked(ticket)
        wrong = {"ticket": "T-0", "category": "zoo", "reply": "Hello"}
        await stage.decide(ticket, verdict="modify", arguments=wrong)
        await stage.until(ticket, lambda s: s.question and s.question["id"] != first["id"])
        await stage.decide(ticket, verdict="modify", arguments={**wrong, "category": "login"})
        await stage.closed(handle)
    return await _only_ticket(stage, handle)


@case
async def ticket_failed(stage: Stage) -> Handle:
    """A ticket whose classification a person gives up."""
    async with _folder() as folder:
        await triaging.play(stage, [refused()])
        path = triaging.file_of(folder, [("T-0", "", "", CLEAR)])
        handle = await triaging.start(stage, path, "failed", offer=False)
        query = f"RootWorkflowId = '{handle.id}' AND AgentState = 'STOPPED'"
        await triaging.until_listed(stage, query)
        async for run in stage.client.list_workflows(query):
            await stage.client.get_workflow_handle(run.id).signal("abort")
        await stage.closed(handle)
    return await _only_ticket(stage, handle)


@case
async def sampling_happy(stage: Stage) -> Handle:
    """A day without decisions."""
    await triaging.play(stage)
    return await stage.begin("SamplingWorkflow", {"day": "2026-01-31", "size": 3})


@case
async def agent_standing(stage: Stage) -> Handle:
    """A call that a standing approval covers, and one that it does not."""
    return await triaging.pays_twice(stage, "agent-standing")


async def _only_ticket(stage: Stage, handle: Handle) -> WorkflowHandle[object, object]:
    query = f"RootWorkflowId = '{handle.id}' AND WorkflowType = 'TicketWorkflow'"
    (run,) = await triaging.until_listed(stage, query)
    return stage.client.get_workflow_handle(run)
