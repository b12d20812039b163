"""The mix: what each run is asked, what people say to it, all drawn from one seed."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

TENANTS: Final = ("default", "acme", "globex", "initech", "umbrella")
NAMED: Final = ("acme", "globex")
"""Tenants that metrics name beside the default one."""

_AGAIN, _READS, _LONG = 0.3, 0.7, 0.6  # shares of the runs

Word = tuple[str, str]
"""What a person says and how: `signal` or `update`, and the verdict."""


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        words: What is said to its questions and stops, in order; nothing: nobody answers.
        cancel: It is cancelled when it first waits for a person.
    """

    workflow: str
    request: dict[str, Any]
    words: tuple[Word, ...] = ()
    cancel: bool = False


@dataclass
class Mix:
    """Draws runs.

    Attributes:
        carrier: Address of the carrier's service.
        tickets: File of tickets for triages.
        orders: File of orders for refunds.
    """

    seed: int
    carrier: str
    tickets: Path
    orders: Path
    rng: random.Random = field(init=False)
    _number: int = 0

    def __post_init__(self) -> None:
        """Begin at the seed."""
        self.rng = random.Random(self.seed)

    def plans(self, runs: int) -> Iterator[Plan]:
        """Return so many plans, the same for the same seed."""
        kinds = (
            (self._plain, 30), (self._signed, 26), (self._unanswered, 4), (self._strict, 4),
            (self._stopped, 6), (self._limited, 5), (self._refused, 4), (self._cancelled, 3),
            (self._parcel, 20), (self._refund, 4), (self._long, 3),
        )  # fmt: skip
        drawn = self.rng.choices(*zip(*kinds, strict=True), k=runs - 1)
        yield self._triage()
        for kind in drawn:
            yield kind()

    def _tenant(self) -> str:
        return self.rng.choice(TENANTS)

    def _gauge(self, turns: list[Any], agent: str = "gauge", **more: Any) -> dict[str, Any]:
        self._number += 1
        kind = self.rng.choices(("pay", "refuse", "ask"), (6, 3, 1))[0]
        script = {
            "n": self._number,
            "turns": turns,
            "answer": {"decision": kind, "urgent": kind == "ask", "confidence": 0.9},
            "sure": self.rng.choice((0.55, 0.8, 0.97)),
        } | more
        return {"agent": agent, "task": json.dumps(script), "tenant": self._tenant()}

    def _reads(self) -> list[Any]:
        draw = self.rng
        items = [f"{draw.choice(('item', 'flaky', 'broken'))}-{self._number}-{n}" for n in range(3)]
        turns = [[["gauge_read", item] for item in items[: draw.randint(1, 3)]]]
        if draw.random() < _AGAIN:
            turns.append([["gauge_read", items[0]]])  # the rule refuses it a second time
        return turns

    def _plain(self) -> Plan:
        if self.rng.random() > _READS:
            return self._known()
        drafts = self.rng.choices((0, 1), (4, 1))[0]
        return Plan("AgentWorkflow", self._gauge(self._reads(), drafts=drafts))

    def _known(self) -> Plan:
        """Return a run whose task comes again to the letter, so that a kept reply is found."""
        answer = {"decision": "pay", "urgent": False, "confidence": 0.8}
        script = {"n": self.rng.randrange(3), "answer": answer}
        task = json.dumps(script)
        return Plan("AgentWorkflow", {"agent": "gauge", "task": task, "tenant": "acme"})

    def _signed(self) -> Plan:
        turns = [*self._reads(), [["gauge_sign", f"deed-{self._number}"]]]
        verdict = self.rng.choices(("approve", "reject", "modify"), (6, 3, 1))[0]
        how = self.rng.choice(("signal", "update"))
        return Plan("AgentWorkflow", self._gauge(turns), ((how, verdict),))

    def _unanswered(self) -> Plan:
        return Plan("AgentWorkflow", self._gauge([[["gauge_sign", f"deed-{self._number}"]]]))

    def _strict(self) -> Plan:
        turns = [[["gauge_sign", f"deed-{self._number}"]]]
        return Plan("AgentWorkflow", self._gauge(turns, agent="gauge_strict"))

    def _stopped(self) -> Plan:
        turns = [[["gauge_stop", f"service-{self._number}"]]]
        way = self.rng.choice(("skip", "skip", "abort"))
        return Plan("AgentWorkflow", self._gauge(turns), (("unstop", way),))

    def _limited(self) -> Plan:
        request = self._gauge([*self._reads(), [["gauge_read", f"last-{self._number}"]]])
        return Plan("AgentWorkflow", request | {"limits": {"steps": 1}})

    def _refused(self) -> Plan:
        agent = self.rng.choice(("nobody", "gauge"))
        task = "" if agent == "gauge" else "do it"
        return Plan("AgentWorkflow", {"agent": agent, "task": task, "tenant": self._tenant()})

    def _cancelled(self) -> Plan:
        turns = [[["gauge_sign", f"deed-{self._number}"]]]
        return Plan("AgentWorkflow", self._gauge(turns), cancel=True)

    def _parcel(self) -> Plan:
        self._number += 1
        task = {"parcel": f"p-{self._number}"}
        if self.rng.random() < _LONG:
            rounds = [["quote", "track"], ["book"]]
            task |= {"turns": self.rng.randint(2, 4), "rounds": rounds}
        return Plan(
            "AgentWorkflow",
            {
                "agent": "courier",
                "task": json.dumps(task),
                "data": {"carrier": self.carrier},
                "tenant": self._tenant(),
            },
        )

    def _refund(self) -> Plan:
        self._number += 1
        task = {"order_id": self.rng.choice(("A-1", "A-2", "A-3")), "reason": "it came broken"}
        request = {
            "agent": "refunds",
            "task": json.dumps(task),
            "data": {"orders": str(self.orders)},
            "tenant": self._tenant(),
        }
        return Plan("AgentWorkflow", request, (("update", self.rng.choice(("approve", "reject"))),))

    def _long(self) -> Plan:
        """Return a run whose prompts are long enough for the provider to cache them."""
        task = {"turns": self.rng.randint(4, 8), "result_bytes": 4_000}
        request = {"agent": "bench", "task": json.dumps(task), "tenant": self._tenant()}
        return Plan("AgentWorkflow", request)

    def _triage(self) -> Plan:
        request = {"tickets": str(self.tickets), "tenant": "acme", "offer": False}
        return Plan("TriageWorkflow", request)


def orders(path: Path) -> Path:
    """Write the orders that refunds are of."""
    path.write_text("order_id,item,paid_cents\nA-1,kettle,2900\nA-2,lamp,4500\nA-3,chair,9900\n")
    return path
