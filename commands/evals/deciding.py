"""Whether an evaluation is worse than its baseline: what looks so is run a second time."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from commands import console
from commands.errors import CommandError
from commands.evals.cases import About, Expected, Inputs
from commands.evals.comparing import Comparison, both_samples, compared
from commands.evals.lab import Lab
from commands.evals.results import Evaluation
from commands.evals.running import Wish, evaluated
from commands.evals.statistics import ALPHA

if TYPE_CHECKING:
    from pydantic_evals import Dataset

# Far from a first sample's seeds, so that no noise is met twice.
_SECOND_SAMPLE: Final = 1_000_003


async def held_against(
    at: Lab,
    dataset: "Dataset[Inputs, Expected, About]",
    before: Evaluation,
    now: Evaluation,
    wish: Wish,
    *,
    alpha: float = ALPHA,
) -> tuple[Comparison, frozenset[str]]:
    """Return what changed, and what got worse in this sample and in a second one.

    Args:
        at: Where the second sample is run, if one is needed.
        dataset: The cases.
        before: The baseline.
        now: The first sample.
        wish: How that was run.
        alpha: Chance of any alarm in one sample where nothing has changed.

    Raises:
        CommandError: The two have no case in common.
    """
    comparison = compared(before, now, alpha)
    if not comparison.changes:
        raise CommandError("the baseline has none of these cases as they are now; save a new one")
    if not comparison.alarms:
        return comparison, frozenset()
    console.note(f"worse: {', '.join(sorted(comparison.alarms))}; looking once more")
    again = replace(wish, seed=wish.seed + _SECOND_SAMPLE)
    second = compared(before, await evaluated(at, dataset, again), alpha)
    return comparison, both_samples(comparison, second)
