"""`eval agreement`: how far the judge and a person agree on the same answers."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from commands import console, options
from commands.console import safe
from commands.errors import Exit
from commands.evals.cases import folder_of
from commands.evals.command_options import JudgeModel
from commands.evals.judging import JUDGE, Label, judged, labels
from commands.evals.statistics import Agreement
from commands.evals.statistics import agreement as agreed

File = Annotated[
    Path | None,
    typer.Option("--labels", metavar="FILE", help="Labelled answers; default: those shipped."),
]


async def agreement(
    labelled: File = None, judge_model: JudgeModel = "", json: options.Json = False
) -> Exit:
    """Have the judge judge what a person has judged, and say how far they agree (Cohen's kappa)."""
    from commands.evals.lab import lab  # noqa: PLC0415 - a worker's worth of imports
    from commands.evals.stubs import Changes  # noqa: PLC0415

    made = labels(labelled or folder_of(JUDGE) / "labels" / "labels.yaml")
    async with lab(Changes(JUDGE, judge=judge_model)) as at:
        gate = asyncio.Semaphore(8)

        async def one(label: Label) -> bool:
            async with gate:
                return (await judged(at, label.rubric, label.task, label.answer)).passes

        said = await asyncio.gather(*(one(label) for label in made.labels))
        stand_in = bool(at.offline_url)
    found = agreed([label.passes for label in made.labels], said)
    told = _told(made.by, found, list(zip(made.labels, said, strict=True)), stand_in=stand_in)
    if json:
        console.emit(told)
    else:
        _show(told)
    return Exit.OK


def _told(
    by: str, found: Agreement, pairs: list[tuple[Label, bool]], *, stand_in: bool
) -> dict[str, Any]:
    return {
        "labels": found.judged,
        "labelled_by": by,
        "judge": "offline stand-in: a program that looks for words" if stand_in else "model",
        "kappa": round(found.kappa.value, 3),
        "kappa_95": [round(found.kappa.low, 3), round(found.kappa.high, 3)],
        "alike": round(found.share, 3),
        "both_pass": sum(label.passes and said for label, said in pairs),
        "both_fail": sum(not label.passes and not said for label, said in pairs),
        "judge_too_kind": [label.name for label, said in pairs if said and not label.passes],
        "judge_too_strict": [label.name for label, said in pairs if label.passes and not said],
    }


def _show(told: dict[str, Any]) -> None:
    low, high = told["kappa_95"]
    console.out().print(
        f"kappa [bold]{told['kappa']:.2f}[/] (95 %: {low:.2f} to {high:.2f}), alike in "
        f"{told['alike']:.0%} of {told['labels']}; labels by {safe(told['labelled_by'])}"
    )
    table = console.table("", "person: passes", "person: fails", right=("person: passes",))
    kind, strict = told["judge_too_kind"], told["judge_too_strict"]
    table.add_row("judge: passes", f"{told['both_pass']}", f"{len(kind)}")
    table.add_row("judge: fails", f"{len(strict)}", f"{told['both_fail']}")
    console.out().print(table)
    for word, names in (("too kind", kind), ("too strict", strict)):
        if names:
            console.note(f"{word}: {', '.join(names)}")
    console.note(f"the judge: {told['judge']}")
