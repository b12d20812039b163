"""The pure rules: states, budgets, answers, loops, hashes, and what the page may show."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from domain import page
from domain.approval import (
    Answer,
    Question,
    UnusableAnswerError,
    arguments_hash,
    parse_answer,
    rule,
    silent,
)
from domain.audit import Candidate
from domain.budget import Limits, LimitsOverride, Pool, Spend
from domain.contract import MAX_DEPTH, canonical, digest, strict_json
from domain.lifecycle import FINAL, MOVES, WAITS, IllegalTransitionError, Lifecycle, State
from domain.loops import TIMES, Deed, Loop, find_loop, withheld
from domain.messages import ROOT, Message, ToolCall, chain, link
from domain.plan import Plan, problems
from domain.run import Stop
from domain.state import AgentState, Effected, Turn
from domain.tools import Effect, ToolSpec, idempotency_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


# --- states


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


# --- budgets


LIMITS = st.builds(
    Limits,
    steps=st.integers(1, 50),
    tokens=st.integers(1, 5_000),
    cost_usd=st.decimals(0, 5, places=4),
    wall_clock_s=st.just(10.0),
)


@pytest.mark.requirement("C6b:pool")
@given(
    shares=st.lists(LIMITS, min_size=1, max_size=50),
    used=st.lists(st.floats(0, 1) | st.none(), min_size=50, max_size=50),
    order=st.randoms(use_true_random=False),
)
def test_fifty_branches_never_pass_their_pool(
    shares: list[Limits], used: list[float | None], order: Any
) -> None:
    """Whoever reserves, settles or vanishes in whatever order, the sum stays within the pool."""
    total, money = 20_000, Decimal(20)
    pool, spent, spent_usd = Pool(total, money), 0, Decimal(0)
    running: list[tuple[Limits, float | None]] = []
    waiting = list(zip(shares, used, strict=False))
    while waiting or running:
        if waiting and (not running or order.random() < 0.6):
            share, part = waiting.pop()
            if pool.reserve(share):
                running.append((share, part))
        else:
            share, part = running.pop(order.randrange(len(running)))
            of = Decimal(str(part)) if part is not None else Decimal(1)
            tokens, cost = int(share.tokens * of), share.cost_usd * of
            pool.settle(share, None if part is None else Spend(tokens=tokens, cost_usd=cost))
            spent, spent_usd = spent + tokens, spent_usd + cost
        at_risk = sum(share.tokens for share, _ in running)
        assert spent + at_risk <= total
        assert spent_usd + sum((share.cost_usd for share, _ in running), Decimal(0)) <= money
    assert pool.reserved == 0


@pytest.mark.requirement("C6b:pool")
def test_a_vanished_branch_is_charged_all_of_its_share() -> None:
    """What a terminated child may have spent does not come back."""
    pool, share = Pool(100, Decimal(1)), Limits(tokens=60, cost_usd=Decimal("0.1"))
    assert pool.reserve(share)

    pool.settle(share, None)

    assert not pool.fits(share)
    assert pool.fits(share.model_copy(update={"tokens": 40}))


@pytest.mark.requirement("C5:limits-of-the-starter")
@given(base=LIMITS, steps=st.none() | st.integers(1, 99))
def test_an_override_changes_what_it_names(base: Limits, steps: int | None) -> None:
    """Limits that are left out stay the agent's."""
    changed = LimitsOverride(steps=steps).over(base)

    assert changed.steps == (steps or base.steps)
    assert changed.model_dump(exclude={"steps"}) == base.model_dump(exclude={"steps"})


@pytest.mark.requirement("C6b:spend")
@given(calls=st.lists(st.tuples(st.integers(0, 99), st.decimals(0, 1, places=4)), max_size=20))
def test_spend_adds_up_and_names_the_limit_that_is_reached(
    calls: list[tuple[int, Decimal]],
) -> None:
    """Settled and lost together are the tokens; a limit is named exactly when it is reached."""
    limits, spend = Limits(steps=7, tokens=300, cost_usd=Decimal(2)), Spend()
    for number, (tokens, cost) in enumerate(calls):
        lost = number % 3 == 2
        spend = (
            spend.plus_lost(tokens, cost)
            if lost
            else spend.plus(steps=1, tokens=tokens, cost_usd=cost)
        )

    assert spend.tokens == sum(tokens for tokens, _ in calls)
    assert spend.lost_tokens == sum(tokens for tokens, _ in calls[2::3])
    reached = spend.steps >= 7 or spend.tokens >= 300 or spend.cost_usd >= 2
    assert bool(spend.exhausted(limits)) is reached
    assert (spend.share(limits) >= 1) is reached


# --- answers


def question(**changes: Any) -> Question:
    """Return an open question."""
    told: dict[str, Any] = {
        "kind": "call", "title": "run pay", "why": "it pays", "id": "q1", "asked_at": NOW,
        "silent_at": NOW + timedelta(days=3), "tool": "pay", "arguments": {"item": "5"},
        "silence": "the answer is no",
    }  # fmt: skip
    return Question(**(told | changes))


@pytest.mark.requirement("C6:parse")
@given(raw=JSON)
def test_any_json_is_an_answer_or_is_refused_with_a_reason(raw: Any) -> None:
    """Nothing a person can send raises anything else, and the reason is one line."""
    try:
        said = parse_answer(raw)
    except UnusableAnswerError as error:
        said = str(error)

    assert isinstance(said, Answer) or "approval_id" in said or "JSON object" in said


@pytest.mark.requirement("C6:parse")
@given(
    asked=st.sampled_from(["q1", "q2", ""]),
    verdict=st.sampled_from(["approve", "reject", "modify"]),
    arguments=st.none() | st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    opened=st.booleans(),
)
def test_only_an_answer_to_the_open_question_decides(
    asked: str, verdict: Any, arguments: dict[str, Any] | None, opened: bool
) -> None:
    """A decision is of this question, and bound to what was shown or what was written."""
    answer = Answer(approval_id=asked, arguments=arguments)
    usable = opened and asked != "q2" and not (verdict == "modify" and arguments is None)
    try:
        decision = rule(question() if opened else None, verdict, answer, NOW)
    except UnusableAnswerError:
        assert not usable
        return

    assert usable
    wanted = arguments if verdict == "modify" else {"item": "5"}
    assert (decision.approval_id, decision.arguments) == ("q1", wanted)
    assert decision.arguments_hash == arguments_hash(wanted)
    assert decision.granted is (verdict != "reject")


@pytest.mark.requirement("C6:silence")
def test_silence_grants_nothing() -> None:
    """Nobody's answer is kept as such, and is no yes."""
    decision = silent(question(), NOW)

    assert (decision.verdict, decision.granted) == ("silence", False)


# --- what is parsed


@pytest.mark.requirement("C2:strict-json")
@given(value=JSON)
def test_json_that_can_be_recorded_is_read_as_it_is(value: Any) -> None:
    """Strictness changes no value that is fine."""
    assert strict_json(json.dumps(value)) == value


@pytest.mark.requirement("C2:strict-json")
@pytest.mark.parametrize(
    "text",
    [
        "", "{", "NaN", "[Infinity]", "-1e999", '{"a": 1, "a": 1}', '"\\ud800"',
        '{"\\uDC00": 1}', "[" * 10_000 + "]" * 10_000,
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
    ],
)  # fmt: skip
def test_json_that_could_not_be_recorded_is_refused(text: str) -> None:
    """Each is a ValueError in words, whatever Python would have made of it."""
    with pytest.raises(ValueError, match=r"\w"):
        strict_json(text)


@given(st.integers(0, MAX_DEPTH - 1))
@pytest.mark.requirement("C2:strict-json")
def test_nesting_is_allowed_up_to_its_bound(depth: int) -> None:
    """A value inside the bound is read."""
    assert strict_json("[" * depth + "1" + "]" * depth) is not None


# --- hashes


@pytest.mark.requirement("C3:chain")
@given(texts=st.lists(st.text(), min_size=1, max_size=8), at=st.integers(0, 7), other=st.text())
def test_no_message_can_be_changed_under_its_head(texts: list[str], at: int, other: str) -> None:
    """A head names one conversation: one changed, dropped or moved message gives another."""
    messages = [Message(role="user", text=text) for text in texts]
    head = chain(ROOT, (message.id for message in messages))
    at %= len(texts)
    changed = [*messages]
    changed[at] = Message(role="user", text=other)

    same = chain(ROOT, (message.id for message in changed)) == head
    assert same is (other == texts[at])
    assert chain(ROOT, (message.id for message in messages[:at])) != head


@pytest.mark.requirement("C3:chain")
def test_what_is_said_by_whom_is_part_of_a_message() -> None:
    """Role, text, calls and the call that is answered each make another message."""
    call = ToolCall(id="1", name="a", arguments="{}")
    messages = [
        Message(role="user", text="a"),
        Message(role="assistant", text="a"),
        Message(role="tool", text="a"),
        Message(role="tool", text="a", call_id="1"),
        Message(role="assistant", text="a", calls=(call,)),
        Message(role="assistant", text="a", calls=(call.model_copy(update={"name": "b"}),)),
    ]

    assert len({message.id for message in messages}) == len(messages)


@pytest.mark.requirement("C6a:key")
@given(arguments=st.dictionaries(st.text(), JSON, max_size=4))
def test_a_key_follows_the_effect_and_not_its_spelling(arguments: dict[str, Any]) -> None:
    """The order of the arguments does not matter; run, turn, place, tool and values do."""
    turned = dict(reversed(arguments.items()))
    key = idempotency_key("run", 3, 1, "pay", arguments)

    assert idempotency_key("run", 3, 1, "pay", turned) == key
    others = [
        idempotency_key("other", 3, 1, "pay", arguments),
        idempotency_key("run", 4, 1, "pay", arguments),
        idempotency_key("run", 3, 0, "pay", arguments),
        idempotency_key("run", 3, 1, "book", arguments),
        idempotency_key("run", 3, 1, "pay", arguments | {"one more": 1}),
    ]
    assert len({key, *others}) == 6


@given(a=st.text(), b=st.text(), c=st.text())
@pytest.mark.requirement("C6a:key")
def test_a_digest_keeps_its_parts_apart(a: str, b: str, c: str) -> None:
    """Moving a character from one part to the next gives another digest."""
    assert (digest(a, b + c) == digest(a + b, c)) is (b == "")
    assert canonical({"b": 1, "a": a}) == canonical({"a": a, "b": 1})


@pytest.mark.requirement("C6a:tried-once")
@pytest.mark.parametrize(
    ("effect", "idempotent", "tries"),
    [("read", False, 4), ("write", False, 1), ("write", True, 4), ("irreversible", False, 1)],
)
def test_a_write_that_ignores_its_key_has_one_try(
    effect: str, idempotent: bool, tries: int
) -> None:
    """Whatever number of attempts it declares."""
    spec = ToolSpec(
        name="a", description="", parameters={}, effect=Effect(effect), attempts=4,
        idempotent=idempotent,
    )  # fmt: skip

    assert spec.tries == tries


# --- loops


def deed(call: str, result: str = "", *, wrote: bool = False) -> Deed:
    """Return a deed; the tool is the first word of its call."""
    tool = call.partition(" ")[0]
    return Deed(tool=tool, call=call, result=result or f"result of {call}", wrote=wrote)


def first_loop(deeds: list[Deed]) -> int | None:
    """Return after how many deeds a loop is found first."""
    return next((n for n in range(1, len(deeds) + 1) if find_loop(deeds[:n])), None)


@pytest.mark.requirement("C6c:repeats")
@given(before=st.integers(0, 5), between=st.integers(0, 2))
def test_the_third_repeat_is_a_loop_also_with_other_calls_between(
    before: int, between: int
) -> None:
    """Never the second; the third at the latest."""
    other = iter(range(100))
    deeds = [deed(f"other {next(other)}") for _ in range(before)]
    for _ in range(TIMES):
        deeds += [deed("look a"), *(deed(f"other {next(other)}") for _ in range(between))]

    found = first_loop(deeds)

    assert found == before + 2 * (between + 1) + 1
    loop = find_loop(deeds[:found])
    assert loop is not None
    assert (loop.kind, loop.calls) == (Loop.REPEAT, ("look a",))


@pytest.mark.requirement("C6c:ping-pong")
def test_two_calls_that_take_turns_are_a_loop() -> None:
    """Also when one of them says something new at times."""
    deeds = [deed(("a 1", "b 2")[n % 2], f"r{min(n, 3)}") for n in range(6)]

    loop = find_loop(deeds)

    assert loop is not None
    assert loop.kind in {Loop.PING_PONG, Loop.REPEAT}


@pytest.mark.requirement("C6c:no-progress")
def test_six_questions_with_one_answer_are_a_loop() -> None:
    """Different arguments that all come to the same bring nothing."""
    deeds = [deed(f"search {n}", "nothing found") for n in range(6)]

    assert first_loop(deeds) == 6


@pytest.mark.requirement("C6c:honest")
@given(pages=st.integers(1, 60))
def test_paging_is_no_loop(pages: int) -> None:
    """Each page is another call with another result."""
    assert first_loop([deed(f"read page {n}") for n in range(pages)]) is None


@pytest.mark.requirement("C6c:honest")
@given(rounds=st.integers(1, 15), results=st.lists(st.sampled_from("abc"), min_size=15))
def test_editing_and_testing_is_no_loop(rounds: int, results: list[str]) -> None:
    """A test after a new edit is a new question, whatever it says."""
    deeds: list[Deed] = []
    for n in range(rounds):
        deeds += [deed(f"edit {n}", "ok", wrote=True), deed("test all", results[n])]

    assert first_loop(deeds) is None


@pytest.mark.requirement("C6c:honest")
@given(items=st.integers(1, 40))
def test_writing_many_things_is_no_loop(items: int) -> None:
    """The same acknowledgement each time is no standstill."""
    assert first_loop([deed(f"put {n}", "ok", wrote=True) for n in range(items)]) is None


@pytest.mark.requirement("C6c:repeats")
def test_the_same_write_over_and_over_is_a_loop() -> None:
    """A write that was made before is no news."""
    deeds = [d for _ in range(5) for d in (deed("put a", "ok", wrote=True), deed("get a", "x"))]

    assert first_loop(deeds) is not None


@pytest.mark.requirement("C6c:ends")
@given(
    calls=st.lists(st.sampled_from(["a 1", "b 1", "c 1"]), min_size=30, max_size=60),
)
def test_a_run_with_three_things_to_say_is_found_out(calls: list[str]) -> None:
    """Whatever the order, a run that only repeats what it knows is in a loop by its seventh."""
    found = first_loop([deed(call) for call in calls])

    assert found is not None
    assert found <= 3 * (TIMES - 1) + 1


# --- the plan


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


# --- the state


def state(turns: int) -> AgentState:
    """Return the state of a run that has called one tool a turn."""
    found = AgentState(lineage="run")
    found.add(Message(role="user", text="task"), made=False)
    for number in range(turns):
        call = ToolCall(id=f"c{number}", name="look", arguments=f'{{"n": {number}}}')
        found.add(Message(role="assistant", calls=(call,)), made=True)
        found.turns.append(
            Turn(
                messages=len(found.messages),
                tokens=10 * (number + 1),
                cost_usd=Decimal(number + 1),
                model="m",
            )
        )
        found.add(Message(role="tool", text=str(number), call_id=call.id), made=True)
    return found


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


# --- the page


HOSTILE = [
    "# a heading\n## another", "[link](http://evil)", "![image](http://evil/x.png)",
    "```\n# out of the fence\n```", "````\nstill in\n````", "<script>alert(1)</script>",
    "| a | b |\n|---|---|\n| 1 | 2 |", "**bold** _em_ `code`", "http://evil.example/click",
    "- [x] done\n1. one", "&lt;b&gt; &amp; &#35;", "text\n===\nmore\n---", "> quoted",
    "~~~\nx\n~~~",
    "\\[a](b)", "<http://evil>", "[a]: http://evil\n[a]",
]  # fmt: skip


def shown(text: str) -> list[str]:
    """Return the kinds of Markdown that a reader's renderer makes of `text`."""
    found: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        found.append(token.type)
        found += [child.type for child in token.children or []]
    return found


@pytest.mark.requirement("C6:escaped")
@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_is_shown_and_not_obeyed(text: str) -> None:
    """Titles, reasons and plans stay one paragraph of plain text."""
    kinds = set(shown(page.escape(text)))

    assert kinds <= {"paragraph_open", "inline", "text", "text_special", "paragraph_close"}


@pytest.mark.requirement("C6:escaped")
@pytest.mark.parametrize("text", HOSTILE)
def test_arguments_cannot_leave_their_block(text: str) -> None:
    """The form has its own headings and no others; arguments are code, whatever they hold."""
    plain = question(arguments={"item": "plain", "more": "a\nb"}, request="r", done=("d",))
    hostile = plain.model_copy(
        update={
            "arguments": {"item": text, "more": f"a\n{text}"},
            "request": text,
            "done": (text,),
            "title": text,
            "why": text,
        }
    )

    kinds = shown(page.question(hostile))

    assert "link_open" not in kinds
    assert "image" not in kinds
    assert "html_block" not in kinds
    for kind in ("heading_open", "fence", "table_open", "list_item_open", "hr"):
        assert kinds.count(kind) == shown(page.question(plain)).count(kind)


@pytest.mark.requirement("C6:escaped")
@given(text=st.text(alphabet="`~#\n a*[]()<>!|-=", max_size=200))
def test_no_text_closes_the_fence_around_it(text: str) -> None:
    """A block of code is one block, however many backticks are in it."""
    kinds = [token.type for token in MarkdownIt("commonmark").parse(page.code({"a": text}))]

    assert kinds == ["fence"]


@pytest.mark.requirement("C6:escaped")
def test_a_stop_is_escaped_and_says_what_to_send() -> None:
    """A provider's words are foreign too."""
    stopped = Stop(step="llm.think", reason="# 401 [x](http://evil)", hint="mend *it*", at=NOW)

    text = page.stop(stopped, ("retry", "abort"), NOW)

    assert "retry" in text
    assert "abort" in text
    assert "link_open" not in shown(text)
    assert shown(text).count("heading_open") == 1


@pytest.mark.requirement("C6:escaped")
def test_a_page_is_bounded() -> None:
    """However much a model writes, a form stays readable."""
    huge = question(
        arguments={"a": "x" * 10**6, "b": "y\n" * 10**5},
        request="z" * 10**6,
        done=("w" * 10**6,) * 9,
    )

    assert len(page.question(huge)) < 30_000
