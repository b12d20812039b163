"""Rules over a run's history, in runs: what carries the history along, and what counts."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from agents.delegation import hand_off
from agents.rules import at_most, distinct, needs, never_after, only_if, owes, total
from agents.toolkit import Agent, ToolUnavailableError
from domain.run import Outcome
from domain.state import AgentState
from tests.fakes import Say, Step, call, calls, refused
from tests.workflows.stage import Handle, Stage, agent
from tests.workflows.team import Errand, by_agent, errand, team
from tests.workflows.world import PATIENT, World, reading, writing

RULES = [
    needs("refund", earlier="lookup", same={"item": "key"}),
    never_after("note", earlier="close", same="item"),
    at_most("mail", 3),
    total("pay", "item", below=100),
    distinct("dial", "item", most=2),
    only_if("ship", earlier="lookup", same={"item": "key"}, field="status", one_of=["paid"]),
    owes("book", by="confirm", same="item"),
]
ORDERS = {"a": '{"status": "paid"}', "b": '{"status": "open"}'}
NAMES = ("refund", "note", "close", "mail", "pay", "dial", "ship", "book", "confirm")

# What a run does before it is carried along, and then: tool, item, whether it may.
BEFORE = [
    ("lookup", "a"), ("lookup", "b"), ("close", "1"), ("mail", "x"), ("mail", "y"), ("pay", "60"),
    ("dial", "x"), ("dial", "y"), ("book", "seat"),
]  # fmt: skip
AFTER = [
    ("refund", "a", True), ("refund", "z", False), ("note", "2", True), ("note", "1", False),
    ("mail", "x", True), ("mail", "y", False), ("pay", "30", True), ("pay", "50", False),
    ("dial", "x", True), ("dial", "z", False), ("ship", "a", True), ("ship", "b", False),
]  # fmt: skip


def ruled(world: World, **changes: Any) -> Agent:
    """Return an agent whose writes note what they do, under all rules."""
    tools = [reading(ORDERS), *(writing(world, name, idempotent=True) for name in NAMES)]
    return bare(tools=tools, **({"rules": RULES} | changes))


def bare(**changes: Any) -> Agent:
    """Return an agent that has its rules and no other guard."""
    return agent("tester", **({"guards": None} | changes))


def turn(wanted: Sequence[tuple[Any, ...]]) -> Say:
    """Say all of these calls in one turn."""
    named = (({"lookup": "key"}.get(tool, "item"), tool, item) for tool, item, *_ in wanted)
    return calls(*((tool, {key: item}) for key, tool, item in named))


def held(results: Sequence[str]) -> None:
    """Check that exactly what breaks a rule was refused, and says which rule."""
    for (tool, item, may), text in zip(AFTER, results[-len(AFTER) :], strict=True):
        if may:
            assert text == (f"{tool} {item}: done"), (tool, item)
        else:
            assert json.loads(text.removeprefix("refused: "))["by"] == "rules", (tool, item, text)


ENDING: list[Step] = [turn(AFTER), "too early", call("confirm", item="seat"), "done"]


@pytest.mark.requirement("C5.3:rules-hold")
async def test_all_rules_hold_through_continue_as_new(stage: Stage, impatient: Client) -> None:
    """What was done before the history was begun anew still counts, for each form."""
    stage.client, world = impatient, World()
    padding = [call("lookup", key=str(number)) for number in range(6)]
    await stage.play(ruled(world), [turn(BEFORE), *padding, *ENDING])

    result = await stage.run()

    assert result.continued >= 1
    assert result.outcome is Outcome.COMPLETED
    held(stage.provider.asked[-3].results)
    assert "confirm" in stage.provider.asked[-2].said
    assert {each.by for each in result.rejections} == {"rules"}


@pytest.mark.requirement("C5.3:rules-hold")
async def test_all_rules_hold_through_a_resume(stage: Stage) -> None:
    """A reset forgets the last turn; what was done before it counts, and nothing twice."""
    world = World()
    script = [turn(BEFORE), call("lookup", key="c"), refused(), *ENDING]
    await stage.play(ruled(world), script)
    handle = await stage.start()
    await stage.stopped(handle)

    await reset(stage, handle, keep=2)
    result = await stage.result(stage.client.get_workflow_handle(handle.id))

    assert result.outcome is Outcome.COMPLETED
    held(stage.provider.asked[-3].results)
    assert world.done.count("pay 60") == 1


@pytest.mark.requirement("C5.3:rules-hold")
async def test_all_rules_hold_in_a_fork(stage: Stage) -> None:
    """What the original did before the fork counts; what it did after it does not."""
    world = World()
    later = [call("mail", item="z"), call("pay", item="39"), call("close", item="2"), "x"]
    await stage.play(ruled(world, revisions=0, approvals=PATIENT), [turn(BEFORE), *later, *ENDING])
    first = await stage.start()
    await stage.asked(first)  # the answer owes a confirmation: a person is asked at once
    await stage.decide(first, verdict="approve")
    await stage.result(first)

    state = await first.query("snapshot", 1, result_type=AgentState)
    state = state.model_copy(update={"lineage": uuid4().hex})
    stage.agents["tester"] = ruled(world)
    second = await stage.start(state=state.model_dump(mode="json"), forked_from=first.id)
    question = await stage.asked(second)
    await stage.decide(second, verdict="approve")
    await stage.result(second)

    held(stage.provider.asked[-1].results)
    assert question["kind"] == "answer"


async def reset(stage: Stage, handle: Handle, keep: int) -> None:
    """Take a run up again from before its model call number `keep` + 1."""
    history = await handle.fetch_history()
    kind = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    thinks = [
        event.activity_task_scheduled_event_attributes.workflow_task_completed_event_id
        for event in history.events
        if event.event_type == kind
        and event.activity_task_scheduled_event_attributes.activity_type.name == "llm.think"
    ]
    await stage.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=stage.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            reason="test",
            workflow_task_finish_event_id=thinks[keep],
            request_id=uuid4().hex,
        )
    )


# --- what counts


@pytest.mark.requirement("C5.3:rules-one-turn")
async def test_calls_of_one_turn_count_in_their_order(stage: Stage) -> None:
    """The fourth of four is refused before any runs; a lookup in the same turn counts if it ran."""
    world = World()
    mails = [("mail", item) for item in "1234"]
    mixed = [("refund", "a"), ("lookup", "a"), ("lookup", "b"), ("refund", "b")]
    await stage.play(ruled(world), [turn(mails), turn(mixed), "done"])

    await stage.run()

    assert world.done == ["mail 1", "mail 2", "mail 3", "refund b"]


@pytest.mark.requirement("C5.3:rules-not-done")
async def test_what_did_not_run_is_not_done(stage: Stage) -> None:
    """A failed lookup allows no refund, in its turn nor later; a refused write uses nothing up."""
    world = World()
    lookup = reading({"a": ValueError("broken")}, fallback="flag", attempts=1)
    mail = writing(world, "mail", idempotent=True)
    tools = [lookup, mail, writing(world, "refund")]
    script = [
        turn([("lookup", "a"), ("refund", "a")]),
        call("refund", item="a"),
        *(call("mail", item="refused") for _ in range(2)),
        turn([("mail", item) for item in "123"]),
        "done",
    ]
    await stage.play(bare(tools=tools, rules=RULES[:1] + RULES[2:3], loops=None), script)

    await stage.run()

    assert world.done == ["mail 1", "mail 2", "mail 3"]
    assert "this run has not done lookup" in stage.provider.asked[1].said
    assert "this run has not done lookup" in stage.provider.asked[2].said


@pytest.mark.requirement("C5.3:rules-not-done")
async def test_what_a_person_refuses_is_not_done_and_what_stands_in_is(stage: Stage) -> None:
    """A rejected payment uses nothing up; a fallback's call counts as the tool that ran."""
    world = World()
    pay = writing(world, "pay", effect="irreversible")
    gone: list[BaseException] = [ToolUnavailableError("away") for _ in range(3)]
    wire = writing(world, "wire", trouble=gone, fallback="mail", idempotent=True, attempts=1)
    rules = [total("pay", "item", up_to=100), at_most("mail", 1)]
    script = [call("pay", item="90"), call("pay", item="80"), call("wire", item="x"),
              call("wire", item="y"), "done"]  # fmt: skip
    tools = [pay, wire, writing(world, "mail", idempotent=True)]
    await stage.play(bare(tools=tools, rules=rules, approvals=PATIENT), script)
    handle = await stage.start()
    first = await stage.asked(handle)
    await stage.decide(handle, verdict="reject")
    await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
    await stage.decide(handle, verdict="approve")

    await stage.result(handle)

    assert world.done == ["pay 80", "mail x"]
    assert "at most 1 mail" in stage.provider.asked[-1].said


@pytest.mark.requirement("C5.3:rules-modified")
async def test_what_a_person_made_of_it_counts(stage: Stage) -> None:
    """Changed arguments are judged as the model's are, and are what is added up."""
    world = World()
    pay = writing(world, "pay", effect="irreversible")
    script = [call("pay", item="10"), call("pay", item="30"), "done"]
    await stage.play(bare(tools=[pay], rules=RULES[3:4], approvals=PATIENT), script)
    handle = await stage.start()
    await stage.asked(handle)
    await handle.signal("modify", {"arguments": {"item": "100"}})
    ignored = await stage.until(handle, lambda status: status.ignored)
    await stage.decide(handle, verdict="modify", arguments={"item": "80"})

    await stage.result(handle)

    assert "make 100" in ignored.ignored[0]
    assert world.done == ["pay 80"]
    assert "80 so far and 30 more make 110" in stage.provider.asked[-1].said


@pytest.mark.requirement("C5.3:rules-in-doubt")
async def test_a_write_that_nobody_can_say_of_counts(stage: Stage) -> None:
    """One mail may have gone; a maximum of one is used up."""
    policy = PATIENT.model_copy(update={"timeout": PATIENT.timeout / 1500})
    mail = writing(World(), "mail", trouble=[ConnectionError("gone")])
    script = [call("mail", item="a"), call("mail", item="b"), "done"]
    await stage.play(bare(tools=[mail], rules=[at_most("mail", 1)], approvals=policy), script)

    await stage.run()

    assert "it is unknown" in stage.provider.asked[1].said
    assert "this run has done 1 of them" in stage.provider.asked[2].said


@pytest.mark.requirement("C5.3:rules-ask")
async def test_a_rule_may_leave_the_call_to_a_person(stage: Stage) -> None:
    """What they grant runs; what they refuse does not."""
    world = World()
    rule = total("pay", "item", up_to=100, otherwise="ask")
    script = [call("pay", item="60"), call("pay", item="70"), call("pay", item="80"), "done"]
    await stage.play(bare(tools=[writing(world, "pay")], rules=[rule], approvals=PATIENT), script)
    handle = await stage.start()
    first = await stage.asked(handle)
    await stage.decide(handle, verdict="approve")
    await stage.until(handle, lambda s: s.question and s.question["id"] != first["id"])
    await stage.decide(handle, verdict="reject")

    await stage.result(handle)

    assert "60 so far and 70 more make 130" in first["why"]
    assert world.done == ["pay 60", "pay 70"]


@pytest.mark.requirement("C5.3:rules-below")
async def test_a_maximum_holds_for_the_runs_below(stage: Stage) -> None:
    """Two helpers of one turn and the caller share three mails; a helper's lookup counts too."""
    world = World()
    mail = writing(world, "mail", idempotent=True)
    mails = [call("mail", item="1"), call("mail", item="2"), "sent"]
    script = by_agent(
        caller=[
            calls(("ask_helper", {"item": "a"}), ("ask_helper", {"item": "b"})),
            call("mail", item="3"),
            call("refund", item="seen"),
            "done",
        ],
        helper=[call("lookup", key="seen"), *mails, *mails],
    )
    played = team(
        [errand(), mail, writing(world, "refund", idempotent=True)],
        guards=None,
        rules=[at_most("mail", 3), RULES[0]],
        helper={"guards": None, "tools": [reading(), mail], "rules": [at_most("mail", 2)]},
    )
    await stage.play(played, script)

    await stage.run()

    assert world.done == ["mail 1", "mail 2", "mail 1", "refund seen"]
    told = [asked.said for asked in stage.provider.asked if "refused" in asked.said]
    assert [("caller: at most 3" in text, "at most 3" in text) for text in told] == [
        (True, True),
        (False, True),
    ]


@pytest.mark.requirement("C5.3:rules-handed-on")
async def test_rules_outlive_a_hand_off(stage: Stage) -> None:
    """The agent that goes on is held to the first one's maximum, and to what is owed."""
    world = World()
    mail, confirm = writing(world, "mail", idempotent=True), writing(world, "confirm")
    script = by_agent(
        caller=[call("mail", item="1"), call("hand_to_helper", item="x")],
        helper=[call("mail", item="2"), "early", call("confirm", item="1"), "late"],
    )
    served = team(
        [mail, hand_off("helper", Errand, does="Hands on.")],
        guards=None,
        rules=[at_most("mail", 1), owes("mail", by="confirm", same="item")],
        helper={"guards": None, "tools": [mail, confirm]},
    )
    await stage.play(served, script)

    result = await stage.run()

    assert world.done == ["mail 1", "confirm 1"]
    assert result.answer == "late"
    assert "caller: at most 1 mail" in stage.provider.asked[3].said
    assert "confirm" in stage.provider.asked[4].said


@pytest.mark.requirement("C5.3:rules-refuse")
async def test_a_rule_that_cannot_be_judged_wedges_nothing(stage: Stage) -> None:
    """It is refused with the reason, and the run goes on to its end."""
    world = World()
    script = [call("pay", item="lots"), call("pay", item="5"), "done"]
    await stage.play(bare(tools=[writing(world, "pay")], rules=RULES[3:4]), script)

    result = await stage.run()

    assert "'lots' is no number" in stage.provider.asked[1].said
    assert (result.outcome, world.done) == (Outcome.COMPLETED, ["pay 5"])
