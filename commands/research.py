"""`research`: a question, a folder of documents, a report whose every claim was checked."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import RenderableType

from commands import console, options, results
from commands.console import safe
from commands.errors import CommandError, Exit, Misuse
from commands.following import Waits, follow, report_wait
from commands.reading import Closed
from commands.session import Session, session, whoami
from commands.starting import Start, announce, start, started_only
from domain.researching import MAX_QUESTION, ResearchRequest, ResearchResult

RESEARCH_WORKFLOW = "ResearchWorkflow"
_MOST_SHOWN = 12

Question = Annotated[str, typer.Argument(metavar="QUESTION", help="What the report shall answer.")]
Documents = Annotated[
    str,
    typer.Option(
        "--documents", metavar="DIR", help="Folder with text, Markdown, HTML and PDF files."
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the report as Markdown.")
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write it as one HTML page.")
]
Parallel = Annotated[
    int, typer.Option("--parallel", min=1, max=50, help="Specialists and verifiers at once.")
]
Attempts = Annotated[
    int,
    typer.Option("--attempts", min=1, max=10, help="Tries of a sub-task before a person is asked."),
]
Budget = Annotated[
    float | None, typer.Option("--budget-usd", min=0, help="Of the whole research; default 20.")
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Ask nobody: a part that fails for good is left out.", metavar=""
    ),
]


async def research(
    question: Question,
    *,
    documents: Documents,
    out: Out = None,
    html: Html = None,
    parallel: Parallel = 8,
    attempts: Attempts = 3,
    budget_usd: Budget = None,
    run_id: options.NewId = "",
    again: options.Again = False,
    detach: options.Detach = False,
    dry_run: DryRun = False,
    steps: options.Steps = None,
    tokens: options.Tokens = None,
    cost_usd: options.CostUsd = None,
    minutes: options.Minutes = None,
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Answer a question from documents; every claim is checked against what it cites.

    What the passages do not bear out is taken out of the report and listed with the reason. The
    limits (--steps, --tokens, --cost-usd, --minutes) hold for one specialist's run.
    """
    given: dict[str, Any] = {
        "question": _fitting(question),
        "documents": folder(documents),
        "parallel": parallel,
        "attempts": attempts,
        "limits": options.limits(steps, tokens, cost_usd, minutes),
        "cost_usd": options.usd(budget_usd),
        "tenant": tenant,
        "by": by or whoami(),
        "dry_run": dry_run,
    }
    files = {"markdown": _writable(out, "--out"), "html": _writable(html, "--html")}
    request = ResearchRequest(**{name: each for name, each in given.items() if each is not None})
    wanted = Start(RESEARCH_WORKFLOW, request, "research", run_id, again, detach)
    async with session() as opened:
        started = await start(opened, wanted)
        announce(opened, started)
        if detach:
            return started_only(started, as_json=json)
        came_to = await follow(opened, started.run_id, silent=json)
        if isinstance(came_to, Waits):
            if json:
                console.emit(results.waits_json(came_to))
            return report_wait(opened, came_to)
        await _write(opened, came_to, files)
        return results.run_result(started.run_id, came_to, as_json=json, kind="research")


def folder(documents: str) -> str:
    """Return the folder as a worker on this machine finds it, once there is something to read.

    Raises:
        Misuse: It is no folder, or holds no document.
    """
    # Here and not above: the other commands need not know how files are read.
    from agents.reading.folder import FolderError, listing  # noqa: PLC0415

    try:
        listing(documents)
    except FolderError as error:
        raise Misuse(f"--documents: {error} (nothing was started)") from None
    except OSError as error:
        raise Misuse(f"--documents {documents!r}: {error.strerror or error}") from None
    return str(Path(documents).expanduser().absolute())


def _fitting(question: str) -> str:
    text = question.strip()
    if not text:
        raise Misuse("QUESTION is empty; say what the report shall answer")
    if len(text) > MAX_QUESTION:
        raise Misuse(
            f"QUESTION has {len(text):,} characters, expected at most {MAX_QUESTION:,}; "
            "put long material among the documents"
        )
    return text


def _writable(path: Path | None, option: str) -> Path | None:
    """Refuse a file that could not be written before anything is started."""
    if path is not None and not path.absolute().parent.is_dir():
        raise Misuse(f"{option} {str(path)!r}: there is no such folder; name one that exists")
    if path is not None and path.is_dir():
        raise Misuse(f"{option} {str(path)!r} is a folder; name a file")
    return path


async def _write(opened: Session, came_to: Closed, files: dict[str, Path | None]) -> None:
    """Write the report's files out of the store; a run without a report writes none."""
    from runtime.artifacts import Artifacts  # noqa: PLC0415 - a run that is detached needs none

    kept = Artifacts(opened.database)
    for kind, path in files.items():
        reference = str((came_to.result or {}).get(kind) or "")
        if path is None:
            continue
        if not reference:
            console.warn(f"there is no report, so {str(path)!r} was not written")
            continue
        content = await kept.get(reference)
        if content is None:
            raise kept.not_found(reference)
        try:
            path.write_bytes(content)
        except OSError as error:
            raise CommandError(f"{str(path)!r} cannot be written: {error.strerror}") from None
        console.note(f"{path} ({len(content):,} bytes)")


def figures(result: ResearchResult) -> dict[str, Any]:
    """Return what `research --json` prints: the report, without the specialists' own work."""
    return console.plain(result.model_copy(update={"work": (), "documents": ()})) | {
        "documents": len(result.documents) + result.more,
        "claims": len(result.claims),
        "tried": {each.task.id: len(each.attempts) for each in result.work},
    }


def _facts(result: ResearchResult) -> dict[str, str]:
    quoted = {each.passage for claim in result.claims for each in claim.citations}
    unread = [f"{each.name}: {each.reason}" for each in result.unread]
    decided = [
        f"{each.task}: {each.specialist} failed ({each.failure}); {each.by}: {each.action}"
        f"{' to ' + each.to if each.to else ''}"
        for each in result.recoveries
    ]
    return {
        "report": f"{len(result.claims)} claims from {len(quoted)} passages of "
        f"{len({source.document for source in result.sources})} documents; "
        f"{len(result.documents) + result.more} documents were read",
        "not answered": results.lines(result.gaps, 8),
        "not read": results.lines(unread, 8),
        "where a specialist failed": results.lines(decided, 12),
    }


@results.shows("research", facts=_facts, figures=figures)
def _report(result: ResearchResult) -> Iterable[RenderableType]:
    yield from _claims(result)
    if result.removed:
        yield "[yellow]taken out, not part of the report[/]"
    for each in result.removed[:_MOST_SHOWN]:
        yield f"  • {safe(each.text)}\n    [dim]{each.found_by}: {safe(each.why)}[/]"
    if len(result.removed) > _MOST_SHOWN:
        yield f"  … {len(result.removed) - _MOST_SHOWN} more"
    if result.claims or result.removed:
        yield ""


def _claims(result: ResearchResult) -> Iterable[RenderableType]:
    """Yield the first claims under their headings."""
    left = _MOST_SHOWN
    for section in result.sections:
        if left > 0:
            yield f"[bold]{safe(section.heading)}[/]"
        for claim in section.claims[: max(left, 0)]:
            yield f"  • {safe(claim.text)}"
        left -= len(section.claims)
    if left < 0:
        yield f"  … {-left} more claims: --out FILE.md writes the whole report"
