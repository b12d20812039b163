"""A plan of sub-tasks: what can be followed, and what is said of what cannot."""

import pytest

from domain.research import SubTask, plan_problems


def _task(name: str, specialist: str, *needs: str) -> SubTask:
    return SubTask(id=name, specialist=specialist, instruction="look", needs=needs)


SEARCH = _task("s", "researcher_search")
PUT = _task("p", "researcher_synthesis", "s")
WRITE = _task("w", "researcher_writer", "p")


@pytest.mark.requirement("C4.2:plan")
def test_a_plan_that_searches_puts_together_and_writes_can_be_followed() -> None:
    """In any order in the list, with any number of searches."""
    more = _task("s2", "researcher_reader")
    both = _task("p", "researcher_digest", "s", "s2")

    assert plan_problems((WRITE, PUT, SEARCH)) == ()
    assert plan_problems((SEARCH, more, both, WRITE)) == ()


@pytest.mark.requirement("C4.2:plan")
@pytest.mark.parametrize(
    ("tasks", "problem"),
    [
        ((SEARCH, SEARCH, PUT, WRITE), "two sub-tasks have the id 's'"),
        ((_task("s", "nobody"), PUT, WRITE), "the specialist 'nobody'"),
        ((SEARCH, _task("p", "researcher_digest", "x"), WRITE), "'x', which is not in the plan"),
        ((SEARCH, _task("p", "researcher_digest", "s", "p"), WRITE), "in a circle: ['p', 'w']"),
        ((SEARCH, PUT), "one sub-task writes the report, not 0"),
        ((SEARCH, PUT, WRITE, _task("w2", "researcher_editor", "p")), "not 2"),
        ((SEARCH, PUT, _task("w", "researcher_writer", "s")), "needs results of 'synthesise' only"),
        ((SEARCH, PUT, _task("w", "researcher_writer")), "needs results of 'synthesise' only"),
        ((_task("s", "researcher_search", "s2"), _task("s2", "researcher_search"), PUT, WRITE),
         "a search needs nothing"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_followed_says_why(tasks: tuple[SubTask, ...], problem: str) -> None:
    """One sentence for whoever wrote it, a model or a person."""
    assert any(problem in each for each in plan_problems(tasks))
