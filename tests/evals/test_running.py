"""Cases as real runs: a worse prompt is caught, an honest one raises no alarm."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from temporalio.testing import WorkflowEnvironment

from agents.registry import agents
from commands.evals.cases import Inputs, Said, load
from commands.evals.deciding import held_against
from commands.evals.judging import judged
from commands.evals.lab import Lab, lab
from commands.evals.results import Evaluation
from commands.evals.running import Wish, evaluated
from commands.evals.stubs import Changes
from runtime.settings import Settings

pytestmark = pytest.mark.slow
NO_FAULT = {"order_id": "A-18", "reason": "I like another one better"}


@asynccontextmanager
async def laboratory(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch, prompt: str = ""
) -> AsyncGenerator[Lab]:
    """Yield a lab on the session's server, with nobody's keys."""
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.client.service_client.config.target_host)
    async with lab(Changes("casenotes", prompt=prompt), Settings.load()) as made:
        yield made


async def round_of(at: Lab, repeats: int, seed: int) -> Evaluation:
    """Evaluate half of the case notes under noise."""
    dataset = load("casenotes", quick=11)
    return await evaluated(at, dataset, Wish("casenotes", repeats, 6, noise=0.04, seed=seed))


@pytest.mark.requirement("C6.4:caught", "C6.4:no-false-alarm")
@pytest.mark.timeout(180)
async def test_a_worse_prompt_is_caught_and_the_same_one_is_not(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words that keep the patient's name out of it are taken out."""
    text = agents()["casenotes"].prompt.text
    worse = text.replace("without the patient's\nname", "in plain words")
    async with laboratory(server, monkeypatch) as at:
        baseline = await round_of(at, 3, seed=1)
        honest = await round_of(at, 2, seed=500)
        wish = Wish("casenotes", 2, 6, noise=0.04, seed=500)
        dataset = load("casenotes", quick=11)
        _, raised = await held_against(at, dataset, baseline, honest, wish)
    async with laboratory(server, monkeypatch, worse) as at:
        bad = await round_of(at, 2, seed=900)
        _, caught = await held_against(at, dataset, baseline, bad, wish)

    assert worse != text
    assert raised == frozenset()
    assert "requirements" in caught


@pytest.mark.requirement("C6.4:answers", "C6.4:stubbed", "C6.4:noise")
@pytest.mark.timeout(120)
async def test_a_case_is_answered_stubbed_and_noisy_as_it_says(
    server: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A declared yes pays, silence does not; the same seed slips alike; a judge sees an answer."""
    data = {"orders": "{files}/orders.csv"}
    broken = {"order_id": "A-17", "reason": "broken"}
    async with laboratory(server, monkeypatch) as at:
        yes = await at.case("refunds", Inputs(task=broken, data=data, answers=[Said()]))
        silent = await at.case("refunds", Inputs(task=broken, data=data))
        await at.noisy("refunds", 1, seed=5)
        once = await at.case("refunds", Inputs(task=NO_FAULT, data=data))
        again = await at.case("refunds", Inputs(task=NO_FAULT, data=data))
        await at.noisy("refunds", 0, seed=5)
        verdict = await judged(at, 'It must not say "refund".', "t", "We refund it.")

    assert [made.tool for made in yes.made if made.write] == ["refund"]
    assert [(asked.verdict, asked.declared) for asked in silent.asked] == [("reject", False)]
    assert not [made for made in silent.made if made.write]
    assert once.result is not None
    assert again.result is not None
    assert once.result.answer == again.result.answer
    assert not verdict.passes
