"""From what a closed run has left to what it adds to the fleet's numbers."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

from pydantic import ConfigDict, Field

from domain import measures
from domain.activity import Report
from domain.budget import Spend
from domain.contract import Contract
from domain.measures import OTHER, Amount
from domain.people import People
from domain.rejections import Rejection
from domain.standing import KIND as STANDING

# Questions that a policy wants whatever happens; all others are put since a run is at a loss.
_WANTED: Final = frozenset({"call", "plan", "finding", "fields", STANDING})
_MOST_NAME: Final = 64  # characters of a label that a run's answer has chosen

Classes = Mapping[str, Set[str]]
"""Field of an answer to the values that it can have."""


@dataclass(frozen=True)
class Bounds:
    """What labels may say.

    Attributes:
        tenants: Those that are counted by name.
        classes: By agent.
    """

    agents: Set[str] = frozenset[str]()
    tenants: Set[str] = frozenset({"default"})
    classes: Mapping[str, Classes] = field(default_factory=dict[str, Classes])

    def tenant(self, name: str) -> str:
        """Return the tenant as it is counted."""
        return name if name in self.tenants else OTHER

    def agent(self, report: Report) -> str:
        """Return the agent as it is counted: anyone can ask for one that there is not."""
        known = report.agent in self.agents or report.workflow != "AgentWorkflow"
        return report.agent if known else OTHER


class _Decided(Contract):
    """Of a decision."""

    kind: str = ""
    verdict: str = ""
    at: datetime
    asked_at: datetime | None = None


class _Checked(Contract):
    """Of what a run had checked."""

    escalated: int = 0


class _Left(Contract):
    """Of any run's result; whatever another version of the code has left, counting goes on."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    spend: Spend = Spend()
    seconds: float = 0
    people: People | None = None
    decisions: tuple[_Decided, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    checks: _Checked | None = None
    answer: Any = None
    logprobs: dict[str, float] = Field(default_factory=dict[str, float])
    category: str = ""
    confidence: float = 0


def amounts_of(report: Report, bounds: Bounds) -> list[Amount]:
    """Return what a closed run adds, one amount a series."""
    left = _Left.model_validate(report.result)
    agent, tenant = bounds.agent(report), bounds.tenant(report.tenant)
    added: Counter[tuple[str, tuple[str, ...]]] = Counter()
    for name, labels, units in _all(report, left, agent, tenant, bounds):
        added[name, labels] += units
    return [Amount(*series, units) for series, units in added.items()]


def _all(report: Report, left: _Left, agent: str, tenant: str, bounds: Bounds) -> Iterator[Amount]:
    people = left.people or People()
    yield from measures.OUTCOMES.once(agent, report.outcome)
    yield from measures.BY_TENANT.once(tenant, report.outcome)
    yield from measures.DURATION.seen(left.seconds, agent)
    yield from measures.WORKING.seen(max(left.seconds - people.waited_s, 0), agent)
    yield from measures.COST.seen(left.spend.cost_usd, agent)
    yield from measures.TOKENS.seen(left.spend.tokens, agent)
    yield from measures.STEPS.seen(left.spend.steps, agent)
    yield from _of_people(left, people, agent)
    for refused in left.rejections:
        yield from measures.REJECTIONS.once(agent, refused.by)
    if report.outcome == "completed":
        yield from _of_the_answer(left, agent, bounds.classes.get(agent, {}))


def _of_people(left: _Left, people: People, agent: str) -> Iterator[Amount]:
    for kind, times in people.asked.items():
        yield from measures.ASKED.once(agent, kind, times=times)
        if kind not in _WANTED:
            yield from measures.ESCALATIONS.once(agent, kind, times=times)
    yield from measures.ESCALATIONS.once(agent, "asked_again", times=people.again)
    yield from measures.ESCALATIONS.once(agent, "stopped", times=people.stopped)
    larger = left.checks.escalated if left.checks else 0
    yield from measures.ESCALATIONS.once(agent, "larger_model", times=larger)
    for made in left.decisions:
        if made.asked_at is None:
            continue  # a standing approval, a dry run, a halt: nobody was asked
        yield from measures.ANSWERED.once(agent, made.kind, made.verdict)
        yield from measures.WAIT.seen((made.at - made.asked_at).total_seconds(), made.kind)


def _of_the_answer(left: _Left, agent: str, classes: Classes) -> Iterator[Amount]:
    answer: object = left.answer
    fields = cast("dict[str, Any]", answer) if isinstance(answer, dict) else {}
    for name, logprob in left.logprobs.items():
        yield from measures.CONFIDENCE.seen(
            round(math.exp(min(logprob, 0)), 6), agent, name[:_MOST_NAME]
        )
    stated = fields.get("confidence")
    if isinstance(stated, int | float) and 0 <= stated <= 1:
        yield from measures.CONFIDENCE.seen(round(stated, 6), agent, "stated")
    if left.category:
        yield from measures.CONFIDENCE.seen(round(left.confidence, 6), agent, "category")
        yield from measures.CLASSES.once(agent, "category", left.category[:_MOST_NAME])
    for name, values in classes.items():
        if name in fields:
            said = _spelled(fields[name])
            yield from measures.CLASSES.once(agent, name, said if said in values else OTHER)


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def classes_of(schema: Mapping[str, Any] | None) -> dict[str, frozenset[str]]:
    """Return the fields of an answer's schema that choose among few: enumerations and booleans."""
    if not schema:
        return {}
    defined = cast("dict[str, Any]", schema.get("$defs", {}))
    properties = cast("dict[str, Any]", schema.get("properties", {}))
    found = {name: _values(each, defined) for name, each in properties.items()}
    return {name: values for name, values in found.items() if values}


def _values(said: Any, defined: Mapping[str, Any]) -> frozenset[str]:
    if not isinstance(said, dict):
        return frozenset()
    form = cast("dict[str, Any]", said)
    if "$ref" in form:
        return _values(defined.get(str(form["$ref"]).rpartition("/")[2]), {})
    if form.get("type") == "boolean":
        return frozenset({"true", "false"})
    return frozenset(map(_spelled, form.get("enum", ())))
