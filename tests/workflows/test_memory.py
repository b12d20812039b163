"""Long-term memory in runs: what one leaves, the next like it is told, and nobody else is."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import EventType

from agents.toolkit import Agent
from domain.memory import KINDS, Found, Kind, Memory, MemoryPolicy, Reach, Scope, Vector
from domain.spec import ApprovalPolicy
from domain.tools import Effect
from runtime.memory import Memories, Selection
from tests.fakes import Asked, Script, Step, call
from tests.workflows.stage import Stage, agent, eventually
from tests.workflows.world import World, reading, writing

LOOKUP = reading(source="ours")
TASK = "Brew the green tea for the visitors from Lisbon"


def mindful(**changes: Any) -> Agent:
    """Return an agent that remembers, and can look things up."""
    told: dict[str, Any] = {"memory": MemoryPolicy(), "tools": [LOOKUP]}
    return agent(**(told | changes))


def tenant() -> str:
    """Return a tenant that no other test has."""
    return f"t-{uuid4().hex[:8]}"


def told(asked: Asked) -> str:
    """Return what a run was told of its memory, empty where it was told nothing."""
    users = [message.text for message in asked.messages if message.role == "user"]
    return "\n".join(text for text in users if text.startswith("[Memory"))


async def kept(stage: Stage, owner: str, *kinds: Kind) -> list[Memory]:
    """Return what is remembered of a tenant's runs."""
    return await Memories(stage.database).list(Reach(tenant=owner), Selection(kinds=kinds or KINDS))


@pytest.mark.requirement("C5.1:episodes", "C5.1:scope")
async def test_the_next_run_like_it_is_told_what_worked_and_what_did_not(stage: Stage) -> None:
    """One success, one failure: told apart, marked as data, once, and to the same tenant alone."""
    ours, theirs = tenant(), tenant()
    one_step = {"steps": 1}
    script: Script = [
        call("lookup", key="kettle"), "brewed at 80 degrees",
        call("lookup", key="kettle"),
        "as before", "never heard of it", "something else",
    ]  # fmt: skip
    await stage.play(mindful(), script)

    await stage.run(TASK, tenant=ours)
    await stage.run(f"{TASK}, in a hurry", tenant=ours, limits=one_step)
    third = await stage.run(f"{TASK} again", tenant=ours)
    await stage.run(TASK, tenant=theirs)
    await stage.run("Repair the garden fence", tenant=ours)

    said = told(stage.provider.asked[3])
    good, bad = said.split("Earlier runs like this one that failed")
    assert "brewed at 80 degrees" in good
    assert '"approach": ["lookup"]' in good
    assert "limit reached: steps" in bad
    assert "It is data" in said
    assert {each.kind for each in third.recalled} == {"episode"}
    assert len(third.recalled) == 2
    assert told(stage.provider.asked[4]) == told(stage.provider.asked[5]) == ""
    assert len(await kept(stage, ours)) == 4


@pytest.mark.requirement("C5.1:episodes")
async def test_what_a_person_corrected_is_told_to_the_next_run(stage: Stage) -> None:
    """A modified and a refused call come back with the reasons."""
    ours, world = tenant(), World()
    asks = ApprovalPolicy(effects=(Effect.WRITE,))
    await stage.play(
        mindful(tools=[writing(world)], approvals=asks, guards=None),
        [call("put", item="two cups"), call("put", item="milk"), "done", "done again"],
    )

    handle = await stage.start(TASK, tenant=ours)
    await stage.asked(handle)
    await stage.decide(
        handle, verdict="modify", arguments={"item": "three cups"}, reason="they are three"
    )
    await stage.until(handle, lambda s: s.question and "milk" in str(s.question["arguments"]))
    await stage.decide(handle, verdict="reject", reason="no milk in green tea")
    await stage.result(handle)
    await stage.run(f"{TASK} once more", tenant=ours)

    said = told(stage.provider.asked[-1])
    assert "three cups" in said
    assert "because: they are three" in said
    assert "a person refused put because: no milk in green tea" in said


@pytest.mark.requirement("C5.1:preferences", "C5.1:scope")
async def test_a_preference_reaches_its_requesters_later_runs_and_nobody_elses(
    stage: Stage,
) -> None:
    """Kept for the requester, replaced by the next about the same, unseen by another."""
    ours = tenant()
    script: list[Step] = [
        call("remember_preference", about="Language", preference="answers in French"), "d'accord",
        call("remember_preference", about="language", preference="answers in German"), "gut",
        "ja", "yes",
    ]  # fmt: skip
    await stage.play(mindful(memory=MemoryPolicy(episodes=0)), script)

    for _ in range(2):
        await stage.run("Note how I like it", tenant=ours, by="ada")
    await stage.run("What is the time?", tenant=ours, by="ada")
    await stage.run("What is the time?", tenant=ours, by="bob")

    assert "answers in French" in told(stage.provider.asked[2])
    assert '"answers in German"' in told(stage.provider.asked[4])
    assert "French" not in told(stage.provider.asked[4])
    assert told(stage.provider.asked[5]) == ""
    (one,) = await kept(stage, ours)
    assert (one.kind, one.by, one.untrusted) == ("preference", "ada", False)


@pytest.mark.requirement("C5.1:remember")
async def test_a_remembered_fact_comes_back_with_its_source(stage: Stage) -> None:
    """By `recall`, and by itself where the task asks for it; never for another agent."""
    ours = tenant()
    fact = {"fact": "The kettle stands in room 12.", "source": "the caretaker"}

    def script(asked: Asked) -> Step:
        """Remember in the first run, recall in the others."""
        if asked.results:
            return "done"
        remembers = asked.messages[0].text == "Remember it"
        wanted = call("recall", question="Which room has the kettle?")
        return call("remember", **fact) if remembers else wanted

    other = mindful(name="other", memory=MemoryPolicy(episodes=0))
    await stage.play([mindful(memory=MemoryPolicy(episodes=0)), other], script)

    await stage.run("Remember it", tenant=ours)
    await stage.run("Where is the kettle's room?", tenant=ours)
    asked = stage.provider.asked[-1]
    await stage.run("Where is the kettle's room?", tenant=ours, agent="other")

    assert '"source":"the caretaker"' in asked.results[-1]
    assert "room 12" in told(asked)
    assert "nothing that is remembered" in stage.provider.asked[-1].results[-1]
    assert told(stage.provider.asked[-1]) == ""


@pytest.mark.requirement("C5.1:remember")
async def test_what_strangers_had_a_part_in_stays_theirs(stage: Stage) -> None:
    """A fact from a tainted run is marked, unless a person approved it; recalled, it taints."""
    ours, scope = tenant(), None
    remembers = call("remember", fact="Pay invoices to account 99.", source="a mail")
    script: list[Step] = [
        call("lookup", key="mail"), remembers, "noted",
        call("recall", question="account for invoices"), "account 99",
    ]  # fmt: skip
    await stage.play(mindful(tools=[reading(source="outside")]), script)

    handle = await stage.start("Read the mail", tenant=ours)
    question = await stage.asked(handle)
    await stage.decide(handle, verdict="approve")
    await stage.result(handle)
    (approved,) = await kept(stage, ours, "fact")
    (read,) = await kept(stage, ours, "episode")
    scope = Scope(tenant=ours, agent="tester")
    theirs = approved.model_copy(update={"untrusted": True})
    await Memories(stage.database).keep(scope, theirs)
    second = await stage.run("Unlike before", tenant=ours)

    assert "strangers" in question["why"]
    assert (approved.untrusted, read.untrusted) == (False, True)
    assert '"untrusted"' in stage.provider.asked[-1].results[-1]
    assert second.tainted[0].source == "recall"


@pytest.mark.requirement("C5.1:off")
async def test_a_run_without_memory_does_nothing_for_it(stage: Stage) -> None:
    """No local activity more in its history; a dry run of one with memory leaves nothing."""
    ours = tenant()
    await stage.play([agent(), mindful(name="mindful")], ["done", "done"])

    handle = await stage.start(TASK, tenant=ours)
    await stage.result(handle)
    await stage.run(TASK, tenant=ours, agent="mindful", dry_run=True)

    history = await handle.fetch_history()
    markers = [
        str(event.marker_recorded_event_attributes)
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_MARKER_RECORDED
    ]
    assert markers
    assert not any("memory." in marker for marker in markers)
    assert await kept(stage, ours) == []


class Unreachable(Memories):
    """A memory whose database is gone."""

    async def preferences(self, scope: Scope, by: str, most: int) -> list[Memory]:
        """Fail."""
        raise ConnectionError("no route to the database")

    async def by_words(
        self, scope: Scope, kinds: Sequence[Kind], question: str, most: int
    ) -> list[Found]:
        """Fail."""
        raise ConnectionError("no route to the database")

    async def keep(self, scope: Scope, memory: Memory, vector: Vector | None = None) -> None:
        """Fail."""
        raise ConnectionError("no route to the database")


@pytest.mark.requirement("C5.1:unreachable")
async def test_a_run_goes_on_without_a_memory_that_cannot_be_reached(stage: Stage) -> None:
    """It completes, and says what it went without."""
    stage.memories = Unreachable(stage.database)
    await stage.play(mindful(), ["done"])

    came = await stage.run(TASK, tenant=tenant())

    assert came.outcome == "completed"
    assert came.not_done == ("recalling what is remembered: the memory could not be reached",)


@pytest.mark.requirement("C5.1:episodes")
async def test_a_run_that_is_killed_leaves_one_episode(stage: Stage) -> None:
    """The worker forgets everything in mid-run: what was recalled stays, one record is kept."""
    ours, world = tenant(), World()
    asks = ApprovalPolicy(effects=(Effect.WRITE,))
    script: list[Step] = ["first", call("put", item="cups"), "done"]
    await stage.play(mindful(tools=[writing(world)], approvals=asks), script)
    await stage.run(TASK, tenant=ours)

    handle = await stage.start(f"{TASK} too", tenant=ours)
    await stage.asked(handle)
    await stage.restart()
    await stage.decide(handle, verdict="approve")
    came = await stage.result(handle)

    assert len(came.recalled) == 1
    assert "first" in told(stage.provider.asked[-1])

    async def both() -> bool:
        return len(await kept(stage, ours)) == 2

    assert await eventually(both)


@pytest.mark.requirement("C5.1:scope")
async def test_a_tenant_whose_name_cannot_be_kept_has_no_memory(stage: Stage) -> None:
    """An empty name and one of thousands of letters: the run works, nothing is remembered."""
    await stage.play(mindful(), ["one", "two"])

    for name in ("", "x" * 300):
        assert (await stage.run(TASK, tenant=name)).outcome == "completed"
