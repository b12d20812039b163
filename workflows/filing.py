"""Filing an audit's report: an irreversible act, with a person before it and a key behind it."""

from temporalio import workflow

from workflows import policies
from workflows.conducted import Conducted
from workflows.hand import Hand

with workflow.unsafe.imports_passed_through():
    from domain.auditing import AuditResult, RenderRequest
    from domain.spec import AgentSpec

TOOL = "file_report"


async def render(title: str, result: AuditResult) -> str:
    """Return the report as Markdown."""
    return await workflow.execute_activity(
        "audit.render",
        RenderRequest(title=title, result=result),
        result_type=str,
        **policies.COMPUTE,
    )


async def file(run: Conducted[AuditResult], spec: AgentSpec, title: str, body: str) -> str:
    """File the report once a person approves; return what that came to, empty for not."""
    done = await Hand(run, spec, title).do(TOOL, {"title": title, "body": body})
    if done.ok:
        return done.text
    why = "dry run" if run.asked.dry_run else done.text
    run.memory.not_done.append(f"the report was not filed: {why}")
    return ""
