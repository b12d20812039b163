"""Rules over a run's history: what each form allows, and what carries it along."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.rules import at_most, distinct, needs, never_after, only_if, owes, problems, total
from domain.rule_log import MOST_ACTS, Act
from domain.rules import Rule, Ruled
from domain.ruling import breaches
from domain.tools import ToolSpec
from tests.domain.given import JSON
from tests.domain.ruled import History, spec_of

Probe = Callable[[History], bool]


def _lookup(run: History) -> None:
    run.did("find", id="A-1", result={"status": "paid", "paid": 40})
    run.did("find", id="A-2", result={"status": "open", "paid": 0})


FORMS: dict[str, tuple[Rule, Callable[[History], Any], Probe, Probe]] = {
    "needs": (
        needs("refund", earlier="find", same={"order": "id"}),
        _lookup,
        lambda run: run.judged("refund", order="A-1") is None,
        lambda run: run.judged("refund", order="A-9") is None,
    ),
    "never_after": (
        never_after("note", earlier="close", same="case"),
        lambda run: run.did("close", case="7"),
        lambda run: run.judged("note", case="8") is None,
        lambda run: run.judged("note", case=7) is None,
    ),
    "at_most": (
        at_most("mail", 2, per="to"),
        lambda run: [run.did("mail", to="a@x"), run.did("mail", to=["A@x", "b@x"])],
        lambda run: run.judged("mail", to="b@x") is None,
        lambda run: run.judged("mail", to="a@x") is None,
    ),
    "total": (
        total("pay", "amount", below=Decimal(100)),
        lambda run: [run.did("pay", amount=59.5), run.did("pay", amount="0.5")],
        lambda run: run.judged("pay", amount=39.99) is None,
        lambda run: run.judged("pay", amount=40) is None,
    ),
    "distinct": (
        distinct("dial", "number", most=2),
        lambda run: [run.did("dial", number="1"), run.did("dial", number="2")],
        lambda run: run.judged("dial", number=2) is None,
        lambda run: run.judged("dial", number="3") is None,
    ),
    "only_if": (
        only_if("ship", earlier="find", field="status", same={"order": "id"}, one_of=["paid"]),
        _lookup,
        lambda run: run.judged("ship", order="A-1") is None,
        lambda run: run.judged("ship", order="A-2") is None,
    ),
    "only_if up to": (
        only_if("refund", "cents", earlier="find", field="paid", same={"order": "id"}),
        _lookup,
        lambda run: run.judged("refund", order="A-1", cents=40) is None,
        lambda run: run.judged("refund", order="A-1", cents=41) is None,
    ),
    "owes": (
        owes("book", by="confirm", same="seat"),
        lambda run: [run.did("book", seat=1), run.did("confirm", seat=1), run.did("book", seat=2)],
        lambda run: "seat '2'" in run.owes()[0].why,
        lambda run: len(run.owes()) != 1,
    ),
}


@pytest.mark.requirement("C5.3:rules")
@pytest.mark.requirement("C5.3:rules-hold")
@pytest.mark.parametrize("carried", ["as it is", "continued", "forked", "forked earlier"])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_allows_and_refuses_wherever_the_run_goes_on(form: str, carried: str) -> None:
    """After continue-as-new and in a fork it knows what was done; a fork from before does not."""
    rule, before, allowed, refused = FORMS[form]
    run = History(rule)
    before(run)

    if carried == "continued":
        run = run.continued()
    if carried == "forked":
        run = run.forked(run.turn)
    if carried == "forked earlier":
        assert run.forked(0).state.acts == []
        return

    assert allowed(run)
    assert not refused(run)


@pytest.mark.requirement("C5.3:rules-hold")
def test_a_fork_counts_what_was_done_up_to_its_turn() -> None:
    """Of three mails it counts those of the turns before it, also when they were taken together."""
    run = History(at_most("mail", 3))
    for _ in range(3):
        run.did("mail", to="a")

    assert run.judged("mail") is not None
    assert run.forked(2).judged("mail") is None
    assert [len(run.forked(turn).state.acts) for turn in range(4)] == [0, 1, 2, 3]


@pytest.mark.requirement("C5.3:rules-in-doubt")
def test_a_doubt_counts_against_a_maximum_and_fulfils_nothing() -> None:
    """What may have happened is used up, and was not surely done."""
    run = History(at_most("mail", 1), needs("refund", earlier="mail"), owes("book", by="mail"))
    run.did("book")
    run.did("mail", doubt=True)

    assert run.judged("mail") is not None
    assert run.judged("refund") is not None
    assert run.owes()


@pytest.mark.requirement("C5.3:rules-refuse")
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({}, "without 'amount'"),
        ({"amount": None}, "without 'amount'"),
        ({"amount": "much"}, "no number"),
        ({"amount": True}, "no number"),
        ({"amount": "NaN"}, "no number"),
        ({"amount": "1e999999999"}, "no number"),
        ({"amount": -5}, "negative"),
        ({"amount": {"cents": 5}}, "no number"),
        ({"amount": [60, 60]}, "make 120"),
        ({"amount": "99.9999999999"}, "make 100"),
    ],
)
def test_an_amount_that_cannot_be_judged_is_refused(arguments: dict[str, Any], why: str) -> None:
    """Missing, no number, negative, too exact: the reason is named, and nothing breaks."""
    breach = History(total("pay", "amount", below=100)).judged("pay", **arguments)

    assert breach is not None
    assert why in breach.why


@pytest.mark.requirement("C5.3:rules-refuse")
@given(arguments=st.dictionaries(st.sampled_from(["order", "to", "amount"]), JSON), result=JSON)
def test_no_arguments_and_no_result_break_a_rule(arguments: dict[str, Any], result: Any) -> None:
    """Whatever a model or a tool writes, it is judged, taken down and carried over."""
    run = History(
        *(rule for rule, *_ in FORMS.values()),
        total("mail", "amount", up_to=10, per="to"),
        distinct("mail", "order.deep", most=1),
    )

    for tool in ("find", "refund", "mail", "pay", "ship", "book"):
        run.judged(tool, **arguments)
        run.did(tool, result=result, **arguments)
        run.judged(tool, **arguments)

    assert run.continued().state == run.state


@pytest.mark.requirement("C5.3:rules-refuse")
def test_a_default_and_a_path_are_read() -> None:
    """What a call leaves out has its declared default; a path goes through objects and lists."""
    tool = spec_of("pay", amount={"type": "number", "default": 70})
    run = History(total("pay", "amount", up_to=100), total("order", "rows.sum", up_to=10))
    act = Act(turn=1, level=0, tool="pay", values={"amount": ("70",)})
    run.state.acts.append(act)

    assert "make 140" in breaches(run.levels, run.state.acts, tool, {})[0].why
    assert run.judged("order", rows=[{"sum": 4}, {"sum": 6}]) is None
    assert run.judged("order", rows=[{"sum": 4}, {"sum": 7}]) is not None


@pytest.mark.requirement("C5.3:rules-bounded")
def test_thousands_of_turns_leave_a_short_log() -> None:
    """What is asked again, what only counts and what no rule names does not make it grow."""
    run = History(
        needs("refund", earlier="find", same={"order": "id"}),
        total("pay", "amount", below=10**9),
        at_most("pay", 10**6),
    )
    for number in range(3_000):
        run.did("find", id=number % 7)
        run.did("pay", amount="0.1", to=str(number))
        run.did("other", of="no rule")

    assert len(run.state.acts) <= MOST_ACTS + 50
    assert run.judged("pay", amount=10**9 - 300) is not None
    assert run.judged("pay", amount=10**9 - 301) is None
    assert run.judged("refund", order=3) is None


@pytest.mark.requirement("C5.3:rules-bounded")
def test_a_log_that_holds_no_more_refuses_what_it_would_have_to_count() -> None:
    """It forgets what only allows, and never what forbids."""
    run = History(
        at_most("mail", 1, per="to"), needs("refund", earlier="find", same={"order": "id"})
    )
    for number in range(MOST_ACTS + 400):
        run.did("find", id=number)
    lookups = len(run.state.acts)
    for number in range(2 * MOST_ACTS + 100):
        run.did("mail", to=str(number))

    assert lookups <= MOST_ACTS + 50
    assert len(run.state.acts) <= 2 * MOST_ACTS
    assert "look back" in str(run.judged("mail", to="new"))
    assert "has not done" in str(run.judged("refund", order=1))


@pytest.mark.requirement("C5.3:rules-below")
def test_a_rule_counts_what_is_done_below_it_and_not_above() -> None:
    """The caller's maximum counts the run below; that one's own does not count the caller."""
    above = Ruled(agent="caller", rules=(at_most("mail", 3),), above=True)
    run = History(at_most("mail", 2), above=[above])
    run.state.acts = [Act(turn=0, level=0, tool="mail"), Act(turn=0, level=0, tool="mail")]

    assert run.judged("mail") is None
    run.did("mail")

    breach = run.judged("mail")
    assert breach is not None
    assert breach.rule == "caller: at most 3 mail a run"


@pytest.mark.requirement("C5.3:rules-below")
def test_a_run_below_that_left_no_account_may_have_done_anything() -> None:
    """Then nothing can be counted; what must have been looked up can still be told."""
    run = History(at_most("mail", 3), needs("refund", earlier="find"))
    run.did("find")
    run.state.acts.append(Act(turn=1, level=0, tool="", doubt=True))

    assert "left no account" in str(run.judged("mail"))
    assert run.judged("refund") is None


@pytest.mark.requirement("C5.3:rules-ask")
def test_a_rule_may_leave_it_to_a_person() -> None:
    """It says so of what breaks it."""
    run = History(total("pay", "amount", up_to=10, otherwise="ask"))

    breach = run.judged("pay", amount=11)

    assert breach is not None
    assert breach.ask


@pytest.mark.requirement("C5.3:rules-at-start")
@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        (needs("pai", earlier="find"), "no tool 'pai'"),
        (needs("pay", earlier="fined"), "no tool 'fined'"),
        (needs("pay", earlier="find", same="to"), "find has no argument 'to'"),
        (total("pay", "sum", up_to=5), "pay has no argument 'sum'"),
        (at_most("pay", 5, per="deep.inner.no"), "'deep.inner.no'"),
        (owes("pay", by="fin"), "no tool 'fin'"),
    ],
)
def test_a_rule_that_names_nothing_is_found_at_start(rule: Rule, wrong: str) -> None:
    """Tools and arguments, also those that lie deeper; what is there is no problem."""
    inner = {"$defs": {"I": {"properties": {"x": {"type": "integer"}}}}}
    deep = {"anyOf": [{"items": {"$ref": "#/$defs/I"}}, {"type": "null"}]}
    pay = spec_of("pay", to={"type": "string"}, deep={"properties": {"inner": deep}})
    tools: dict[str, ToolSpec] = {
        "pay": pay.model_copy(update={"parameters": pay.parameters | inner}),
        "find": spec_of("find", id={"type": "string"}),
    }

    assert wrong in "; ".join(problems([rule], tools))
    assert problems([at_most("pay", 5, per="deep.inner.x")], tools) == []


@pytest.mark.requirement("C5.3:rules")
def test_a_total_is_bounded_in_one_way() -> None:
    """Below or up to, not both, and not neither."""
    with pytest.raises(ValueError, match="one of them"):
        total("pay", "amount")
    with pytest.raises(ValueError, match="one_of"):
        only_if("pay", earlier="find", field="x")
