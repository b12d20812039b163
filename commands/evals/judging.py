"""A model as judge: an agent of its own, in a run of its own, with a rubric and nothing else.

How far its verdicts can be relied upon is measured: `eval agreement` has it judge answers that a
person has judged, and says how far the two agree.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import BaseModel, Field, ValidationError

from commands.errors import CommandError, invalid
from commands.evals.cases import Inputs
from domain.contract import Contract, Strict

if TYPE_CHECKING:
    from commands.evals.lab import Lab

JUDGE: Final = "judge"


class Verdict(Contract):
    """What the judge says of an answer; `reason` in one sentence."""

    passes: bool
    reason: str = ""


class Label(Strict):
    """An answer that a person has judged.

    Attributes:
        passes: What they said.
        why: In their words.
    """

    name: str
    rubric: str
    task: str
    answer: str
    passes: bool
    why: str = ""


class Labels(BaseModel):
    """A file of labels, and who made them."""

    by: str
    labels: list[Label] = Field(min_length=1)


async def judged(lab: "Lab", rubric: str, task: str, answer: str) -> Verdict:
    """Return a judge's verdict.

    Raises:
        CommandError: It gave none.
    """
    asked = {"rubric": rubric, "task": task, "answer": answer}
    ran = await lab.case(JUDGE, Inputs(task=json.dumps(asked, ensure_ascii=False)), JUDGE)
    if ran.result is None or not ran.result.whole:
        why = ran.failure or (ran.result.reason if ran.result else "")
        raise CommandError(f"the judge gave no verdict ({why}); `show {ran.run_id}` shows its run")
    return Verdict.model_validate(ran.result.answer)


def labels(path: Path) -> Labels:
    """Return the labels in a file.

    Raises:
        CommandError: It is no such file.
    """
    try:
        raw: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        return Labels.model_validate(raw)
    except ValidationError as error:
        raise CommandError(f"{path}: {invalid(error)}") from None
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CommandError(f"{path} is no file of labels: {' '.join(str(error).split())}") from None
