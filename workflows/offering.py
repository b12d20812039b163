"""Asking once, at a triage's start, for a standing approval, where there is none."""

from typing import Any

from pydantic import ValidationError
from temporalio import workflow

from workflows import policies
from workflows.conducted import Conducted
from workflows.steps import sure

with workflow.unsafe.imports_passed_through():
    from domain.approval import Decision, Form
    from domain.contract import digest
    from domain.standing import KIND, Taken, Terms, WhichRequest
    from domain.ticket import AGENT, SEND
    from domain.triage import Granting, TriageRequest, TriageState

_OPTIONS = (
    (
        "approve",
        "clear tickets are answered alone within these terms, the others come to you",
    ),
    ("reject", "a person is asked about every reply"),
    ("modify", 'other terms: {"arguments": {"uses": …, "hours": …, …}}'),
    ("abort", "the triage ends here"),
)


class Offering:
    """Offers a person to say yes beforehand."""

    def __init__(self, run: Conducted[Any], request: TriageRequest, state: TriageState) -> None:
        self._run = run
        self._request = request
        self._state = state

    async def offer(self, tickets: int) -> None:
        """Ask, unless something stands, or nobody is to be asked. Silence asks for each reply."""
        if self._state.offered or not self._request.offer or self._request.dry_run:
            return
        if not (await self._which()).id:
            decision = await self._run.desk.ask(self._form(tickets), _wrong)
            if decision.granted:
                await self._grant(decision)
        self._state.offered = True

    async def _which(self) -> Taken:
        asked = WhichRequest(tenant=self._request.tenant, agent=AGENT, tool=SEND)
        return await sure(
            self._run.desk,
            "standing.which",
            lambda: workflow.execute_local_activity(
                "standing.which", asked, result_type=Taken, **policies.RECORD
            ),
        )

    def _form(self, tickets: int) -> Form:
        return Form(
            kind=KIND,
            title=f"let clear ones of {tickets:,} tickets be answered without asking each time",
            why="sending a reply is irreversible, so a person is asked; no standing approval of "
            "yours covers it yet",
            request=f"triage of {tickets:,} tickets",
            options=_OPTIONS,
            tool=SEND,
            arguments=Terms(uses=tickets).model_dump(mode="json"),
        )

    async def _grant(self, decision: Decision) -> None:
        given = Granting(
            id=digest("standing", self._state.lineage)[:12],
            tenant=self._request.tenant,
            by=decision.by,
            reason=decision.reason,
            terms=Terms.model_validate(decision.arguments or {}),
        )
        granted = await sure(
            self._run.desk,
            "triage.grant",
            lambda: workflow.execute_local_activity(
                "triage.grant", given, result_type=Taken, **policies.RECORD
            ),
        )
        self._state.standing = granted.id


async def _wrong(changed: dict[str, Any]) -> str:
    """Return what is wrong with the terms that a person wants instead."""
    try:
        Terms.model_validate(changed)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return ""
