"""Cases: what an agent is given, what people and services answer, and what must come of it.

They lie beside the agent as pydantic-evals' own YAML, in `agents/<name>/evals/`: `cases.yaml`, more
files like it, and in `files/` what every case finds in its folder.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import yaml
from pydantic import Field, ValidationError

from agents.prompts import AGENTS
from commands.errors import CommandError, Misuse, invalid
from domain.contract import Strict, canonical, digest

if TYPE_CHECKING:
    from pydantic_evals import Dataset

FILES: Final = "{files}"
"""Stands in a case's data for the folder that it has to itself."""
Matcher = Any
"""A value, or one of `{"has": "..."}`, `{"any": [...]}`, `{"about": 1.5, "within": 0.1}`,
`{"at_least": 0.8}`, `{"at_most": 0.5}`, `{"not": ...}`, `{"length": 2}`."""


class Said(Strict):
    """What a person answers when they are asked.

    Attributes:
        tool: The call that they are asked about; empty for whatever comes next.
        kind: What is asked: `call`, `answer`, `plan`; empty for whatever comes next.
        arguments: What they put in the place of what was proposed, for `modify`.
    """

    verdict: Literal["approve", "reject", "modify"] = "approve"
    tool: str = ""
    kind: str = ""
    arguments: dict[str, Any] | None = None
    reason: str = ""


class Stub(Strict):
    """What a tool answers in the place of its function.

    Attributes:
        when: Arguments that the call must have, among others; empty for any call.
        result: Text, or what is told as JSON.
        error: It refuses, in these words.
        away: It cannot be reached, in these words.
        times: For so many calls; 0 for all.
    """

    when: dict[str, Any] = Field(default_factory=dict[str, Any])
    result: Any = None
    error: str = ""
    away: str = ""
    times: int = Field(default=0, ge=0)


class Inputs(Strict):
    """What a case's run is started with, and what it meets.

    Attributes:
        task: As a person or a program gives it; an object is handed on as its text.
        given: What `evaluating.py` of the agent makes the request of, in the place of `task`.
        data: Inputs of the tools; `{files}` is the case's own folder.
        files: What is put into that folder, besides the agent's `evals/files`.
        stubs: By tool: what it answers; the first that fits and is not used up.
        answers: What people say, in order. Who is asked and has no answer left says no.
        earlier: Tasks that were done before in the same name: what is remembered.
    """

    task: str | dict[str, Any] = ""
    given: dict[str, Any] | None = None
    data: dict[str, str] = Field(default_factory=dict[str, str])
    files: dict[str, str] = Field(default_factory=dict[str, str])
    stubs: dict[str, list[Stub]] = Field(default_factory=dict[str, list[Stub]])
    answers: list[Said] = Field(default_factory=list[Said])
    earlier: list[str] = Field(default_factory=list[str])
    by: str = ""


class Wanted(Strict):
    """A call that must have been made.

    Attributes:
        arguments: What it must have, among others; values as `fields` has them.
    """

    tool: str
    arguments: dict[str, Matcher] = Field(default_factory=dict[str, Matcher])


class Expected(Strict):
    """What must come of a case. What is not said is not scored.

    Attributes:
        fields: By its path in the answer (`finding.kind`, `invoices.0.item`): the value.
        says: What the answer's text must have in it, whatever its case.
        never: What it must not.
        tools: Calls that must have been made; `in_order`: in this order.
        no_others: And no other tool.
        never_calls: Tools that must not have been called.
        asks: The tools (or kinds of question) that people were asked about, in order.
        routed: The agents that the work was given to: asked or handed on to, in order.
        effects: Writes that must have happened, and no others; None: not looked at.
        most_steps: Model calls of its own.
        rubric: What a judge asks of the answer, where no rule serves.
    """

    outcome: str = "completed"
    fields: dict[str, Matcher] = Field(default_factory=dict[str, Matcher])
    says: list[str] = Field(default_factory=list[str])
    never: list[str] = Field(default_factory=list[str])
    tools: list[Wanted] = Field(default_factory=list[Wanted])
    in_order: bool = True
    no_others: bool = False
    never_calls: list[str] = Field(default_factory=list[str])
    asks: list[str] | None = None
    routed: list[str] | None = None
    effects: list[Wanted] | None = None
    most_steps: int | None = None
    rubric: str = ""


class About(Strict):
    """What a case is for.

    Attributes:
        run: The run that it was made of, where it comes from production.
    """

    why: str = ""
    tags: list[str] = Field(default_factory=list[str])
    run: str = ""


def folder_of(agent: str) -> Path:
    """Return where an agent's cases lie."""
    return AGENTS / agent / "evals"


def evaluated() -> list[str]:
    """Return the agents that have cases."""
    return sorted(path.parent.parent.name for path in AGENTS.glob("*/evals/cases.yaml"))


def load(agent: str, only: str = "", quick: int = 0) -> "Dataset[Inputs, Expected, About]":
    """Return an agent's cases.

    Args:
        agent: Its name.
        only: Those alone whose name or tags have this in them.
        quick: So many, spread over all; 0 for all.

    Raises:
        Misuse: There are none.
        CommandError: A file of them cannot be read.
    """
    from pydantic_evals import Dataset  # noqa: PLC0415 - imports a second's worth of others

    folder = folder_of(agent)
    paths = sorted(folder.glob("*.yaml"))
    cases = [case for path in paths for case in _read(path)]
    if not cases:
        raise Misuse(
            f"agent {agent!r} has no cases; write {str(folder / 'cases.yaml')!r}, or make one of a "
            f"run: `python starter.py eval add RUN`. With cases: {', '.join(evaluated())}"
        )
    chosen = [
        case
        for case in cases
        if only in case.name or only in (case.metadata.tags if case.metadata else ())
    ]
    if not chosen:
        raise Misuse(f"--only {only!r}: none of the {len(cases)} cases of {agent!r} has that")
    if quick:
        step = max(1, len(chosen) // quick)
        chosen = chosen[::step][:quick]
    try:
        return Dataset[Inputs, Expected, About](name=agent, cases=chosen)
    except ValueError as error:
        raise CommandError(f"the cases of {agent!r}: {error}") from None


def _read(path: Path) -> list[Any]:
    from pydantic_evals import Dataset  # noqa: PLC0415 - as above

    try:
        text = path.read_text(encoding="utf-8")
        raw = cast("dict[str, Any]", yaml.load(text, Loader=yaml.CSafeLoader))
        for case in cast("list[dict[str, Any]]", raw.get("cases") or []):
            case.setdefault("expected_output", {})
        return Dataset[Inputs, Expected, About].from_dict(raw, default_name=path.stem).cases
    except ValidationError as error:
        raise CommandError(f"{path}: {invalid(error)}") from None
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        line = " ".join(str(error).split())[:300]
        raise CommandError(f"{path} is no file of cases: {line}") from None


def identity(inputs: Inputs, expected: Expected) -> str:
    """Return what tells whether a case is still the one that a baseline was made with."""
    return digest(
        canonical(inputs.model_dump(mode="json", exclude_defaults=True)),
        canonical(expected.model_dump(mode="json", exclude_defaults=True)),
        length=12,
    )


@cache
def _maker(agent: str) -> Any:
    try:
        return importlib.import_module(f"agents.{agent}.evaluating").request
    except ModuleNotFoundError as error:
        raise CommandError(
            f"a case of {agent!r} has `given`, and there is no agents/{agent}/evaluating.py "
            f"with a `request` that makes a task of it ({error})"
        ) from None


def request_of(agent: str, inputs: Inputs, folder: Path) -> Mapping[str, Any]:
    """Return the fields of the request that starts a case: its task, data and so on.

    Args:
        agent: Its name.
        inputs: The case's.
        folder: The case's own, whose files are there.
    """
    data = {name: value.replace(FILES, str(folder)) for name, value in inputs.data.items()}
    made: Mapping[str, Any] = {"task": inputs.task}
    if inputs.given is not None:
        made = _maker(agent)(inputs.given, folder)
    return {**made, "data": {**data, **made.get("data", {})}}
