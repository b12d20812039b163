"""Options of `eval`."""

from pathlib import Path
from typing import Annotated

import typer

Agent = Annotated[str, typer.Argument(metavar="AGENT", help="Name of the agent's folder.")]
Model = Annotated[
    str, typer.Option("--model", metavar="M", help="Another model, as provider:model.")
]
JudgeModel = Annotated[
    str, typer.Option("--judge-model", metavar="M", help="The judge's model, as provider:model.")
]
Prompt = Annotated[
    Path | None, typer.Option("--prompt", metavar="FILE", help="Another system prompt.")
]
Baseline = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="FILE", help="A saved evaluation to be compared with."),
]
Save = Annotated[
    Path | None, typer.Option("--save", metavar="FILE", help="Write what it came to, as JSON.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a self-contained page.")
]
Repeat = Annotated[
    int, typer.Option("--repeat", "-r", min=1, max=100, help="Times that each case is run.")
]
Parallel = Annotated[int, typer.Option("--parallel", min=1, max=200, help="Cases at once.")]
Noise = Annotated[
    float, typer.Option("--noise", min=0, max=1, help="Offline model: share of replies that slip.")
]
Seed = Annotated[int, typer.Option("--seed", help="Offline model: of its noise.")]
Only = Annotated[str, typer.Option("--only", help="Cases whose name or tags have this in them.")]
Quick = Annotated[int, typer.Option("--quick", min=0, help="So many cases, spread over all.")]
Alpha = Annotated[
    float, typer.Option("--alpha", min=1e-6, max=0.5, help="Chance of a false alarm, at most.")
]
