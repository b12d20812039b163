"""What counts for rules, in runs: order, doubt, people, runs below, hand-offs."""

import pytest

from agents.delegation import hand_off
from agents.rules import at_most, owes, total
from agents.toolkit import ToolUnavailableError
from domain.run import Outcome
from tests.fakes import call, calls
from tests.workflows.ruled import RULES, bare, ruled, turn
from tests.workflows.stage import Stage
from tests.workflows.team import Errand, by_agent, errand, team
from tests.workflows.world import PATIENT, World, reading, writing


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
