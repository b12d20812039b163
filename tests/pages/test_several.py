"""The page that every workflow has, and the pages of long runs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from commands.course import Event
from commands.heard import Heard, heard, senders
from commands.kinds import kinds
from commands.pages import run_page, several_page
from commands.pages.around import Around, Below, OfRun
from commands.pages.happened import happened
from commands.pages.lanes import draw
from commands.pages.timeline import Budget, Chain
from domain.approval import Decision
from domain.orchestration import OrchestrationResult, TaskResult
from domain.run import Status
from domain.runs import RunResult
from tests.pages.cases import HARM, NOON, STAND_IN, ran
from tests.pages.markup import Parsed
from tests.pages.recorded import CONVERTER, legs

_QUESTION = {
    "id": "q",
    "asked_at": str(NOON),
    "silent_at": str(NOON),
    "options": [["approve", "x"]],
}


def around(text: str) -> Around:
    """Return what stands around a run in which everything that is not ours reads `text`."""
    below = Below(text, text, text, model=text, steps=2, tokens=9, cost_usd=Decimal(1), decisions=1)
    asked = {**_QUESTION, "title": text, "why": text, "tool": text, "silence": text}
    return Around(
        kind=text,
        drawn=draw(happened(legs("agent/approval.json"))),
        below=(below,),
        course=(OfRun(text, Event(1, text, text)),),
        chain=Chain(holds=False, model_calls=2, breaks=(text,)),
        said=[Heard(NOON, 7, "signal", text, text, text, text, text)],
        status=Status(
            run_id=text, agent=text, state="PENDING_APPROVAL",
            question={**asked, "arguments": {text: text}},
        ),
    )  # fmt: skip


def result_of(text: str) -> OrchestrationResult:
    """Return a result in which everything that is not ours reads `text`."""
    task = TaskResult(id=text, worker=text, standing="done", reason=text, run_id=text)
    return OrchestrationResult(
        run_id=text, reason=text, goal=text, tasks=(task, task), outputs={"one": {text: text}},
        result=text, ignored=(text,), not_done=(text,), model=text,
        decisions=(_decision(text),),
    )  # fmt: skip


def _decision(text: str, verdict: Any = "approve") -> Decision:
    return Decision(
        approval_id="q", kind="call", verdict=verdict, title=text, reason=text, by=text, at=NOON
    )


@pytest.mark.requirement("C6.3:page-every")
@pytest.mark.parametrize("name", sorted(kinds()))
def test_a_run_of_any_workflow_has_a_page(name: str) -> None:
    """With nothing in its result but the outcome, too; and what only it has is shown."""
    model = kinds()[name].result
    result = model.model_validate({"run_id": "run-7", "agent": "a", "reason": "a reason"})
    assert isinstance(result, RunResult)

    page = Parsed(several_page(result, Around(kind=name), title="a title"))

    assert {"run-7", "a title"} <= set(page.text.split("\n")) | {"run-7"}
    assert "a reason" in page.text


def test_what_only_a_workflow_has_is_shown() -> None:
    """Lists of things are tables, long texts fold, and nothing that a table drops is lost."""
    task = TaskResult(id="gather", worker="reader", standing="done", run_id="r/gather-1")
    result = OrchestrationResult(
        goal="a goal", tasks=(task,), outputs={"gather": {"text": "word " * 200, "pages": 3}}
    )

    page = Parsed(several_page(result, Around(kind="orchestrator")))

    assert "r/gather-1" in page.text
    assert "All of outputs, as JSON" in page.text
    assert "word " * 150 in page.text


@pytest.mark.requirement("C6.3:page-safe")
def test_foreign_text_never_becomes_markup() -> None:
    """A hostile run has exactly the elements and attributes of a harmless one."""
    harmless, hostile = (
        Parsed(several_page(result_of(text), around(text), title=text, live=text))
        # As long as the other: what is long is folded.
        for text in ("x" * len(HARM), HARM)
    )

    assert hostile.elements == harmless.elements
    assert not hostile.comments
    assert not {"script", "img", "iframe"} & hostile.tags
    assert not {name for _, names in hostile.elements for name in names if name.startswith("on")}


@pytest.mark.requirement("C6.3:page-stand-in")
def test_the_stand_in_is_named_also_where_only_runs_below_asked_it() -> None:
    """A run of several that asked no model itself is still no work of a language model."""
    own = several_page(RunResult(model=STAND_IN), Around())
    below = several_page(RunResult(), Around(stand_in=True))
    neither = several_page(RunResult(model="gpt-5-mini"), Around())

    assert "offline stand-in" in own
    assert "offline stand-in" in below
    assert "offline stand-in" not in neither


@pytest.mark.requirement("C6.3:page-long")
def test_a_run_of_five_hundred_turns_can_be_opened() -> None:
    """Its turns are folded by twenty-five, each has its text, and the page is under 3 MB."""
    result, state = ran("word " * 800, turns=500)

    page = run_page(result, state, budget=Budget(steps=1_000, tokens=10_000_000))

    assert len(page.encode()) < 3_000_000
    assert page.count('<details class="group"') == 20
    assert page.count('<details class="group" open') == 1
    assert page.count('<li id="turn-') == 500


def test_short_texts_stay_whole_beside_long_ones() -> None:
    """What is cut is cut from the longest: one result of megabytes costs the others nothing."""
    result, state = ran("short enough", turns=30)
    state.messages[2] = state.messages[2].model_copy(update={"text": "x" * 5_000_000})

    page = run_page(result, state)

    assert len(page) < 3_500_000
    assert page.count("short enough") > 100
    assert "more characters" in page


@pytest.mark.requirement("C6.3:page-who")
async def test_a_decision_stands_beside_who_the_server_saw() -> None:
    """Of a recorded run: the claim from the answer, the client from the event."""
    (leg,) = legs("agent/approval.json")
    *_, said = await heard(CONVERTER, leg.events)
    decision = _decision("pay").model_copy(
        update={"at": said.at, "by": said.by, "reason": said.reason, "verdict": said.verdict}
    )

    page = several_page(RunResult(decisions=(decision,)), Around(said=[said]))

    assert senders([decision], [said]) == [said]
    assert f"sent by {said.identity or 'a client that names nobody'}" in page


def test_an_event_makes_one_decision_and_the_nearest() -> None:
    """Two approvals of the same person: each has its own event; silence has none."""
    first = Heard(NOON, 5, "signal", "approve", "one", by="ann")
    second = Heard(NOON + timedelta(hours=1), 9, "update", "approve", "two", by="ann")
    made = [
        _decision("").model_copy(update={"by": "ann", "at": NOON + timedelta(hours=1)}),
        _decision("").model_copy(update={"by": "ann", "at": NOON}),
        _decision("", "silence"),
    ]

    assert senders(made, [first, second]) == [second, first, None]


def test_whose_name_differs_did_not_send_it() -> None:
    """An answer of somebody else at the same moment is not taken for the decision's."""
    said = Heard(NOON, 5, "signal", "approve", "client", by="eve")

    assert senders([_decision("").model_copy(update={"by": "ann"})], [said]) == [None]
