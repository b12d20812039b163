"""A run that a person attends: the signals and updates that all our workflows have.

The Temporal UI's dialog sends one JSON object or nothing, and the SDK drops what does not
convert without a word: so the handlers take anything, and `Desk` says what cannot count.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, cast

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributeUpdate
from temporalio.exceptions import ApplicationError

from workflows import policies
from workflows.desk import Desk, Way
from workflows.halting import hear

with workflow.unsafe.imports_passed_through():
    from domain import page
    from domain.approval import Decision, UnusableAnswerError, Verdict
    from domain.lifecycle import WAITS
    from domain.spec import ApprovalPolicy

_STATE = SearchAttributeKey.for_keyword("AgentState")
_AGENT = SearchAttributeKey.for_keyword("AgentName")
_TENANT = SearchAttributeKey.for_keyword("Tenant")
_COST = SearchAttributeKey.for_float("CostUsd")
_AWAITING = SearchAttributeKey.for_bool("AwaitingApproval")
_SINCE = SearchAttributeKey.for_datetime("WaitingSince")
# A longer value is refused by the server, and the workflow task would be tried again forever.
_MOST_NAME = 200
_VERDICTS = ("approve", "reject", "modify")
_WAYS = ("retry", "skip", "abort")


class Attended(ABC):
    """Base of the workflows; a subclass says who it is (`_face`) and what it shows (`_page`)."""

    def __init__(self, approvals: ApprovalPolicy | None = None) -> None:
        self.desk = Desk(approvals or ApprovalPolicy(), self.show)
        self._shown: dict[str, Any] = {}

    @abstractmethod
    def _face(self) -> Mapping[str, Any]:
        """Return `agent`, `tenant` and `cost_usd` for the search attributes."""

    @abstractmethod
    def _page(self) -> str:
        """Return the Markdown that stands above the open question."""

    # --- what a person may say

    @workflow.signal
    def approve(self, *answer: Any) -> None:
        """Say yes to the open question. One JSON object or nothing."""
        self.desk.hear("approve", _one(answer))

    @workflow.signal
    def reject(self, *answer: Any) -> None:
        """Say no to the open question. One JSON object or nothing."""
        self.desk.hear("reject", _one(answer))

    @workflow.signal
    def modify(self, *answer: Any) -> None:
        """Say yes with other arguments: `{"arguments": {...}}`."""
        self.desk.hear("modify", _one(answer))

    @workflow.signal
    def retry(self, *answer: Any) -> None:
        """Try the stopped step again, once its cause is mended."""
        self._go("retry", _one(answer))

    @workflow.signal
    def skip(self, *answer: Any) -> None:
        """Go on without the stopped step; the model is told the error."""
        self._go("skip", _one(answer))

    @workflow.signal
    def abort(self, *answer: Any) -> None:
        """End the run where it waits, undoing what can be undone."""
        self._go("abort", _one(answer))

    @workflow.signal
    def unhalted(self, *word: Any) -> None:
        """Go on if a halt was lifted; for `starter.py unhalt`, and harmless when sent by hand."""
        hear(self.desk, _one(word))

    def _go(self, way: Way, answer: Any) -> None:
        try:
            self.desk.go(way, answer)
        except UnusableAnswerError as error:
            self.desk.ignore(f"{way}: {error}")

    @workflow.update
    async def decide(self, answer: Any = None) -> Decision:
        """Answer the open question; the sender is told when the answer cannot count.

        Args:
            answer: `{"verdict": "approve" | "reject" | "modify"}` and a signal's fields.

        Raises:
            ApplicationError: `UnusableAnswer`, with the reason; the run is not changed.
        """
        try:
            verdict, rest = _split(answer, _VERDICTS)
            return await self.desk.decide(cast("Verdict", verdict), rest)
        except UnusableAnswerError as error:
            raise ApplicationError(str(error), type="UnusableAnswer") from None

    @workflow.update
    def unstop(self, answer: Any = None) -> str:
        """Say how a stopped run goes on; the sender is told when that is not possible.

        Args:
            answer: `{"verdict": "retry" | "skip" | "abort"}` and a signal's fields.

        Raises:
            ApplicationError: `UnusableAnswer`, with the reason; the run is not changed.
        """
        try:
            way, rest = _split(answer, _WAYS)
            self.desk.go(cast("Way", way), rest)
        except UnusableAnswerError as error:
            raise ApplicationError(str(error), type="UnusableAnswer") from None
        return way

    # --- what everybody may see

    def show(self) -> None:
        """Write the search attributes, when the state changed, and the run's page."""
        face = self._face()
        awaiting = self.desk.question is not None
        values: dict[str, Any] = {
            _STATE.name: self.desk.life.state.value,
            _AGENT.name: str(face["agent"])[:_MOST_NAME],
            _TENANT.name: str(face["tenant"])[:_MOST_NAME],
            _COST.name: float(face["cost_usd"]),
            _AWAITING.name: awaiting,
        }
        if values[_STATE.name] != self._shown.get(_STATE.name):  # cost alone is not worth an event
            updates: list[SearchAttributeUpdate[Any]] = [
                _STATE.value_set(values[_STATE.name]),
                _AGENT.value_set(values[_AGENT.name]),
                _TENANT.value_set(values[_TENANT.name]),
                _COST.value_set(values[_COST.name]),
                _AWAITING.value_set(awaiting),
            ]
            if self.desk.life.state in WAITS:  # stays when that is over: the state says so
                updates.append(_SINCE.value_set(workflow.now()))
            changed = [
                update for update in updates if self._shown.get(update.key.name) != update.value
            ]
            workflow.upsert_search_attributes(changed)  # pyright: ignore[reportUnknownMemberType]
            self._shown = values
        workflow.set_current_details("\n\n".join(self._sections()))

    def _sections(self) -> list[str]:
        sections = [self._page()]
        desk = self.desk
        if desk.question is not None:
            sections.append(page.question(desk.question))
        if desk.stop is not None:
            halted = desk.stop.halted
            lasts = policies.HALTED_TIMEOUT if halted else policies.STOPPED_TIMEOUT
            until = desk.stop.at + lasts
            sections.append(page.stop(desk.stop, desk.ways, until))
        if desk.ignored:
            last = "\n".join(f"- {page.escape(what)}" for what in desk.ignored[-5:])
            sections.append(f"**Answers that did not count**\n\n{last}")
        return sections


def _one(sent: tuple[Any, ...]) -> Any:
    """Return what a signal brought: nothing, one value, or what is refused for being several.

    The handlers take any number: one argument too many would be a TypeError, which ends the run.
    """
    return None if not sent else sent[0] if len(sent) == 1 else list(sent)


def _split(raw: Any, verdicts: tuple[str, ...]) -> tuple[str, dict[str, Any]]:
    if not isinstance(raw, dict):
        raise UnusableAnswerError(f'an update needs {{"verdict": one of {list(verdicts)}}}')
    fields = cast("dict[str, Any]", raw).copy()
    verdict = fields.pop("verdict", None)
    if verdict not in verdicts:
        raise UnusableAnswerError(f"verdict {verdict!r}: expected one of {list(verdicts)}")
    return str(verdict), fields
