"""Model calls beside a run's conversation that must answer in a form; none of them can wedge it.

What cannot be understood is asked for once more, with what was wrong. A call that fails for good,
or is not affordable any more, is an outcome: whoever asked has declared what that means.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from pydantic import ValidationError
from temporalio import workflow

from workflows.ends import LimitReachedError
from workflows.thinking import AsideFailedError, Thinker
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.contract import Strict
    from domain.thinking import Aside, Reply

_Said = TypeVar("_Said", bound=Strict)
_TRIES = 2
_MOST_TOLD = 400  # characters of what was wrong with an answer
# One call's attempts together. A model that hangs must not take the run's whole wall clock.
_WITHIN = timedelta(minutes=4)


@dataclass(frozen=True)
class Unanswered:
    """Nobody could be asked, or nobody answered so that it could be understood."""

    reason: str


@dataclass(frozen=True)
class Wanted:
    """How a call beside the conversation is made.

    Attributes:
        purpose: Of the call; names its prompt in the spec.
        route: Models tried in order; empty: those that the gateway picks.
        max_output_tokens: Of its answer.
    """

    purpose: str
    route: tuple[str, ...]
    max_output_tokens: int


class SideCalls:
    """Asks models beside a run's conversation."""

    def __init__(self, work: Work, thinker: Thinker) -> None:
        self._spec = work.spec
        self._thinker = thinker

    async def ask(self, wanted: Wanted, text: str, form: type[_Said]) -> _Said | Unanswered:
        """Return what a model says to `text` in `form`, or why it said nothing of use."""
        shown, wrong = text, ""
        for _ in range(_TRIES):
            try:
                reply = await self._reply(wanted, shown, form)
            except AsideFailedError as failed:
                return Unanswered(f"the model cannot be asked: {failed}")
            except LimitReachedError as reached:
                return Unanswered(f"the run's {reached.limit} does not allow the call")
            try:
                return form.model_validate_json(_bare(reply.message.text))
            except ValidationError as error:
                wrong = _problem(reply, error)
            shown = f"{text}\n\nYour last answer could not be used: {wrong}. Answer again."
        return Unanswered(f"what it says cannot be understood: {wrong}")

    def _reply(self, wanted: Wanted, text: str, form: type[Strict]) -> Awaitable[Reply]:
        prompt = self._spec.side_prompts.get(wanted.purpose)
        aside = Aside(
            purpose=wanted.purpose,
            system=prompt.text if prompt else "",
            text=text,
            answer_schema=form.model_json_schema(),
            route=wanted.route,
            max_output_tokens=wanted.max_output_tokens,
        )
        return self._thinker.aside(aside, within=_WITHIN)


def _bare(text: str) -> str:
    """Return what stands in a fence, where a model has put its answer into one."""
    inner = text.strip()
    if inner.startswith("```") and inner.endswith("```"):
        inner = inner.removeprefix("```json").strip("`")
    return inner


def _problem(reply: Reply, error: ValidationError) -> str:
    if reply.finish == "length":
        return "it was cut at the output limit"
    first = error.errors(include_url=False, include_input=False)[0]
    where = "/".join(map(str, first["loc"])) or "it"
    return f"{where}: {first['msg']}"[:_MOST_TOLD]


def count(by: str, found: str) -> None:
    """Count what a self-check came to, by closed sets of words; a replay counts nothing."""
    meter = workflow.metric_meter().create_counter(
        "holdfast_self_checks", "what self-checks came to"
    )
    meter.add(1, {"by": by, "found": found})
