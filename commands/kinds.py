"""What can be started: every workflow that a person attends, found and not listed.

A new workflow is in `workflows.WORKFLOWS`, or no worker serves it; so that is the registry.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, get_type_hints

from domain.contract import Contract
from workflows import WORKFLOWS
from workflows.attended import Attended

# Who asks, for whom, below whom and with what past: that is never for an input from outside to
# say. A request's field of this kind that is not named here would be open to every caller.
OWNED: Final = frozenset(
    {"tenant", "by", "state", "lineage", "forked_from", "ceiling", "depth", "undo"}
)
# Every field has a default, so that no start breaks; these must be given for one to be of use.
_REQUIRED: Final = {"agent": ("agent", "task")}
_REFERENCE: Final = re.compile(r'"#/\$defs/([^"]+)"')


@dataclass(frozen=True)
class Kind:
    """A workflow as people and programs call it.

    Attributes:
        name: Short: `agent`, `audit`, `batch`.
        workflow: The workflow type that the server knows.
        face: What its runs have for an agent's name in lists.
        part: Its runs are parts of another's, which alone starts them.
    """

    name: str
    workflow: str
    request: type[Contract]
    result: type[Contract]
    face: str
    part: bool = False

    @property
    def about(self) -> str:
        """One sentence: what is started."""
        first = (self.request.__doc__ or self.name).strip().splitlines()[0]
        return first.partition(". ")[0].rstrip(".") + "."

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the input's fields that a caller may set."""
        return tuple(name for name in self.request.model_fields if name not in OWNED)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the input, without what is not the caller's to say."""
        whole = self.request.model_json_schema()
        defined = whole.pop("$defs", {})
        whole["properties"] = {name: whole["properties"][name] for name in self.fields}
        whole["additionalProperties"] = False
        whole["description"] = self.about
        if required := _REQUIRED.get(self.name):
            whole["required"] = list(required)
        used = _used(whole, defined)
        return whole | ({"$defs": used} if used else {})


@cache
def kinds() -> dict[str, Kind]:
    """Return what can be started, by name."""
    found = [_kind(each) for each in WORKFLOWS if issubclass(each, Attended)]
    return {kind.name: kind for kind in found}


@cache
def startable() -> dict[str, Kind]:
    """Return what programs may start: all but what is a part of another's run."""
    return {name: kind for name, kind in kinds().items() if not kind.part}


@cache
def of_type(workflow: str) -> Kind | None:
    """Return the kind whose workflow type is `workflow`, None where it is not ours."""
    return next((kind for kind in kinds().values() if kind.workflow == workflow), None)


def name_of(workflow: str) -> str:
    """Return what a workflow type is called here; one that is not ours keeps its own name."""
    kind = of_type(workflow)
    return kind.name if kind else workflow


def _kind(workflow: type[Attended]) -> Kind:
    hints = get_type_hints(getattr(workflow, "run"))  # noqa: B009 - each has its own signature
    result = hints.pop("return")
    (request,) = hints.values()
    type_name = workflow.__name__
    name = type_name.removesuffix("Workflow").lower()
    face = str(getattr(workflow, "NAME", "")) or name
    return Kind(name, type_name, request, result, face, bool(getattr(workflow, "PART", False)))


def _used(schema: dict[str, Any], defined: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions that `schema` refers to, directly or through one another."""
    found: dict[str, Any] = {}
    waiting = _REFERENCE.findall(json.dumps(schema))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = defined[name]
            waiting += _REFERENCE.findall(json.dumps(defined[name]))
    return dict(sorted(found.items()))
