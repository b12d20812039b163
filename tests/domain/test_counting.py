"""From a run's report to what it adds to the fleet's numbers."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import measures
from domain.activity import Report
from domain.approval import Decision
from domain.budget import Spend
from domain.counting import Bounds, amounts_of, classes_of
from domain.people import People
from domain.rejections import Rejection
from domain.run import AgentResult
from domain.runs import Outcome

_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
_BOUNDS = Bounds(
    agents=frozenset({"refunds"}),
    tenants=frozenset({"default", "acme"}),
    classes={"refunds": {"decision": frozenset({"pay", "refuse"})}},
)


def _added(**changes: Any) -> dict[tuple[str, tuple[str, ...]], int]:
    result = AgentResult(
        agent="refunds",
        outcome=changes.pop("outcome", Outcome.COMPLETED),
        seconds=95.5,
        spend=Spend(steps=4, tokens=2_400, cost_usd=Decimal("0.0123")),
        **changes.pop("result", {}),
    )
    report = Report(
        run_id="r",
        workflow="AgentWorkflow",
        agent=changes.pop("agent", "refunds"),
        tenant=changes.pop("tenant", "acme"),
        outcome=result.outcome.value,
        started_at=_AT,
        result=result.model_dump(mode="json"),
    )
    return {(name, labels): units for name, labels, units in amounts_of(report, _BOUNDS)}


@pytest.mark.requirement("C6.2:amounts")
def test_a_closed_run_adds_its_outcome_its_cost_and_its_time() -> None:
    """Each once, in whole units of the smallest kind."""
    added = _added(result={"people": People(waited_s=60)})

    assert added["holdfast_run_outcomes", ("refunds", "completed")] == 1
    assert added["holdfast_run_tenant_outcomes", ("acme", "completed")] == 1
    assert added["holdfast_run_cost_usd_sum", ("refunds",)] == 12_300_000
    assert added["holdfast_run_cost_usd_bucket", ("refunds", "0.025")] == 1
    assert added["holdfast_run_tokens_sum", ("refunds",)] == 2_400
    assert added["holdfast_run_steps_bucket", ("refunds", "5.0")] == 1
    assert added["holdfast_run_duration_seconds_sum", ("refunds",)] == 95_500_000
    assert added["holdfast_run_working_seconds_sum", ("refunds",)] == 35_500_000


@pytest.mark.requirement("C6.2:amounts")
def test_questions_are_counted_by_what_was_decided_and_how_long_it_took() -> None:
    """What a standing approval or a dry run decided was asked of nobody."""
    asked = Decision(
        approval_id="1", kind="call", verdict="approve", at=_AT, asked_at=_AT - timedelta(minutes=4)
    )
    standing = Decision(approval_id="2", kind="standing approval", verdict="approve", at=_AT)
    people = People().asking("call").asking("answer").asking_again().stopping()

    added = _added(result={"decisions": (asked, standing), "people": people})

    assert added["holdfast_run_approvals_asked", ("refunds", "call")] == 1
    assert added["holdfast_run_approvals_answered", ("refunds", "call", "approve")] == 1
    assert added["holdfast_run_approval_wait_seconds_sum", ("call",)] == 240_000_000
    assert not any("standing approval" in labels for _, labels in added)
    escalated = {labels for name, labels in added if name == "holdfast_run_escalations"}
    assert escalated == {("refunds", "answer"), ("refunds", "asked_again"), ("refunds", "stopped")}


@pytest.mark.requirement("C6.2:amounts")
def test_an_answer_adds_its_classes_and_how_sure_it_was() -> None:
    """By field; only of runs that completed."""
    said = {"answer": {"decision": "pay", "confidence": 0.75}, "logprobs": {"decision": -0.5}}

    added = _added(result=said)

    assert added["holdfast_run_answer_classes", ("refunds", "decision", "pay")] == 1
    assert added["holdfast_run_field_confidence_ratio_sum", ("refunds", "decision")] == 606_531
    assert added["holdfast_run_field_confidence_ratio_sum", ("refunds", "stated")] == 750_000
    limit = _added(result=said, outcome=Outcome.LIMIT)
    assert not any(name.startswith("holdfast_run_answer") for name, _ in limit)


@pytest.mark.requirement("C6.2:amounts")
def test_what_guards_refused_is_counted_by_guard() -> None:
    """Several by one guard are one series."""
    refused = tuple(Rejection(by="rules", what="x", reason="y", turn=n) for n in (1, 2))

    added = _added(result={"rejections": refused})

    assert added["holdfast_run_rejections", ("refunds", "rules")] == 2


@pytest.mark.requirement("C6.2:bounded")
def test_what_is_not_known_is_other() -> None:
    """Anyone can name an agent and a tenant; a model can answer what no schema lists."""
    added = _added(agent="no such agent", tenant="somebody")
    strange = _added(result={"answer": {"decision": "something else"}})

    assert added["holdfast_run_outcomes", ("other", "completed")] == 1
    assert added["holdfast_run_tenant_outcomes", ("other", "completed")] == 1
    assert strange["holdfast_run_answer_classes", ("refunds", "decision", "other")] == 1


@pytest.mark.requirement("C6.2:bounded")
def test_classes_are_the_fields_that_choose_among_few() -> None:
    """Enumerations, also where they are defined apart, and booleans; text and numbers are none."""
    schema = {
        "$defs": {"Kind": {"enum": ["a", "b"]}},
        "properties": {
            "kind": {"$ref": "#/$defs/Kind"},
            "urgent": {"type": "boolean"},
            "note": {"type": "string"},
            "odd": True,
        },
    }

    found = classes_of(schema)

    assert found == {"kind": frozenset({"a", "b"}), "urgent": frozenset({"true", "false"})}
    assert classes_of(None) == {}


@pytest.mark.requirement("C6.2:whole")
@given(value=st.decimals(0, 10**9, places=9))
def test_an_observation_falls_into_one_bucket_that_holds_it(value: Decimal) -> None:
    """The smallest whose bound is not below it; the sum has it exactly."""
    bucket, total = measures.COST.seen(value, "refunds")

    assert Decimal(total.units) == value * 10**9
    bound = bucket.labels[-1]
    assert bound in measures.COST.bounds
    assert value <= Decimal("Infinity" if bound == "+Inf" else bound)
