"""Second checks: functions of authors' that look at irreversible calls; no model takes part.

Before a person is asked, so that nobody is asked for what would be refused; of what a person
changed; and once more right before the effect, since a question can wait for days.
"""

from typing import Any

from temporalio import workflow

from workflows import policies
from workflows.sidecalls import count
from workflows.steps import sure
from workflows.watching import Objection, Watch, Watches
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.checking import SecondRequest, SecondVerdict
    from domain.evidence import calls_of
    from domain.selfcheck import Checked
    from domain.tools import ToolSpec

_BY = "second_check"
_HINT = "mend what the reason names; the same call will be refused again"


class SecondChecks(Watch):
    """Looks at calls that are proposed, and at what a person made of them."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def before(self, tool: ToolSpec, arguments: dict[str, Any]) -> Objection | None:
        """Refuse a call that its tool's second check refuses."""
        if not tool.second_check:
            return None
        verdict = await _verdict(self._work, tool, arguments)
        if not verdict.refused:
            return None
        _note(self._work, tool, "proposed", verdict)
        return Objection(by=_BY, refuse=verdict.refused, hint=_HINT)


async def refusal(work: Work, tool: ToolSpec, arguments: dict[str, Any]) -> str:
    """Return what the model is told in place of a call's effect; nothing where it may happen."""
    if not tool.second_check:
        return ""
    verdict = await _verdict(work, tool, arguments)
    _note(work, tool, "effect", verdict)
    if not verdict.refused:
        return ""
    objection = Objection(by=_BY, refuse=verdict.refused, hint=_HINT)
    return Watches(work.state, []).reject(objection, f"{tool.name} {arguments}")


async def _verdict(work: Work, tool: ToolSpec, arguments: dict[str, Any]) -> SecondVerdict:
    request = SecondRequest(
        tool=tool.name,
        arguments=arguments,
        made=calls_of(work.state),
        task=work.request.task,
        data=work.request.data,
        tenant=work.request.tenant,
    )
    return await sure(
        work.desk,
        "check.second",
        lambda: workflow.execute_local_activity(
            "check.second", request, result_type=SecondVerdict, **policies.SECOND_CHECK
        ),
    )


def _note(work: Work, tool: ToolSpec, when: str, verdict: SecondVerdict) -> None:
    count(_BY, "refused" if verdict.refused else "passed")
    work.state.checks.check(
        Checked(
            tool=tool.name,
            when="effect" if when == "effect" else "proposed",
            refused=verdict.refused,
            turn=len(work.state.turns),
        )
    )
