"""The fleet's numbers: each run counted once, the same on every worker's page."""

import asyncio
from decimal import Decimal

from prometheus_client.parser import text_string_to_metric_families

from domain.measures import CLASSES, COST, OUTCOMES, Amount
from runtime.database import Database
from runtime.metrics import Meters
from runtime.numbers import Numbers

_DONE = OUTCOMES.once("refunds", "completed")


async def test_an_execution_is_counted_once_however_often_its_end_is_told(store: Database) -> None:
    """A run's last step is taken again where its worker fell; another execution is another."""
    numbers = Numbers(store)

    told = [await numbers.count(each, _DONE) for each in ("first", "first", "second")]

    assert told == [True, False, True]
    assert await numbers.read() == {("holdfast_run_outcomes", ("refunds", "completed")): 2}


async def test_workers_that_close_runs_at_once_are_all_counted(store: Database) -> None:
    """No update is lost, and none waits for another in a circle."""
    numbers = Numbers(store)
    amounts = [*_DONE, *COST.seen(0.002, "refunds"), *COST.seen(0.003, "audit")]

    async def close(number: int) -> None:
        given = amounts if number % 2 else amounts[::-1]
        await numbers.count(f"run {number}", given)

    await asyncio.gather(*(close(number) for number in range(40)))

    read = await numbers.read()
    assert read["holdfast_run_outcomes", ("refunds", "completed")] == 40
    assert read["holdfast_run_cost_usd_sum", ("refunds",)] == 40 * 2_000_000


async def test_classes_beyond_what_is_kept_are_other(store: Database) -> None:
    """Those that were there before go on being counted by name."""
    numbers, most = Numbers(store), CLASSES.most
    known = [Amount(CLASSES.name, ("ticket", "category", f"c{n}"), 1) for n in range(most)]
    await numbers.count("many", known)

    more = [Amount(CLASSES.name, ("ticket", "category", name), 1) for name in ("new", "newer")]
    await numbers.count("more", [*more, known[0]])

    read = await numbers.read()
    assert len(read) == most + 1
    assert read[CLASSES.name, ("ticket", "other", "other")] == 2
    assert read[known[0].name, known[0].labels] == 2


async def test_a_workers_page_shows_what_all_of_them_closed(store: Database) -> None:
    """Counters, histograms with cumulative buckets, and outcomes that have not happened yet."""
    numbers, meters = Numbers(store), Meters()
    await numbers.count("one", [*_DONE, *COST.seen(0.002, "refunds"), *COST.seen(99, "refunds")])
    meters.expect({"refunds"}, ["lookup"])

    meters.fleet.counted(await numbers.read())

    page = meters.render().decode()
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    agent = ("agent", "refunds")
    assert found["holdfast_run_outcomes_total", agent, ("outcome", "completed")] == 1
    assert found["holdfast_run_outcomes_total", agent, ("outcome", "failed")] == 0
    assert found["holdfast_run_cost_usd_bucket", agent, ("le", "0.005")] == 1
    assert found["holdfast_run_cost_usd_bucket", agent, ("le", "+Inf")] == 2
    assert found["holdfast_run_cost_usd_sum", agent] == 99.002
    assert found["holdfast_tool_calls_total", ("outcome", "held"), ("tool", "lookup")] == 0


def test_what_a_gauge_no_longer_says_is_not_shown() -> None:
    """A queue that is gone must not look as if nobody served it."""
    meters = Meters()
    meters.fleet.stands("holdfast_fleet_halts", {("all",): 1, ("agent",): 2})

    meters.fleet.stands("holdfast_fleet_halts", {("agent",): 3})

    page = meters.render().decode()
    assert 'holdfast_fleet_halts{scope="agent"} 3.0' in page
    assert 'scope="all"' not in page


def test_only_named_tenants_have_a_name() -> None:
    """Whoever sends a request must not be able to make a series."""
    meters = Meters(frozenset({"acme"}))

    for tenant in ("acme", "nobody", "somebody"):
        meters.model_call(_Facts(tenant))

    page = meters.render().decode()
    assert 'holdfast_spend_usd_total{model="m",tenant="acme",vendor="openai"} 0.5' in page
    assert 'holdfast_spend_usd_total{model="m",tenant="other",vendor="openai"} 1.0' in page
    assert 'holdfast_context_utilisation_ratio_sum{agent="a"} 1.5' in page
    assert 'holdfast_model_cache_lookups_total{agent="a",result="miss"} 3.0' in page
    assert "nobody" not in page


class _Usage:
    input_tokens, output_tokens, cached_tokens = 50, 10, 0


class _Facts:
    agent, vendor, model, outcome = "a", "openai", "m", "ok"
    usage, cost_usd, room, keeps = _Usage(), Decimal("0.5"), 100, True

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
