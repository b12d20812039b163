"""What is remembered: which of it fits, what an episode says, how a run is told."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.approval import Decision, Verdict
from domain.budget import Spend
from domain.memory import (
    Access,
    Episode,
    Found,
    Memory,
    MemoryPolicy,
    Recollection,
    Scope,
    examples,
    fused,
    relevant,
    sound,
)
from domain.messages import Message, ToolCall
from domain.recollection import approach, corrections, episode_of, recollection
from domain.relevance import coverage, spelled, terms
from domain.run import AgentResult
from domain.runs import Outcome

SCOPE = Scope(tenant="acme", agent="helper")
AT = datetime(2026, 1, 1, tzinfo=UTC)


def found(name: str, relevance: float, *, success: bool | None = None, text: str = "") -> Found:
    """Return something that a search brought: an episode where a success is given."""
    episode = None
    if success is not None:
        episode = Episode(task=name, outcome="completed", success=success, answer="a", reason="r")
    kind = "fact" if episode is None else "episode"
    memory = Memory(id=name, kind=kind, scope=SCOPE, text=text or name, at=AT, episode=episode)
    return Found(memory=memory, relevance=relevance)


def names(some: list[Found]) -> list[str]:
    """Return which they are."""
    return [each.memory.id for each in some]


@pytest.mark.requirement("C5.1:search")
def test_two_that_fit_beat_ten_that_hardly_do() -> None:
    """Over the floor is not enough beside one that is twice as good."""
    many = [found(f"weak {n}", 0.35) for n in range(10)]

    assert names(relevant([*many, found("b", 0.8), found("a", 0.9)], 0.3, 10)) == ["a", "b"]
    assert len(relevant(many, 0.3, 3)) == 3
    assert relevant(many, 0.4, 3) == []


@pytest.mark.requirement("C5.1:search")
def test_rare_words_decide_how_well_a_text_fits() -> None:
    """A word that every text holds says little; one that none holds keeps strangers out."""
    wanted = {"refund": 10, "kettle": 1, "unheard": 0}

    common = coverage(wanted, {"refund"}, 10)
    rare = coverage(wanted, {"kettle"}, 10)

    assert common < rare < coverage(wanted, {"refund", "kettle"}, 10) < 1
    assert coverage(wanted, set(wanted), 10) == pytest.approx(1)
    assert coverage({}, set(), 10) == 0
    assert terms("Where is the KETTLE of room 7, where?") == ["kettle", "room", "7"]
    assert spelled("Ord-1042: O'Brien") == "ord 1042 o brien"


@pytest.mark.requirement("C5.1:search")
def test_what_both_searches_find_comes_first() -> None:
    """Second twice beats first once, whatever the scores."""
    one, other = [found("a", 0.9), found("b", 0.8)], [found("c", 0.4), found("b", 0.3)]

    assert names(fused(one, other))[0] == "b"
    assert len(fused(one, other)) == 3


@pytest.mark.requirement("C5.1:episodes")
def test_a_success_and_a_failure_are_both_told_where_both_fit() -> None:
    """The only failure takes the place of the last success; one place is the best one's."""
    some = [found(f"good {n}", 0.9 - n / 100, success=True) for n in range(4)]
    bad = found("bad", 0.6, success=False)

    assert names(examples([*some, bad], 0.3, 3)) == ["good 0", "good 1", "bad"]
    assert names(examples([*some, bad], 0.3, 1)) == ["good 0"]
    assert names(examples(some, 0.3, 2)) == ["good 0", "good 1"]
    assert examples([], 0.3, 3) == []


@pytest.mark.requirement("C5.1:episodes")
def test_an_episode_says_how_it_went_and_what_people_changed() -> None:
    """Repeated calls are counted; reasons are kept; a run that did nothing leaves nothing."""
    call = [ToolCall(id=f"{n}", name=name, arguments="{}") for n, name in enumerate("aaab")]
    messages = [Message(role="assistant", calls=(each,)) for each in call]
    kinds: list[tuple[Verdict, dict[str, Any] | None, str]] = [
        ("modify", {"x": 1}, "too much"),
        ("reject", None, ""),
        ("approve", None, "fine"),
    ]
    decisions = tuple(
        Decision(
            approval_id="", kind="call", verdict=verdict, tool="pay", at=AT, arguments=arguments,
            reason=reason,
        )
        for verdict, arguments, reason in kinds
    )  # fmt: skip
    standing = decisions[2].model_copy(update={"kind": "standing approval"})
    came = AgentResult(
        agent="helper", outcome=Outcome.LIMIT, reason="limit reached: steps", turns=4,
        answer={"total": 3}, decisions=decisions, not_done=("pay (not approved)",),
        spend=Spend(steps=4, tokens=100, cost_usd=Decimal("0.01")),
    )  # fmt: skip

    episode = episode_of("add it up \ud800\0", messages, came)

    assert episode is not None
    assert episode.approach == ("a (x3)", "b")
    assert (episode.success, episode.answer) == (False, '{"total":3}')
    assert episode.reason == "limit reached: steps; pay (not approved)"
    assert episode.task == "add it up ? "
    assert list(episode.corrections) == [
        'a person changed pay to {"x": 1} because: too much',
        "a person refused pay",
        "a person approved pay and said: fine",
    ]
    assert corrections([standing]) == []
    assert episode_of("t", messages, came.model_copy(update={"turns": 0})) is None
    for outcome in (Outcome.CANCELLED, Outcome.REJECTED):
        assert episode_of("t", messages, came.model_copy(update={"outcome": outcome})) is None
    many = [
        Message(role="assistant", calls=(ToolCall(id="", name=f"t{n}", arguments=""),))
        for n in range(25)
    ]
    assert approach(many)[-1] == "and 5 more"


@pytest.mark.requirement("C5.1:episodes")
@given(st.lists(st.text(max_size=400), max_size=20), st.integers(500, 3_000))
def test_what_a_run_is_told_never_exceeds_its_bytes(texts: list[str], most: int) -> None:
    """Whatever is remembered, the message fits, and nothing in it can end it."""
    access = Access(scope=SCOPE, policy=MemoryPolicy(told_bytes=most))
    known = [found(f"{n}", 0.5, text=sound(text)) for n, text in enumerate(texts)]

    came = recollection(access, [], known, known)

    assert len(came.text.encode()) <= most + 200
    assert came.text.count("[End of memory") == (1 if came.recalled else 0)
    assert len(came.recalled) <= len(known)


@pytest.mark.requirement("C5.1:remember")
def test_what_is_told_says_whose_words_it_is() -> None:
    """Strangers' parts are marked, and make the whole untrusted; nothing at all says nothing."""
    access = Access(scope=SCOPE)
    theirs = found("x", 0.5)
    theirs = theirs.model_copy(
        update={"memory": theirs.memory.model_copy(update={"untrusted": True})}
    )

    assert recollection(access, [], [], []) == Recollection()
    assert recollection(access, [], [], [found("y", 0.5)]).untrusted is False
    came = recollection(access, [], [], [theirs])
    assert came.untrusted
    assert "strangers" in came.text


@pytest.mark.requirement("C5.1:scope")
def test_an_id_is_its_scopes_own() -> None:
    """The same words of two tenants, agents or kinds are different memories."""
    others = [Scope(tenant="acm", agent="ehelper"), Scope(tenant="acme", agent="scout")]
    ids = [scope.id_of("fact", "x") for scope in (SCOPE, *others)]

    assert len({*ids, SCOPE.id_of("passage", "x"), SCOPE.id_of("fact", "x", "")}) == 5
    assert Scope.of("", "a") is Scope.of("a", "") is Scope.of("x" * 256, "a") is None
