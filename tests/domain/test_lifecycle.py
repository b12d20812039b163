"""The one table of states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lifecycle import FINAL, MOVES, WAITS, IllegalTransitionError, Lifecycle, State


@pytest.mark.requirement("C4:table")
@given(path=st.lists(st.sampled_from([*State]), max_size=12))
def test_a_run_moves_by_the_table_alone(path: list[State]) -> None:
    """Whatever is asked of it, a run is only where the table lets it go; else it fails loudly."""
    life = Lifecycle()
    for to in path:
        before = life.state
        if to in MOVES[before]:
            life.move(to)
            assert life.state is to
        else:
            with pytest.raises(IllegalTransitionError, match=f"from {before} to {to}"):
                life.move(to)
            assert life.state is before


@pytest.mark.requirement("C4:table")
def test_the_table_is_the_designs() -> None:
    """Review leads to revision and back to work; waits are entered from work; ends are final."""
    assert MOVES[State.REVIEWING] >= {State.REVISING, State.COMPLETE}
    assert MOVES[State.REVISING] == {State.EXECUTING}
    assert all(not MOVES[state] for state in FINAL)
    assert State.REJECTED in MOVES[State.INTAKE] & MOVES[State.VALIDATING]
    working = {State.PLANNING, State.EXECUTING, State.REVIEWING}
    assert all(MOVES[state] >= WAITS for state in working)
    assert {s for s in State if s not in FINAL} == {s for s in State if MOVES[s] or s in WAITS}


@pytest.mark.requirement("C4:waits-return")
@pytest.mark.parametrize("wait", sorted(WAITS))
@pytest.mark.parametrize("origin", [State.PLANNING, State.EXECUTING, State.REVIEWING])
def test_a_wait_returns_to_where_it_came_from(wait: State, origin: State) -> None:
    """PENDING_APPROVAL and STOPPED go back, and nowhere else."""
    life = Lifecycle()
    for state in (State.VALIDATING, State.PLANNING, State.EXECUTING, State.REVIEWING):
        life.move(state)
        if state is origin:
            break
    life.move(wait)

    with pytest.raises(IllegalTransitionError):
        life.move(State.COMPLETE)
    life.back()

    assert life.state is origin
    with pytest.raises(IllegalTransitionError):
        life.back()
