"""`list`, `show` and `cancel`: what runs there are."""

from typing import Annotated, Any

import typer

from commands import console, options, reading, results, views
from commands.errors import CommandError, Exit
from commands.reading import Closed, Listed
from commands.session import Session, session

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")]
AgentName = Annotated[str, typer.Option("--agent", help="Only runs of this agent.")]
StateName = Annotated[str, typer.Option("--state", help="Only runs in this state.")]
TenantName = Annotated[str, typer.Option("--tenant", help="Only this tenant's runs.")]
Everything = Annotated[
    bool, typer.Option("--all", "-a", help="Also the runs that others started.", metavar="")
]


async def list_runs(
    *,
    agent: AgentName = "",
    state: StateName = "",
    tenant: TenantName = "",
    everything: Everything = False,
    limit: Limit = 20,
    json: options.Json = False,
) -> Exit:
    """List runs, newest first."""
    parts = [reading.OURS]
    wanted = {"AgentName": agent, "AgentState": state.upper(), "Tenant": tenant}
    parts += [f"{key} = '{reading.quoted(value)}'" for key, value in wanted.items() if value]
    async with session() as opened:
        found = await _listed(opened, " AND ".join(parts), limit, roots=not everything)
    if json:
        console.emit([row(run) for run in found])
    elif found:
        console.out().print(views.runs(found))
    else:
        console.note("no runs; start one with `python starter.py run` or `... audit`")
    return Exit.OK


async def show(run_id: options.RunId, json: options.Json = False) -> Exit:
    """Show a run: its state, spend and open question, or its result.

    Exit code 3: it waits for a person.
    """
    async with session() as opened:
        try:
            found = reading.listed(await reading.described(opened, run_id))
        except CommandError:
            return await _show_kept(opened, run_id, as_json=json)
        said = await reading.status(opened, run_id) if found.is_open else None
        if found.is_open:
            return await _show_open(opened, found, said, as_json=json)
        closed = await reading.result(opened, run_id)
        if json:
            console.emit({**row(found), "result": closed.result, "failure": closed.failure})
            return results.code(closed.outcome)
        console.out().print(views.runs([found]))
        return results.any_result(found.workflow, run_id, closed)


async def cancel(run_id: options.RunId, json: options.Json = False) -> Exit:
    """Cancel a run: what it wrote is undone as far as that can be, then it closes."""
    async with session() as opened:
        found = reading.listed(await reading.described(opened, run_id))
        if not found.is_open:
            raise CommandError(f"run {run_id!r} has closed already ({found.execution.lower()})")
        await opened.handle(run_id).cancel()
    if json:
        console.emit({"run_id": run_id, "cancel_requested": True})
    else:
        console.out().print(f"asked run {run_id} to stop")
        console.note(f"it undoes what it can first: python starter.py watch {run_id}")
    return Exit.OK


def row(run: Listed) -> dict[str, Any]:
    """Return a listed run as JSON types."""
    return {
        "run_id": run.run_id,
        "workflow": run.workflow,
        "agent": run.agent,
        "tenant": run.tenant,
        "state": run.state,
        "status": run.execution,
        "awaits_approval": run.awaits_approval,
        "cost_usd": run.cost_usd,
        "started_at": run.started_at.isoformat(),
        "closed_at": run.closed_at.isoformat() if run.closed_at else None,
        "seconds": round(run.seconds, 3),
        "parent": run.parent or None,
    }


async def _listed(opened: Session, query: str, limit: int, *, roots: bool) -> list[Listed]:
    found: list[Listed] = []
    seen: set[str] = set()
    async for execution in opened.client.list_workflows(query, page_size=max(limit, 100)):
        # Newest first: what an id stood for before it was resumed, or continued, is the past.
        if execution.id in seen or (roots and execution.parent_id):
            continue
        seen.add(execution.id)
        found.append(reading.listed(execution))
        if len(found) == limit:
            break
    return found


async def _show_open(
    opened: Session, found: Listed, said: reading.Status | None, *, as_json: bool
) -> Exit:
    waits = found.state in reading.WAITS
    if as_json:
        status = console.plain(said) if said else None
        console.emit({**row(found), "run": status})
    elif said is None:
        console.out().print(views.runs([found]))
        console.warn("no worker can say more of it: python starter.py doctor")
    else:
        console.out().print(
            views.status(found.run_id, said, found.seconds, opened.page(found.run_id))
        )
    return Exit.WAITS if waits else Exit.OK


async def _show_kept(opened: Session, run_id: str, *, as_json: bool) -> Exit:
    """Show what the database has of a run that the server has forgotten."""
    kept = await reading.kept(opened, run_id)
    if kept is None:
        raise CommandError(
            f"there is no run {run_id!r}; `python starter.py list` shows those there are"
        )
    if as_json:
        console.emit({"run_id": run_id, "result": kept, "failure": ""})
        return results.code(str(kept.get("outcome", "")))
    return results.any_result(str(kept.get("workflow", "")), run_id, Closed(kept))
