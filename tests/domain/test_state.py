"""Plans, and what a run remembers."""

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit import Candidate
from domain.loops import withheld
from domain.messages import ROOT, Message, ToolCall, link
from domain.plan import Plan, problems
from domain.state import AgentState, Effected, Turn
from tests.domain.given import state


@pytest.mark.requirement("C2:plan-refused")
@given(
    steps=st.lists(st.lists(st.sampled_from(["look", "put", "fly"]), max_size=2), min_size=1),
    left=st.integers(0, 60),
)
def test_a_plan_fits_when_its_tools_exist_and_its_calls_are_left(
    steps: list[list[str]], left: int
) -> None:
    """Every unknown tool is named; too many steps are too many."""
    plan = Plan.model_validate({"steps": [{"action": "a", "tools": t} for t in steps[:50]]})

    wrong = problems(plan, frozenset({"look", "put"}), left)

    unknown = sum(tools.count("fly") for tools in steps[:50])
    needed = sum(1 for tools in steps[:50] if tools) + 1
    assert len(wrong) == unknown + (needed > left)


@pytest.mark.requirement("C5:fork")
@given(turns=st.integers(0, 8), at=st.integers(0, 8))
def test_an_earlier_state_is_whole(turns: int, at: int) -> None:
    """It ends behind the results of its turn, is proven, and counts what was spent until then."""
    run = state(turns)
    if at > turns:
        with pytest.raises(ValueError, match=f"turns 0 to {turns}"):
            run.at(at)
        return

    earlier = run.at(at)

    assert len(earlier.messages) == 1 + 2 * at
    assert earlier.proven()
    assert (earlier.spend.steps, earlier.spend.tokens) == (at, 10 * at)
    assert (earlier.base, earlier.base_head) == (0, ROOT)
    assert run.head == state(turns).head  # the run itself is not touched


@pytest.mark.requirement("C3:continue-as-new")
@given(turns=st.integers(0, 5), held=st.booleans())
def test_a_state_survives_the_converter_that_drops_what_is_not_set(turns: int, held: bool) -> None:
    """Lists that were filled in place are carried over too."""
    run = state(turns)
    if held:
        run.hold()
    run.leave("x" * 9_000)

    again = AgentState.model_validate_json(run.model_dump_json(exclude_unset=True))

    assert again == run
    assert len(again.not_done[0]) < 600


@pytest.mark.requirement("C3:chain")
def test_only_what_a_worker_made_goes_by_its_id() -> None:
    """What the run wrote itself goes by value; what is held goes not at all."""
    run = state(2)
    run.hold()
    run.add(Message(role="tool", text="made"), made=True)
    run.add(Message(role="user", text="said"), made=False)

    made, said = run.new()

    assert made == Message(role="tool", text="made").id
    assert isinstance(said, Message)
    assert run.head == link(link(run.base_head, str(made)), said.id)


@pytest.mark.requirement("C6c:backtrack")
@given(fresh=st.integers(0, 3), repeats=st.integers(1, 6), at=st.integers(0, 9))
def test_repetitions_are_taken_out_and_the_rest_is_whole(fresh: int, repeats: int, at: int) -> None:
    """All but the first of the repeated turns go; any earlier state still ends at a turn's end."""
    run = state(fresh)
    same = ToolCall(id="c", name="look", arguments='{"again": true}')
    for _ in range(repeats):
        run.add(Message(role="assistant", calls=(same,)), made=True)
        run.turns.append(Turn(messages=len(run.messages), tokens=0, cost_usd=Decimal(0), model="m"))
        run.add(Message(role="tool", text="x", call_id="c"), made=True)

    run.drop_tail((withheld("look", {"again": True}),))

    assert len(run.messages) == 1 + 2 * (fresh + 1)
    assert run.proven()
    earlier = run.at(min(at, len(run.turns)))
    assert earlier.messages[-1].role in {"user", "tool"}
    assert earlier.proven()


@pytest.mark.requirement("C6a:key")
def test_what_was_written_is_not_forgotten_for_a_loop() -> None:
    """A run that wrote keeps its conversation whole."""
    run = state(4)
    run.writes.append(Effected(tool="put", arguments={}, key="k", text="done"))
    before = list(run.messages)

    run.drop_tail(tuple(withheld("look", {"n": number}) for number in range(4)))

    assert run.messages == before


@pytest.mark.requirement("C6:form")
def test_what_was_done_is_listed_in_short() -> None:
    """The last calls, a line each, however long their arguments are."""
    run = state(11)
    huge = ToolCall(id="h", name="put", arguments="x" * 10**6)
    run.add(Message(role="assistant", calls=(huge,)), made=True)
    run.add(Message(role="tool", text="ok", call_id="h"), made=True)

    done = run.done()

    assert done[0] == "(4 calls before these)"
    assert len(done) == 9
    assert max(map(len, done)) < 600


@pytest.mark.requirement("C0:audit-isolated")
@pytest.mark.parametrize("account", ["1787", "A/B", "x" * 5_000, "a\nb", "Ü", "a b", ""])
def test_a_candidate_has_an_id_that_a_server_takes(account: str) -> None:
    """Whatever a ledger calls its accounts, the run's name is short, plain and its own."""
    day = date(2024, 1, 6)
    candidate = Candidate(account_id=account, days=(day,), until=day, why="")

    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,64}-2024-01-06", candidate.id)
    other = candidate.model_copy(update={"account_id": account + "x"})
    assert other.id != candidate.id
