"""Standing approvals, reviews and what is known, on SQLite and PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from domain.sampling import Sample
from domain.standing import Grant, Standing, TakeRequest, Terms
from domain.taxonomy import Example, taxonomy
from domain.ticket import Routed, RouteRequest, Ticket, TicketEnd
from runtime.database import Database
from runtime.examples import Examples
from runtime.metrics import Meters
from runtime.reviews import ReviewNotFound, Reviews
from runtime.standing import StandingApprovals, StandingNotFound
from runtime.tickets import Tickets

NOW = datetime.now(UTC)
KINDS = taxonomy(
    {
        "categories": {
            "billing": {"description": "money", "examples": ["my invoice shows a wrong amount"]},
            "login": {"description": "signing in", "examples": ["my password is not accepted"]},
        }
    }
)


def grant(given_id: str = "g", hours: float = 1, **terms: float) -> Grant:
    """Return a grant for the reply tool."""
    made = Terms.model_validate({"hours": hours, **terms})
    at = datetime.now(UTC)
    return Grant(id=given_id, tenant="t", agent="a", tool="send", by="ann", terms=made, at=at)


def call(key: str, tool: str = "send") -> TakeRequest:
    """Return a call that asks."""
    return TakeRequest(tenant="t", agent="a", tool=tool, key=key)


@pytest.mark.requirement("C6:standing-once")
async def test_fifty_at_once_never_pass_the_limit(store: Database) -> None:
    """Two processes, fifty calls, seven uses: seven run, each key once, and a repeat is free."""
    other = Database(store.url.render_as_string(hide_password=False))
    mine, theirs = StandingApprovals(store), StandingApprovals(other)
    await mine.grant(grant(uses=7))

    taken = await asyncio.gather(
        *((mine, theirs)[number % 2].take(call(f"k{number % 25}")) for number in range(50))
    )
    again = await asyncio.gather(*(theirs.take(call(f"k{number}")) for number in range(25)))
    standing = await mine.get("g")
    await other.close()

    granted = {f"k{number % 25}" for number, each in enumerate(taken) if each.id}
    assert len(granted) == 7
    assert {f"k{number}" for number, each in enumerate(again) if each.id} == granted
    assert (standing.taken, standing.state, standing.left) == (7, "used up", 0)


@pytest.mark.requirement("C6:standing-ends")
async def test_it_ends_with_its_time_and_by_a_word(store: Database) -> None:
    """Revoked, expired, or for another tool: not covered. A use that was taken stays taken."""
    approvals = StandingApprovals(store)
    past = grant("old").model_copy(update={"at": NOW - timedelta(hours=2)})
    expired = await approvals.grant(past)
    await approvals.grant(grant("new"))

    first = await approvals.take(call("one"))
    foreign = await approvals.take(call("two", tool="pay"))
    revoked = await approvals.revoke("new", "ben", "enough")

    assert (first.id, first.by, foreign.id) == ("new", "ann", "")
    assert (expired.state, revoked.state, revoked.ended_by) == ("expired", "revoked", "ben")
    assert (await approvals.take(call("three"))).id == ""
    assert (await approvals.take(call("one"))).id == "new"
    assert await approvals.covering("t", "a", "send") is None
    with pytest.raises(StandingNotFound, match="revoked already"):
        await approvals.revoke("new", "ben", "")


async def decided(store: Database, count: int, standing: Standing) -> Tickets:
    """Have `count` tickets decided alone."""
    tickets = Tickets(store)
    texts = [
        Ticket(id=f"T-{n}", text=f"my invoice shows a wrong amount 1{n:03}") for n in range(count)
    ]
    # As a step is tried again whose first answer was lost.
    taken = [await tickets.take_in("tri", "t", KINDS, texts, {}) for _ in range(2)]
    assert taken == [count, count]
    for number in range(1, count + 1):
        asked = RouteRequest(
            triage="tri",
            number=number,
            tenant="t",
            run_id=f"run/{number}",
            category="billing",
            confidence=0.95,
            source="logprobs",
            similarity=1,
            reply="Hello",
            min_confidence=0.8,
            min_similarity=0.2,
        )
        await tickets.routed(asked, Routed(calibrated=0.95))
        end = TicketEnd(
            triage="tri", number=number, tenant="t", route="alone", ended="sent",
            standing=standing.id,
        )  # fmt: skip
        await tickets.ended(end)
    return tickets


@pytest.mark.requirement("C4.5:sample")
async def test_a_day_has_exactly_its_sample(store: Database) -> None:
    """Drawn by two at once and again: twenty, each once; the same seed draws the same."""
    await decided(store, 60, await StandingApprovals(store).grant(grant(uses=60)))
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    reviews = Reviews(store)

    def draw(seed: int, size: int = 20) -> Sample:
        return Sample(tenant="t", day=day, size=size, seed=seed)

    await asyncio.gather(*(reviews.draw(draw(seed)) for seed in (1, 1, 2)))
    again = await reviews.draw(draw(3))
    none = await reviews.draw(draw(4).model_copy(update={"day": "2020-01-01"}))

    assert again == (0, 20)
    assert none == (0, 0)
    assert (await reviews.rates())["t"].open == 20


@pytest.mark.requirement("C4.5:review", "C6:standing-withdrawn")
async def test_corrections_teach_and_withdraw(store: Database) -> None:
    """Four right and two wrong pass a bound of 25 %: withdrawn, and the wrong ones are known."""
    approvals, reviews = StandingApprovals(store), Reviews(store)
    given = await approvals.grant(grant(uses=60, max_error_rate=0.25, min_reviews=6))
    await decided(store, 6, given)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    await reviews.draw(Sample(tenant="t", day=day, size=6, seed=1))
    withdrawn: list[str] = []
    last = None

    for number in range(6):
        last = await reviews.next("t", "ann")
        assert last is not None
        corrected = "login" if number >= 4 else ""
        withdrawn.append(await reviews.judge(last, "t", "ann", corrected=corrected))

    assert last is not None
    assert withdrawn[:5] == [""] * 5
    assert "2 of 6 reviewed calls were wrong (33%)" in withdrawn[5]
    assert (await approvals.get("g")).state == "withdrawn"
    assert (await approvals.take(call("late"))).id == ""
    ((near, alike), *_) = await Examples(store).nearest("t", last.text, ["billing", "login"])
    assert (near, round(alike, 3)) == (Example(text=last.text, category="login"), 1)
    assert sum(each.right for each in await reviews.bins("t", "logprobs")) == 4
    with pytest.raises(ReviewNotFound, match="reviewed already"):
        await reviews.judge(last, "t", "ben")


@pytest.mark.requirement("C4.5:novelty")
async def test_the_nearest_known_ticket_is_found(store: Database) -> None:
    """The likest comes first, another tenant's are not seen, and strangers are like nothing."""
    examples = Examples(store)
    both = [Example(text="my invoice is wrong", category="billing")]
    both.append(Example(text="my password is wrong", category="login"))
    await examples.add("t", both, "taxonomy")

    found = await examples.nearest("t", "Wrong passwords", ["billing", "login"])

    assert [example.category for example, _ in found] == ["login", "billing"]
    assert found[0][1] > found[1][1] > 0
    assert await examples.nearest("t", "zebras", ["billing", "login"]) == []
    assert await examples.nearest("other", "Wrong passwords", ["login"]) == []


@pytest.mark.requirement("C4.5:review")
async def test_reviews_move_the_metric(store: Database) -> None:
    """The page shows how many wait, and the share of the reviewed ones that was right."""
    await decided(store, 4, await StandingApprovals(store).grant(grant(uses=9)))
    reviews, meters = Reviews(store), Meters()
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    await reviews.draw(Sample(tenant="t", day=day, size=4, seed=1))
    for corrected in ("", "", "login"):
        shown = await reviews.next("t", "ann")
        assert shown is not None
        await reviews.judge(shown, "t", "ann", corrected=corrected)

    await reviews.measure(meters)
    page = meters.render().decode()

    assert 'holdfast_reviews{state="open"} 1.0' in page
    assert "holdfast_review_approval_ratio 0.666" in page
