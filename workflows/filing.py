"""Filing an audit's report: an irreversible act, with a person before it and a key behind it."""

import json

from temporalio import workflow

from workflows import policies
from workflows.acting import Actor
from workflows.desk import Desk

with workflow.unsafe.imports_passed_through():
    from domain.auditing import AuditRequest, AuditResult, AuditState, RenderRequest
    from domain.messages import ToolCall
    from domain.run import AgentRequest
    from domain.spec import AgentSpec
    from domain.state import AgentState

TOOL = "file_report"


class Filing:
    """Writes the report and files it as an agent would: through checks, gate and effects."""

    def __init__(
        self, request: AuditRequest, state: AuditState, spec: AgentSpec, desk: Desk
    ) -> None:
        self._request = request
        self._state = state
        # The same rules as for a call of a model, with the tool that no model is offered.
        self._spec = spec.model_copy(update={"tools": spec.workflow_tools})
        self._desk = desk

    async def render(self, title: str, result: AuditResult) -> str:
        """Return the report as Markdown."""
        return await workflow.execute_activity(
            "audit.render",
            RenderRequest(title=title, result=result),
            result_type=str,
            **policies.COMPUTE,
        )

    async def file(self, title: str, body: str) -> str:
        """File the report once a person approves; return what that came to, empty for not."""
        run = AgentState(lineage=self._state.lineage, spec=self._spec)
        request = AgentRequest(
            agent=self._spec.name,
            task=title,
            tenant=self._request.tenant,
            dry_run=self._request.dry_run,
        )
        actor = Actor(request, run, self._spec, self._desk)
        arguments = json.dumps({"title": title, "body": body}, ensure_ascii=False)
        await actor.act([ToolCall(id="file", name=TOOL, arguments=arguments)])
        if run.writes:
            return run.messages[-1].text
        answer = "dry run" if self._request.dry_run else run.messages[-1].text
        self._state.not_done.append(f"the report was not filed: {answer}")
        return ""
