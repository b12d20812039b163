"""What a run is held against: rules over its result, its calls and what people were asked."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from commands.evals.attending import Asked
from commands.evals.cases import Expected, Wanted
from commands.evals.comparing import compared
from commands.evals.lab import Ran
from commands.evals.matching import at, fits, matches
from commands.evals.recorded import Recorded, lesson
from commands.evals.results import Case, Evaluation, Run, read, save
from commands.evals.scorers import scored
from commands.evals.stubs import Made
from commands.transcript import Transcript
from domain.approval import Decision
from domain.budget import Spend
from domain.run import AgentRequest, AgentResult
from domain.state import Effected

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def ran(answer: Any = None, **more: Any) -> Ran:
    """Return a run with an answer."""
    result = AgentResult(agent="a", answer=answer, spend=Spend(cost_usd=Decimal(1)), turns=2)
    return Ran("run", result, **more)


@pytest.mark.parametrize(
    ("value", "wanted", "holds"),
    [
        (3, 3, True),
        (3, 3.0, True),
        (True, 1, False),
        (0, False, False),
        ("A lamp", {"has": "LAMP"}, True),
        (0.31, {"about": 0.3, "within": 0.02}, True),
        (None, {"at_most": 1}, False),
        ([1, 2], {"length": 2}, True),
        ("b", {"any": ["a", "b"]}, True),
        ("b", {"not": "b"}, False),
        ({"has": "x", "and": "y", "z": 1}, {"has": "x", "and": "y", "z": 1}, True),
    ],
)
def test_a_value_is_as_wanted_or_not(value: Any, wanted: Any, *, holds: bool) -> None:
    """Equal, or as a matcher says; true is no number."""
    assert matches(value, wanted) is holds


def test_a_path_leads_through_objects_and_lists() -> None:
    """And to nothing where there is nothing, which equals nothing."""
    answer = {"rows": [{"name": "a"}, {"name": None}]}

    assert at(answer, "rows.0.name") == "a"
    assert at(answer, "rows.-1.name") is None
    assert not matches(at(answer, "rows.7.name"), None)
    assert fits({"a": 1, "b": 2}, {"a": 1})


def test_each_question_has_its_own_score_and_reason() -> None:
    """A share of what holds; what is not asked is not scored."""
    made = [Made("run", "refund", {"cents": 5}, write=True), Made("run/x", "find", {"id": "A"})]
    asked = [Asked("call", "refund", {}, "approve", declared=True)]
    one = ran({"cents": 5, "note": "paid"}, made=made, asked=asked)
    wanted = Expected(
        fields={"cents": 5, "note": "kept"},
        never=["PAID"],
        tools=[Wanted(tool="find", arguments={"id": "A"})],
        asks=["refund"],
        effects=[Wanted(tool="refund", arguments={"cents": 6})],
        most_steps=1,
        outcome="limit",
    )

    found = scored(one, wanted)

    assert {name: score for name, (score, _) in found.items()} == {
        "outcome": 0,
        "fields": 0.5,
        "requirements": 0,
        "tools": 1,
        "approvals": 1,
        "effects": 0,
        "economy": 0,
    }
    assert found["fields"][1] == 'note: "paid" instead of "kept"'
    assert "1 effects too many" in found["effects"][1]
    assert set(scored(one, Expected())) == {"outcome"}


def test_a_run_that_failed_scores_nothing_and_says_why() -> None:
    """There is no result to look into."""
    found = scored(Ran("run", None, "it broke"), Expected(fields={"a": 1}))

    assert found["outcome"] == (0.0, "failed instead of completed: it broke")
    assert found["fields"][0] == 0


def evaluation(passed: list[list[float]], steps: float = 2, repeats: int = 3) -> Evaluation:
    """Return an evaluation whose cases passed so often."""
    cases = [
        Case(
            name=f"case-{number}",
            identity="1",
            runs=tuple(Run(scores={"passed": p}, numbers={"steps": steps}) for p in each),
        )
        for number, each in enumerate(passed)
    ]
    return Evaluation(agent="a", at=NOON, repeats=repeats, cases=tuple(cases))


@pytest.mark.requirement("C6.4:caught", "C6.4:several")
def test_what_fell_by_more_than_noise_is_named() -> None:
    """And what fell by as much as noise, or by too little to matter, is not."""
    good = evaluation([[1.0, 1.0, 1.0]] * 12)

    assert compared(good, evaluation([[0.0, 0.0]] * 6 + [[1.0, 1.0]] * 6)).alarms == {"passed"}
    assert not compared(good, evaluation([[0.0, 0.0]] + [[1.0, 1.0]] * 11)).alarms
    assert not compared(good, good).alarms
    assert not compared(evaluation([[0.0] * 3] * 12), good).alarms


@pytest.mark.requirement("C6.4:caught")
def test_a_number_alarms_when_it_rises_by_a_tenth() -> None:
    """Twice the steps in every case are no chance; a twentieth more is not worth an alarm."""
    before = evaluation([[1.0] * 3] * 12)
    twice = compared(before, evaluation([[1.0] * 2] * 12, steps=4))
    little = compared(before, evaluation([[1.0] * 2] * 12, steps=2.1))

    assert twice.alarms == {"steps"}
    steps = next(change for change in twice.changes if change.name == "steps")
    assert (round(steps.by.value, 6), round(steps.before, 6)) == (2, 2)
    assert not little.alarms


def test_a_case_that_was_changed_is_left_out() -> None:
    """It is not the same question."""
    before = evaluation([[1.0]] * 3)
    cases = [case.model_copy(update={"identity": "2"}) for case in before.cases[:1]]
    now = before.model_copy(update={"cases": (*cases, *before.cases[1:])})

    assert compared(before, now).left_out == ["case-0"]


def test_an_evaluation_is_read_as_it_was_saved(tmp_path: Any) -> None:
    """What `--save` writes `--baseline` reads."""
    made = evaluation([[1.0, 0.0]])
    save(tmp_path / "a.json", made)

    assert read(tmp_path / "a.json", "a") == made


def decision(verdict: Any, **more: Any) -> Decision:
    """Return what a person decided."""
    told: dict[str, Any] = {"approval_id": "1", "kind": "call", "tool": "refund", "at": NOON}
    return Decision(verdict=verdict, **(told | more))


def closed(answer: Any, *decisions: Decision, **more: Any) -> Recorded:
    """Return a closed run."""
    result = AgentResult(agent="a", answer=answer, decisions=decisions, **more)
    request = AgentRequest(agent="a", task="t")
    return Recorded("run", request, result, Transcript(request))


@pytest.mark.requirement("C6.4:add")
def test_a_correction_is_what_is_expected() -> None:
    """Changed arguments should have been proposed; a refused call should not have been."""
    write = Effected(tool="refund", arguments={"cents": 5}, key="k", text="done")
    modified = decision("modify", arguments={"cents": 5})
    changed = lesson(closed({"cents": 5}, modified, writes=(write,)))
    refused = lesson(closed({"cents": 0}, decision("reject", reason="no")))
    reviewed = lesson(closed({"category": "a"}), {"category": "b"})
    as_it_was = lesson(closed("text"))

    assert changed.expected.tools == [Wanted(tool="refund", arguments={"cents": 5})]
    assert changed.expected.effects == [Wanted(tool="refund", arguments={"cents": 5})]
    assert [said.verdict for said in changed.answers] == ["approve"]
    assert refused.expected.never_calls == ["refund"]
    assert refused.expected.effects == []
    assert reviewed.expected.fields == {"category": "b"}
    assert not reviewed.notes
    assert any("nobody corrected" in note for note in as_it_was.notes)
