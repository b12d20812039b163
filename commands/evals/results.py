"""What an evaluation came to, as it is saved for the next one to be compared with."""

import json
from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from commands.errors import CommandError, invalid
from commands.evals.statistics import mean
from commands.options import text_of
from domain.contract import Contract

FORMAT = 1
PASSED = "passed"


class Run(Contract):
    """One run of a case.

    Attributes:
        scores: By scorer: 0 to 1. `passed` is 1 where all of them are.
        numbers: Steps, tokens, `cost_usd` and seconds.
        reasons: By scorer: why it is not 1.
    """

    run_id: str = ""
    scores: dict[str, float] = Field(default_factory=dict[str, float])
    numbers: dict[str, float] = Field(default_factory=dict[str, float])
    reasons: dict[str, str] = Field(default_factory=dict[str, str])
    answer: str = ""
    calls: tuple[str, ...] = ()
    model: str = ""


class Case(Contract):
    """A case and its runs.

    Attributes:
        identity: Of what it gives and expects: a case that was changed is another one.
    """

    name: str
    identity: str
    why: str = ""
    tags: tuple[str, ...] = ()
    runs: tuple[Run, ...] = ()

    def mean(self, scorer: str) -> float | None:
        """Return what its runs score, None where the scorer does not apply to it."""
        found = [run.scores[scorer] for run in self.runs if scorer in run.scores]
        return mean(found) if found else None


class Evaluation(Contract):
    """All cases of an agent, run and scored.

    Attributes:
        noise: Share of the offline model's replies that were made to slip.
        stand_in: A program answered and judged, no language model.
    """

    format: int = FORMAT
    agent: str
    model: str = ""
    prompt: str = ""
    at: datetime
    repeats: int = 1
    noise: float = 0
    seed: int = 0
    judge: str = ""
    stand_in: bool = False
    cases: tuple[Case, ...] = ()

    @property
    def scorers(self) -> list[str]:
        """The scorers that apply to any case: whether it passed first, then by name."""
        found = {name for case in self.cases for run in case.runs for name in run.scores}
        return [PASSED, *sorted(found - {PASSED})]


def save(path: Path, evaluation: Evaluation) -> None:
    """Write an evaluation to a file.

    Raises:
        CommandError: It cannot be written.
    """
    plain = evaluation.model_dump(mode="json")
    text = json.dumps(plain, indent=1, ensure_ascii=False, sort_keys=True)
    write(path, text + "\n", "--save")


def write(path: Path, text: str, option: str) -> None:
    """Write a file that a person named.

    Raises:
        CommandError: It cannot be written.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"{option} {str(path)!r}: {error.strerror}; name a file in a folder that exists"
        ) from None


def read(path: Path, agent: str) -> Evaluation:
    """Return a saved evaluation of `agent`.

    Raises:
        Misuse: There is no such file.
        CommandError: It is none, or another agent's.
    """
    text = text_of(path, "what `eval AGENT --save FILE` has written")
    try:
        found = Evaluation.model_validate_json(text)
    except ValidationError as error:
        raise CommandError(f"--baseline {str(path)!r} is no evaluation: {invalid(error)}") from None
    if found.format != FORMAT or found.agent != agent:
        raise CommandError(
            f"--baseline {str(path)!r} is of {found.agent!r} (format {found.format}), not of "
            f"{agent!r} (format {FORMAT}); make one: eval {agent} --save FILE"
        )
    return found
