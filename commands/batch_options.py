"""The options of `batch`."""

from typing import Annotated, Literal

import typer

Directory = Annotated[str, typer.Argument(metavar="DIR", help="Folder of the documents.")]
Schema = Annotated[
    str,
    typer.Option(
        "--schema", metavar="FILE", help="JSON Schema, as JSON or YAML, of each one's fields."
    ),
]
Merge = Annotated[
    Literal["table", "synthesise"],
    typer.Option("--merge", help="By code, or besides by a run that reads the rows."),
]
Into = Annotated[
    str, typer.Option("--into", metavar="FILE", help="JSON Schema of the synthesised answer.")
]
MinConfidence = Annotated[
    float, typer.Option("--min-confidence", min=0, max=1, help="Surer fields need no person.")
]
Parallel = Annotated[int, typer.Option("--parallel", min=1, max=100, help="Documents at once.")]
ReviewPage = Annotated[
    int, typer.Option("--review-page", min=1, max=50, help="Documents in one question.")
]
Patience = Annotated[
    float,
    typer.Option("--patience", min=0.01, help="Minutes after which a stopped one is given up."),
]
Within = Annotated[
    float,
    typer.Option("--answer-within", min=0.01, help="Hours a question waits; then: no."),
]
Budget = Annotated[
    float | None, typer.Option("--budget-usd", min=0, help="Of the whole batch; default 20.")
]
Out = Annotated[str, typer.Option("--out", metavar="FILE", help="Write the result: .csv or .json.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Ask nobody; leave unsure what is unsure.", metavar="")
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="The batch's id.")]
