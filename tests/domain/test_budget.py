"""Budgets are reserved, and never exceeded."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.budget import Limits, LimitsOverride, Pool, Spend

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
