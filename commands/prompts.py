"""`prompts`: their versions, the lock that holds them, and what differs between two."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from agents.agent import Agent
from agents.prompts import LOCK, PromptFile, files, locked, problems, written
from agents.registry import agents
from commands import console, history, options, reading
from commands.console import safe
from commands.errors import CommandError, Exit, Misuse
from commands.groups import group
from commands.session import session
from domain.activity import Resolved
from domain.spec import AgentSpec

Target = Annotated[
    str, typer.Argument(metavar="AGENT|RUN", help="An agent's folder, or a run's id.")
]
One = Annotated[str, typer.Argument(metavar="[V1]", help="A version, for example 1.0.0.")]
Other = Annotated[str, typer.Argument(metavar="[V2]", help="Another; default: the one in use.")]
Name = Annotated[
    str, typer.Option("--prompt", help="Which of the agent's prompts; default: system.")
]
Amend = Annotated[
    bool,
    typer.Option(
        "--amend", help="Lock changed texts too: for versions that no run has used.", metavar=""
    ),
]
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def prompts() -> typer.Typer:
    """Return the group of commands."""
    return group(
        "Prompts: their versions, and what differs between them.",
        {"list": list_prompts, "check": check, "lock": lock, "diff": diff},
    )


async def list_prompts(json: options.Json = False) -> Exit:
    """List every version of every prompt, and which are in use."""
    found, locks, used = _files(), locked(), _used()
    in_use = [file for file in found if file.stated in used[file.folder]]
    if json:
        console.emit([{**_row(file, locks), "in_use": file in in_use} for file in found])
        return Exit.OK
    table = console.table("prompt", "version", "hash", "in use", "state")
    for file in found:
        state = _state(file, locks)
        shown = "" if state == "locked" else f"[yellow]{state}[/]"
        use = "yes" if file in in_use else ""
        table.add_row(safe(file.prompt), str(file.version), file.hash[:12], use, shown)
    console.out().print(table)
    return Exit.OK


def _row(file: PromptFile, locks: Mapping[str, str]) -> dict[str, str]:
    version, state = str(file.version), _state(file, locks)
    return {"prompt": file.prompt, "version": version, "hash": file.hash, "state": state}


async def check(json: options.Json = False) -> Exit:
    """Fail where a text was changed without a new version. `make check` runs it."""
    found = _files()
    wrong = problems(found, locked())
    if json:
        console.emit({"prompts": len(found), "problems": wrong})
    elif wrong:
        for each in wrong:
            console.warn(each)
    else:
        console.out().print(f"{len(found)} versions of prompts say what they were locked with")
    return Exit.FAILED if wrong else Exit.OK


async def lock(amend: Amend = False, json: options.Json = False) -> Exit:
    """Lock new versions to their texts."""
    found, locks = _files(), locked()
    changed = [file for file in found if locks.get(file.key, file.hash) != file.hash]
    if changed and not amend:
        wrong = "; ".join(problems(changed, locks))
        raise CommandError(f"{wrong}. Nothing was locked. --amend locks it all the same")
    new = [file for file in found if file.key not in locks]
    LOCK.write_text(written(locks | {file.key: file.hash for file in found}), encoding="utf-8")
    if json:
        console.emit({"locked": [each.key for each in new], "amended": [e.key for e in changed]})
        return Exit.OK
    for file in new:
        console.out().print(f"[green]✓[/] {safe(file.key)}")
    for file in changed:
        console.out().print(f"[yellow]✓[/] {safe(file.key)}, with another text than before")
    if not new and not changed:
        console.note("nothing to lock: every version is")
    return Exit.OK


# --- what differs


@dataclass(frozen=True)
class _Sides:
    """Two texts and what to call them."""

    old: tuple[str, str]
    new: tuple[str, str]

    @property
    def lines(self) -> list[str]:
        """What differs, as a unified diff; nothing where nothing does."""
        (before, old), (after, new) = self.old, self.new
        texts = old.splitlines(), new.splitlines()
        return list(difflib.unified_diff(*texts, before, after, lineterm=""))


async def diff(
    target: Target,
    one: One = "",
    other: Other = "",
    *,
    prompt: Name = "system",
    json: options.Json = False,
) -> Exit:
    """Show what differs between two versions, or between what a run used and what is in use.

    Without versions an agent's last two are compared.
    """
    versions = [file for file in _files() if file.folder == target and file.name == prompt]
    if versions:
        sides = [_between(versions, one, other)]
    elif one or target in agents():
        raise Misuse(f"agent {target!r} has no prompt {prompt!r}; `prompts list` shows them")
    else:
        sides = await _since(target)
    if json:
        console.emit([{"old": s.old[0], "new": s.new[0], "diff": s.lines} for s in sides])
        return Exit.OK
    for each in sides:
        _show(each)
    return Exit.OK


def _between(versions: Sequence[PromptFile], one: str, other: str) -> _Sides:
    named = {str(file.version): file for file in versions}
    for version in filter(None, (one, other)):
        if version not in named:
            raise Misuse(
                f"{versions[0].prompt} has no version {version!r}; there are {', '.join(named)}"
            )
    if not one and len(versions) == 1:
        only = versions[0]
        raise Misuse(f"{only.prompt} has the version {only.version} only; there is no other")
    last = _in_use(versions)
    new = named[other] if other else last
    old = named[one] if one else versions[versions.index(new) - 1]
    return _Sides((old.key, old.text), (new.key, new.text))


def _in_use(versions: Sequence[PromptFile]) -> PromptFile:
    """Return the version that the agent states; the newest where it states none."""
    used = _used().get(versions[0].folder, set())
    return next((file for file in reversed(versions) if file.stated in used), versions[-1])


async def _since(run_id: str) -> list[_Sides]:
    """Return what each agent of a run was told, and what it would be told now."""
    specs = await _specs(run_id)
    if not specs:
        raise CommandError(
            f"run {run_id!r} has resolved no agent yet, so it has no prompt to compare"
        )
    known = agents()
    return [side for name, spec in specs.items() for side in _told(run_id, spec, known.get(name))]


def _told(run_id: str, spec: AgentSpec, agent: Agent | None) -> list[_Sides]:
    if agent is None:
        raise CommandError(f"run {run_id!r} is of agent {spec.name!r}, which is not there any more")
    now = agent.spec()
    pairs = [("system", (spec.prompt_version, spec.system), (now.prompt_version, now.system))]
    for name in sorted(spec.side_prompts.keys() & now.side_prompts.keys()):
        old, new = spec.side_prompts[name], now.side_prompts[name]
        pairs.append((name, (old.version, old.text), (new.version, new.text)))
    return [
        _Sides((f"{spec.name} {old[0]} (run {run_id})", old[1]), (f"{spec.name} {new[0]}", new[1]))
        for _, old, new in pairs
    ]


async def _specs(run_id: str) -> dict[str, AgentSpec]:
    """Return the agents that a run resolved, as they were then, by name."""
    found: dict[str, AgentSpec] = {}
    async with session() as opened:
        await reading.described(opened, run_id)
        for leg in await history.legs(opened, run_id):
            for value in await history.local_results(opened.client.data_converter, leg.events):
                if spec := _resolved(value):
                    found[spec.name] = spec
    return found


def _resolved(value: Any) -> AgentSpec | None:
    """Return the agent, where a local activity has resolved one."""
    fields = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return Resolved.model_validate(fields).spec if fields.get("spec") else None


def _show(sides: _Sides) -> None:
    lines = sides.lines
    if not lines:
        console.out().print(f"{safe(sides.old[0])} and {safe(sides.new[0])} say the same")
    for line in lines:
        console.out().print(Text(line, style=_COLOURS.get(line[:1], "")), soft_wrap=True)


# --- what there is


def _files() -> list[PromptFile]:
    try:
        return files()
    except ValueError as error:
        raise CommandError(str(error)) from None


def _state(file: PromptFile, locks: Mapping[str, str]) -> str:
    if file.key not in locks:
        return "new"
    return "locked" if locks[file.key] == file.hash else "changed"


def _used() -> dict[str, set[str]]:
    """Return which versions the agents state, by folder."""
    used: dict[str, set[str]] = {}
    beside = set[str]()
    for name, agent in agents().items():
        spec = agent.spec()
        side = {each.version for each in spec.side_prompts.values()}
        used[name] = {spec.prompt_version, *side}
        beside |= side
    # A folder that is no agent has prompts for those agents that bring none of their own.
    return {file.folder: used.get(file.folder, beside) for file in _files()}
