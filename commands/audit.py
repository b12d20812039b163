"""`audit`: a ledger, from its snapshot to the filed report."""

from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from commands import audit_results, console, options
from commands.errors import Exit, Misuse
from commands.following import Waits, follow, report_wait
from commands.reading import AUDIT_WORKFLOW
from commands.run import pairs
from commands.session import session, whoami
from commands.starting import Start, announce, start, started_only
from domain.audit import LedgerSource
from domain.auditing import AuditRequest

Ledger = Annotated[
    str, typer.Argument(metavar="LEDGER", help="CSV or SQLite file, or a SQLAlchemy URL.")
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="OURS=THEIRS", help="Column, for example account_id=acct; repeatable."
    ),
]
TableName = Annotated[str, typer.Option("--table", help="Table or view of a database.")]
Encoding = Annotated[str, typer.Option("--encoding", help="Of a CSV file; default UTF-8.")]
Delimiter = Annotated[str, typer.Option("--delimiter", help="Of a CSV file; default: found out.")]
Title = Annotated[str, typer.Option("--title", help="Of the report.")]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="File nothing and ask nobody; list what would need one.", metavar=""
    ),
]
MinConfidence = Annotated[
    float,
    typer.Option("--min-confidence", min=0, max=1, help="Surer findings need no person."),
]
Budget = Annotated[
    float | None, typer.Option("--budget-usd", min=0, help="Of the whole audit; default 20.")
]
Parallel = Annotated[int, typer.Option("--parallel", min=1, max=50, help="Runs at once.")]


async def audit(
    ledger: Ledger,
    *,
    mapping: Map = None,
    table: TableName = "",
    encoding: Encoding = "",
    delimiter: Delimiter = "",
    title: Title = "",
    dry_run: DryRun = False,
    min_confidence: MinConfidence = 0.8,
    run_id: options.NewId = "",
    again: options.Again = False,
    detach: options.Detach = False,
    parallel: Parallel = 8,
    budget_usd: Budget = None,
    steps: options.Steps = None,
    tokens: options.Tokens = None,
    cost_usd: options.CostUsd = None,
    minutes: options.Minutes = None,
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Audit a ledger: every finding is confirmed in the ledger by a second check.

    Stops with exit code 3 where a person has to decide, at the latest before the report is
    filed. The limits (--steps, --tokens, --cost-usd, --minutes) hold for one candidate's run.
    """
    source = checked(
        LedgerSource(
            ledger=ledger,
            table=table,
            mapping=pairs(mapping or [], "--map"),
            encoding=encoding,
            delimiter=delimiter,
        )
    )
    given: dict[str, Any] = {
        **source.model_dump(),
        "title": title,
        "min_confidence": min_confidence,
        "parallel": parallel,
        "limits": options.limits(steps, tokens, cost_usd, minutes),
        "cost_usd": options.usd(budget_usd),
        "tenant": tenant,
        "by": by or whoami(),
        "dry_run": dry_run,
    }
    request = AuditRequest(**{name: value for name, value in given.items() if value is not None})
    wanted = Start(AUDIT_WORKFLOW, request, "audit", run_id, again, detach)
    async with session() as opened:
        started = await start(opened, wanted)
        announce(opened, started)
        if detach:
            return started_only(started, as_json=json)
        came_to = await follow(opened, started.run_id, silent=json)
        if not isinstance(came_to, Waits):
            return audit_results.report(started.run_id, came_to, as_json=json)
        so_far = await audit_results.so_far(opened, started.run_id)
        if so_far is not None and json:
            console.emit(audit_results.figures(so_far, outcome="waiting"))
        elif so_far is not None:
            audit_results.show(so_far, waiting=True)
        return report_wait(opened, came_to)


def checked(source: LedgerSource) -> LedgerSource:
    """Return `source` as a worker anywhere can use it, once it is known to open.

    Raises:
        Misuse: The file, its columns or the URL are not what is needed.
    """
    # Here and not above: a SQL parser that every other command would load for nothing.
    from agents.auditor.columns import LedgerError, lay_out  # noqa: PLC0415
    from agents.auditor.sources import opened as opened_ledger  # noqa: PLC0415

    if "://" in source.ledger:
        _without_password(source.ledger)
        return source
    found = source.model_copy(update={"ledger": str(Path(source.ledger).expanduser().absolute())})
    try:
        with opened_ledger(found if source.ledger else source) as table:
            lay_out(table.columns, source.mapping, table.name)
    except LedgerError as error:
        raise Misuse(f"{error} (nothing was started)") from None
    return found


def _without_password(url: str) -> None:
    """Refuse a password in the clear: the input of a run stays in its history."""
    try:
        password = make_url(url).password
    except ArgumentError:
        raise Misuse(
            "LEDGER is not a database URL; expected for example "
            "postgresql+psycopg://user:${LEDGER_PASSWORD}@host/name"
        ) from None
    if password and not str(password).startswith("${"):
        raise Misuse(
            "LEDGER holds a password, and a run's input stays in its history; put the password "
            "into the worker's environment and write ${NAME} in its place"
        )
