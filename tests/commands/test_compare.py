"""Two runs side by side: what they have in common, where they part, what differs."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from commands.comparison import aligned, common_turns, compare, fields, p95
from commands.pages.compare import compare_page
from commands.pages.timeline import Called, ShownTurn, Took
from commands.reading import Listed
from commands.sides import Side
from domain.budget import Spend
from tests.pages.cases import HARM
from tests.pages.markup import Parsed

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def _turn(number: int, *calls: tuple[str, str, str], text: str = "", own: bool = True) -> ShownTurn:
    return ShownTurn(
        number=number,
        model="m",
        text=text,
        calls=tuple(Called(*call) for call in calls),
        tokens=10,
        cost_usd=Decimal("0.01"),
        tokens_by_then=10 * number,
        cost_by_then=Decimal(number) / 100,
        taken_back=False,
        folded=False,
        planned=False,
        took=Took(0.5) if own else None,
    )


def _side(name: str, *turns: ShownTurn, answer: object = None, forked_from: str = "") -> Side:
    run = Listed(name, "AgentWorkflow", "a", "", "", "COMPLETED", False, 0.0, _NOON, _NOON, "")
    return Side(
        run=run, kind="agent", outcome="completed", turns=turns, answer=answer,
        forked_from=forked_from, spend=Spend(steps=len(turns), tokens=10 * len(turns)),
    )  # fmt: skip


LOOK = ("look", '{"page": 1}', "one")
ASKS = _turn(1, LOOK)


@pytest.mark.requirement("C6.3:compare")
@pytest.mark.parametrize(
    ("other", "told"),
    [
        (_turn(2, text="done"), ""),
        (_turn(2, text="else"), "turn 2: the model said something else"),
        (_turn(2, LOOK), "turn 2: A answered, B called look"),
    ],
)
def test_where_two_runs_part_is_said(other: ShownTurn, told: str) -> None:
    """The first turn that differs, and what differs in it."""
    found = compare(_side("a", ASKS, _turn(2, text="done")), _side("b", ASKS, other))

    assert found.diverged == told
    assert found.common == (1 if told else 2)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("look", '{"page": 2}', "one"), "turn 1: both called look, with other arguments"),
        (("look", '{"page":1}', "two"), "turn 1: both called look, and it said something else"),
        (("pay", '{"page":1}', "one"), "turn 1: A called look, B called pay"),
    ],
)
def test_what_differs_in_a_call_is_said(call: tuple[str, str, str], told: str) -> None:
    """Its tool, its arguments, or what came back of it; other spaces are no difference."""
    found = compare(_side("a", ASKS), _side("b", _turn(1, call)))

    assert found.diverged == told


def test_a_run_that_went_on_is_told() -> None:
    """One that ended earlier, with all turns in common."""
    found = compare(_side("a", ASKS), _side("b", ASKS, _turn(2, LOOK)))

    assert found.diverged == "turn 2: A made no further model call, B went on"


def test_one_turn_more_does_not_put_the_rest_out_of_step() -> None:
    """After they part, turns that call the same tools stand beside each other."""
    a = [ASKS, _turn(2, ("read", "{}", "x")), _turn(3, text="done")]
    b = [ASKS, _turn(2, ("find", "{}", "f")), _turn(3, ("read", "{}", "y")), _turn(4, text="done")]

    pairs = list(aligned(a, b))

    numbers = [(p.a.number if p.a else 0, p.b.number if p.b else 0, p.how) for p in pairs]
    assert numbers == [(1, 1, "same"), (0, 2, "only"), (2, 3, "result"), (3, 4, "same")]


def test_a_fork_is_compared_from_what_it_has_from_before() -> None:
    """Its inherited turns are common, and it is said that it was forked."""
    inherited = _turn(1, LOOK, own=False)
    found = compare(
        _side("a", ASKS, _turn(2, text="done")),
        _side("b", inherited, _turn(2, text="else"), forked_from="a"),
    )

    assert found.kinship == "B was forked from A after 1 turns"
    assert (found.common, common_turns(found.a.turns, found.b.turns)) == (1, 1)


def test_answers_are_compared_field_by_field() -> None:
    """Nested fields by their path; what only one has is told apart from what is empty."""
    found = fields({"total": 3, "of": {"name": "x"}, "rows": [1]}, {"total": 3, "of": {"name": ""}})

    assert [(each.path, each.a, each.b) for each in found if not each.same] == [
        ("of.name", "x", ""),
        ("rows[0]", "1", None),
    ]


def test_figures_say_by_how_much() -> None:
    """B against A; nothing is divided by nothing."""
    found = compare(_side("a", ASKS), _side("b", ASKS, _turn(2), _turn(3)))

    change = {each.name: each.change for each in found.figures}
    assert change["tokens"] == 2.0
    assert change["decisions"] is None


@pytest.mark.parametrize(("many", "most"), [(1, 1), (20, 19), (100, 95)])
def test_the_slowest_five_in_a_hundred_are_left_out(many: int, most: int) -> None:
    """The nearest rank: a time that was measured, not one between two."""
    assert p95([float(each) for each in range(1, many + 1)]) == most


@pytest.mark.requirement("C6.3:page-safe")
def test_foreign_text_never_becomes_markup() -> None:
    """A comparison of hostile runs has the elements and attributes of a harmless one."""

    def page(text: str) -> Parsed:
        one = _side(text, _turn(1, (text, text, text), text=text), answer={text: text})
        other = _side(text, _turn(1, ("b", text, "c"), text="d"), answer={text: "d"})
        return Parsed(compare_page(compare(one, other)))

    harmless, hostile = page("x"), page(HARM)

    assert hostile.elements == harmless.elements
    assert "script" not in hostile.tags
    assert not hostile.comments
