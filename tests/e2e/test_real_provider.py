"""One short run against a real provider, with your key and a few cents: only where asked for.

`HOLDFAST_SMOKE=1 OPENAI_API_KEY=… make e2e PYTEST_ARGS='-k real_model'`, or with Anthropic's key.
"""

import os
from collections.abc import Generator
from uuid import uuid4

import pytest

from runtime.settings import PROJECT
from tests.e2e.cli import Cli, Up

_PROVIDERS = ("OPENAI_", "ANTHROPIC_")
ORDERS = PROJECT / "docs/examples/delegation/orders.csv"
KEYS = {name: value for name, value in os.environ.items() if name.startswith(_PROVIDERS)}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not os.environ.get("HOLDFAST_SMOKE") or not any("API_KEY" in name for name in KEYS),
        reason="HOLDFAST_SMOKE is not 1, or there is no provider's key: no real model is asked",
    ),
]


@pytest.fixture
def real(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cli]:
    """The command line beside a server and a worker that has the keys."""
    made = Cli(tmp_path_factory.mktemp("real"), more=KEYS)
    up = Up(made)
    yield made
    up.stop()


def test_a_real_model_looks_up_and_asks_before_it_refunds(real: Cli) -> None:
    """A tool is called, a person is asked, the run ends; it has cost something, and not much."""
    run_id = f"smoke-{uuid4().hex[:8]}"
    task = "Order A-17 arrived broken. Look it up, then refund all that was paid for it."

    given = ("--id", run_id, "--cost-usd", "0.25", "--data", f"orders={ORDERS}")
    asked = real("run", "refunds", task, *given)
    assert asked.code == 3, asked.err
    assert real("approve", run_id).code == 0
    assert real("watch", run_id).code == 0

    shown = real("show", run_id, "--json").json
    assert shown["result"]["outcome"] == "completed"
    assert 0 < float(shown["result"]["spend"]["cost_usd"]) < 0.25
    assert real("verify", run_id).code == 0
