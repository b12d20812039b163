"""The builds of a drilled deploy: copies of this code, changed as a team would change it."""

import shutil
from pathlib import Path
from typing import Final

from runtime.settings import PROJECT

_PACKAGES: Final = ("activities", "agents", "commands", "domain", "runtime", "workflows")
_FILES: Final = ("worker.py", "starter.py", "requirements.txt", "pyproject.toml")
_LOOP: Final = "            await folding.fold_if_due()\n"
# A new step of every turn. Runs that began without it go on without it. The change is asked for
# where a run begins: behind a local activity the answer can be another one when it is replayed.
_BEGINS: Final = "        return await self.conduct(self._work)\n"
_DECIDED: Final = '        self._breathes = workflow.patched("bench-breathes")\n'
_GUARDED: Final = "            if self._breathes:\n                await workflow.sleep(0.01)\n"
# The same without the guard: what a hurried team ships.
_UNGUARDED: Final = "            await workflow.sleep(0.01)\n"
_AGENT: Final = "workflows/agent.py"
_SPEC: Final = "agents/drill/spec.py"
_PROMPT: Final = "agents/drill/prompts/system.v{}.md"


class CannotChange(RuntimeError):
    """The code is no longer what the drill's changes were written for; names file and text."""


def old(into: Path) -> Path:
    """Return a copy of this code."""
    into.mkdir(parents=True)
    for name in _PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, into / name, ignore=ignored)
    for name in _FILES:
        shutil.copy(PROJECT / name, into / name)
    return into


def new(into: Path) -> Path:
    """Return a copy with a new step behind `workflow.patched`, and another prompt."""
    made = old(into)
    _change(made / _AGENT, _BEGINS, _DECIDED + _BEGINS)
    _change(made / _AGENT, _LOOP, _GUARDED + _LOOP)
    text = (made / _PROMPT.format("1.0.0")).read_text(encoding="utf-8")
    (made / _PROMPT.format("1.1.0")).write_text(text + "\nBe brief.\n", encoding="utf-8")
    _change(made / _SPEC, "system.v1.0.0.md", "system.v1.1.0.md")
    return made


def breaking(into: Path) -> Path:
    """Return the new build with one step more, which nothing guards."""
    made = new(into)
    _change(made / _AGENT, _LOOP, _UNGUARDED + _LOOP)
    return made


def _change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    if text.count(before) != 1:
        raise CannotChange(f"{path.name}: expected {before.strip()!r} once; adapt the drill")
    path.write_text(text.replace(before, after), encoding="utf-8")
