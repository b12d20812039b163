"""`chain`: steps in sequence, each given what it declares that it needs."""

import json as json_module
import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import RenderableType

from commands import console, options, results
from commands.console import safe
from commands.errors import Exit, Misuse, invalid
from commands.launch import launch
from commands.session import whoami
from commands.starting import Start
from domain.chain import ChainRequest, ChainResult, ChainWritten
from domain.contract import strict_json
from domain.handoff import origin, properties

CHAIN_WORKFLOW = "ChainWorkflow"
_KIND = "chain"
_MOST_INPUT = 1_000_000

StepsFile = Annotated[
    Path, typer.Argument(metavar="STEPS.yaml", help="The chain: its input and its steps.")
]
Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="What it is given: a .json or .yaml file, a text file, - for standard input.",
    ),
]
Check = Annotated[
    bool, typer.Option("--check", help="Check it, show its steps, start nothing.", metavar="")
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Make no writes and ask nobody.", metavar="")
]


async def chain(
    steps_file: StepsFile,
    given: Input,
    *,
    check: Check = False,
    dry_run: DryRun = False,
    run_id: options.NewId = "",
    again: options.Again = False,
    detach: options.Detach = False,
    budget_usd: options.Budget = None,
    steps: options.Steps = None,
    tokens: options.Tokens = None,
    cost_usd: options.CostUsd = None,
    minutes: options.Minutes = None,
    tenant: options.Tenant = "default",
    by: options.By = "",
    json: options.Json = False,
) -> Exit:
    """Run typed steps one after the other; each is given what it declares, and no more.

    The limits (--steps, --tokens, --cost-usd, --minutes) hold for one step's run. A step that
    fails ends the chain, which names it and keeps what is done.
    """
    written = _written(steps_file)
    request = ChainRequest(
        title=written.title or steps_file.stem,
        input=written.input,
        steps=tuple(written.steps),
        given=_given(given, written.input),
        limits=options.limits(steps, tokens, cost_usd, minutes),
        tenant=tenant,
        by=by or whoami(),
        dry_run=dry_run,
    )
    if budget_usd is not None:
        request = request.model_copy(update={"cost_usd": Decimal(str(budget_usd))})
    _check(steps_file, request)
    if check:
        return _show_steps(request, as_json=json)
    wanted = Start(CHAIN_WORKFLOW, request, "chain", run_id, again, detach)
    return await launch(_KIND, wanted, as_json=json)


def _written(path: Path) -> ChainWritten:
    # Here and not above: a YAML reader that the other commands would load for nothing.
    from agents.plain_yaml import PlainYamlError, mapping  # noqa: PLC0415

    try:
        return ChainWritten.model_validate(mapping(options.text_of(path, "a STEPS.yaml")))
    except PlainYamlError as error:
        raise Misuse(f"{path}: {error} (nothing was started)") from None
    except ValidationError as error:
        raise Misuse(f"{path}: {invalid(error)} (nothing was started)") from None


def _check(path: Path, request: ChainRequest) -> None:
    """Refuse a chain that the run would refuse, before anything is started."""
    from activities.chain import wrong_with  # noqa: PLC0415
    from agents.registry import agents  # noqa: PLC0415

    if found := wrong_with(request, agents().keys()):
        raise Misuse(f"{path}: {'; '.join(found[:5])} (nothing was started)")


def _given(place: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return what the chain is given: an object as it stands, a text under its one text's name."""
    text = (
        sys.stdin.read() if place == "-" else options.text_of(Path(place), "a file with the input")
    )
    if len(text.encode("utf-8", "surrogatepass")) > _MOST_INPUT:
        raise Misuse(f"INPUT {place!r} has more than {_MOST_INPUT:,} bytes; give a part of it")
    kind = Path(place).suffix.lower()
    if kind in {".yaml", ".yml"}:
        return _from_yaml(place, text)
    if kind == ".json" or (place == "-" and text.lstrip().startswith("{")):
        return _from_json(place, text)
    texts = [name for name, each in properties(schema).items() if each.get("type") == "string"]
    if len(texts) != 1:
        raise Misuse(
            f"INPUT {place!r} is text, and the chain's input has {len(texts)} fields that are: "
            f"give a .json or .yaml file with {sorted(properties(schema))}"
        )
    return {texts[0]: text}


def _from_yaml(place: str, text: str) -> dict[str, Any]:
    from agents.plain_yaml import PlainYamlError, mapping  # noqa: PLC0415

    try:
        return mapping(text)
    except PlainYamlError as error:
        raise Misuse(f"INPUT {place!r}: {error}") from None


def _from_json(place: str, text: str) -> dict[str, Any]:
    try:
        found = strict_json(text)
    except ValueError as error:
        raise Misuse(f"INPUT {place!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Misuse(f"INPUT {place!r} is no JSON object; expected {{...}}")
    return found  # pyright: ignore[reportUnknownVariableType] - JSON


def _show_steps(request: ChainRequest, *, as_json: bool) -> Exit:
    """Show what would run, and what each step would be given."""
    if as_json:
        console.emit(request.model_dump(mode="json", exclude_unset=True))
        return Exit.OK
    table = console.table("step", "agent", "is given", "answers")
    for index, step in enumerate(request.steps):
        needs: list[str] = []
        for name in properties(step.input):
            source = origin(request, index, name)
            needs.append(f"{name} ({source.step}.{source.field})" if source else name)
        row = (step.name, step.agent, ", ".join(needs), ", ".join(properties(step.output)))
        table.add_row(*map(safe, row))
    console.out().print(table)
    return Exit.OK


# --- the result


def _facts(result: ChainResult) -> dict[str, str]:
    produced, handed = result.produced_tokens, result.handed_tokens
    share = f" ({handed / produced:.0%})" if produced else ""
    return {
        "not begun": safe(", ".join(result.waiting)),
        "handed on": f"about {handed:,} of {produced:,} tokens produced{share}" if produced else "",
    }


@results.shows(_KIND, facts=_facts)
def _body(result: ChainResult) -> Iterable[RenderableType]:
    if result.answer is not None:
        yield safe(json_module.dumps(result.answer, indent=2, ensure_ascii=False))
        yield ""
    if result.steps:
        yield _table(result)


def _table(result: ChainResult) -> RenderableType:
    """Return a row a step. Tokens are estimates but for those that were billed."""
    columns = ("given", "produced", "handed on", "billed")
    table = console.table(
        "step", "outcome", *columns, "shortened", title="about so many tokens", right=columns
    )
    for number, step in enumerate(result.steps, 1):
        last = number == len(result.steps) and not result.waiting
        handed = "the answer" if last and not result.failed else f"{step.handed_tokens:,}"
        table.add_row(
            safe(step.name),
            safe(step.outcome.value),
            f"{step.given_tokens:,}",
            f"{step.produced_tokens:,}",
            handed,
            f"{step.used_tokens:,}",
            safe("; ".join(step.cut)),
        )
    return table
