"""What a run remembers: its transcript, what it spent, what it did to the world."""

from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from domain.acting import CallMade
from domain.budget import Extra, Limits, LimitsOverride, Spend
from domain.cascade import Trouble
from domain.contract import Contract
from domain.folding import Window
from domain.loops import Deed, Turned, spelled
from domain.memory import Recalled
from domain.messages import ROOT, Message, chain, link
from domain.near import Course
from domain.people import People
from domain.rejections import Rejection
from domain.routing import Fallen
from domain.rule_log import Act
from domain.rules import Ruled
from domain.runs import RunState
from domain.selfcheck import SelfChecks
from domain.spec import AgentSpec
from domain.working import replayed

_MOST_TEXT = 500  # characters of a call that a summary shows


class Effected(Contract):
    """A write that happened: what it would take to undo it.

    Attributes:
        compensation: Name of the tool that undoes it; empty for none.
        agent: A run of this agent did it, and can undo it.
        inner: What that run did.
    """

    tool: str
    arguments: dict[str, Any]
    key: str
    text: str
    compensation: str = ""
    agent: str = ""
    inner: tuple["Effected", ...] = ()


class Turn(Contract):
    """Where a model call left the run: what `fork` cuts at and reports draw.

    Attributes:
        cached: The reply was kept from an earlier call, and cost nothing.
    """

    messages: int
    tokens: int
    cost_usd: Decimal
    model: str
    cached: bool = False


class AgentState(RunState):
    """All that a run remembers, and all that continue-as-new carries over.

    Attributes:
        room: The agent's own limits, where its share of another run's budget is lower.
        granted: What it was given beyond that share.
        messages: The transcript, in order.
        base: Messages that a worker is known to hold under `base_head`.
        made: Ids of messages that an activity made and a worker may hold.
        counted_tokens: Tokens of the last call, input and output, as its provider counted.
        counted_messages: Messages that count covers.
        counted_by: The model that counted; another would count otherwise.
        fallen: Where each route has come to, where its first model failed.
        watched: Deeds since the loop detector last found something.
        loops: The circles that it was found in.
        ruled_by: The rules of the runs above, and of the agents that handed the work on.
        acts: What rules have to know of the calls that ran.
        planned: Model calls that planning took.
        handed: The agents that handed the work on, in order.
        own_results: References of results that were cut and have nothing of strangers in them.
        troubles: Attempts that failed lately, for the breaker of the whole run.
        degraded: What it had to do without, or otherwise, since a tool was not there.
        course: What followed at 80 % of a budget, and what a person has granted.
        notes: The working memory: the fields that have a value.
        window: What is known of the turns that were folded away.
        folded_calls: The calls of turns that were folded away, where rules look back at them.
        elsewhere: Set where a turn was asked for that was folded away: the record that has it.
        rejections: What guards refused.
        recalled: What of its long-term memory it was told at its start.
        checks: What it had checked of its own work.
    """

    spec: AgentSpec | None = None
    room: Limits | None = None
    granted: Extra = Extra(run_id="")
    messages: list[Message] = Field(default_factory=list[Message])
    base: int = 0
    base_head: str = ROOT
    head: str = ROOT
    made: list[str] = Field(default_factory=list[str])
    counted_tokens: int = 0
    counted_messages: int = 0
    counted_by: str = ""
    fallen: dict[str, Fallen] = Field(default_factory=dict[str, Fallen])
    turns: list[Turn] = Field(default_factory=list[Turn])
    writes: list[Effected] = Field(default_factory=list[Effected])
    undone: list[str] = Field(default_factory=list[str])
    plan: list[str] = Field(default_factory=list[str])
    watched: list[Deed] = Field(default_factory=list[Deed])
    backtracks: int = 0
    loops: list[Turned] = Field(default_factory=list[Turned])
    ruled_by: tuple[Ruled, ...] = ()
    acts: list[Act] = Field(default_factory=list[Act])
    forbid: tuple[str, ...] = ()
    route: int = 0
    revisions: int = 0
    troubles: list[Trouble] = Field(default_factory=list[Trouble])
    degraded: list[str] = Field(default_factory=list[str])
    course: Course = Course()
    phase: Literal["start", "work"] = "start"
    planned: int = 0
    handed: list[str] = Field(default_factory=list[str])
    own_results: list[str] = Field(default_factory=list[str])
    notes: dict[str, Any] = Field(default_factory=dict)
    window: Window = Window()
    elsewhere: str = ""
    folded_calls: list[CallMade] = Field(default_factory=list[CallMade])
    rejections: list[Rejection] = Field(default_factory=list[Rejection])
    recalled: tuple[Recalled, ...] = ()
    checks: SelfChecks = Field(default_factory=SelfChecks)

    @property
    def limits(self) -> Limits:
        """What the run may use: its spec's limits, and what it was granted beyond them."""
        limits = self.spec.limits if self.spec else Limits()
        if self.room is not None:
            limits = LimitsOverride(**limits.model_dump()).plus(self.granted).under(self.room)
        return self.course.given.on(limits)

    def add(self, message: Message, *, made: bool) -> None:
        """Put `message` behind the transcript.

        Args:
            message: What was said.
            made: An activity made it, so that a worker can be asked for it by its id.
        """
        self.messages.append(message)
        self.head = link(self.head, message.id)
        if made:
            self.made.append(message.id)

    def begin(self) -> None:
        """Go from planning to working."""
        self.phase = "work"
        self.planned = len(self.turns)

    def leave(self, what: str) -> None:
        """Note something that was not done."""
        self.not_done.append(what if len(what) <= _MOST_TEXT else f"{what[:_MOST_TEXT]}…")

    def hold(self) -> None:
        """Note that a worker holds the transcript up to here."""
        self.base = len(self.messages)
        self.base_head = self.head
        self.made.clear()

    def new(self) -> tuple[str | Message, ...]:
        """Return what a worker that holds the base still lacks, ids for what it made."""
        return tuple(m.id if m.id in self.made else m for m in self.messages[self.base :])

    def done(self, most: int = 8) -> tuple[str, ...]:
        """Return the last calls that were answered, a line each, for a person to read."""
        answered = {message.call_id for message in self.messages if message.role == "tool"}
        calls = [
            f"{call.name} {call.arguments[:_MOST_TEXT]}"
            for message in self.messages
            for call in message.calls
            if call.id in answered
        ]
        before = len(calls) - most + self.window.calls
        return (*([f"({before} calls before these)"] if before > 0 else []), *calls[-most:])

    def at(self, turn: int) -> "AgentState":
        """Return the state after `turn` model calls and what they led to, for a run of its own.

        What the run wrote until then stays in the transcript. It is not the other run's to undo.
        Where the turn was folded away, the state is this one and `elsewhere` says what has it.

        Raises:
            ValueError: The run has not come that far.
        """
        if not 0 <= turn <= len(self.turns):
            raise ValueError(f"turn {turn}: the run has turns 0 to {len(self.turns)}")
        if record := self.window.record_of(turn):
            return self.model_copy(update={"elsewhere": record})
        last = turn == len(self.turns)
        end = len(self.messages) if last else self._before(turn)
        spent = self.turns[turn - 1] if turn else None
        earlier = self.model_copy(deep=True)
        earlier.messages = self.messages[:end]
        earlier.notes = self._notes_at(end)
        earlier.turns = self.turns[:turn]
        earlier.spend = Spend(
            steps=turn,
            tokens=spent.tokens if spent else 0,
            cost_usd=spent.cost_usd if spent else Decimal(0),
        )
        earlier.counted_tokens = earlier.counted_messages = 0
        earlier.counted_by, earlier.fallen = "", {}
        earlier.watched, earlier.backtracks, earlier.forbid, earlier.loops = [], 0, (), []
        earlier.acts = [act for act in self.acts if act.turn <= turn]
        earlier.writes, earlier.undone, earlier.not_done = [], [], []
        earlier.decisions, earlier.ignored = [], []
        earlier.troubles, earlier.degraded = [], []
        earlier.alerted, earlier.course = False, Course()
        earlier.rejections, earlier.checks, earlier.people = [], SelfChecks(), People()
        earlier.worked_s, earlier.continued, earlier.route, earlier.revisions = 0, 0, 0, 0
        if turn < self.planned:
            earlier.phase, earlier.planned, earlier.plan = "start", 0, []
        earlier.rebase()
        return earlier

    def _before(self, turn: int) -> int:
        """Return how many messages there were before the reply of `turn` + 1."""
        end = self.turns[turn].messages - 1
        # A turn that was taken out of the conversation has no reply in it any more.
        return end if self.messages[end].role == "assistant" else end + 1

    def _notes_at(self, end: int) -> dict[str, Any]:
        """Return the working memory as it was when there were `end` messages."""
        if self.spec is None or self.spec.working is None:
            return {}
        return replayed(self.window.notes, self.messages[:end])

    @property
    def by_value(self) -> frozenset[str]:
        """Ids of the messages that go by value: the run itself made them, and no call had them."""
        return frozenset(m.id for m in self.messages[self.base :] if m.id not in self.made)

    def shift(self, left: int, start: int, by_value: frozenset[str]) -> None:
        """Note that messages before `start` were exchanged, and that there are `left` fewer.

        Args:
            left: How many fewer.
            start: The first message that stayed.
            by_value: What had to be sent by value before, and still has.
        """
        self.turns = [
            turn.model_copy(
                update={"messages": turn.messages - left if turn.messages - left > start else 0}
            )
            for turn in self.turns
        ]
        self.counted_tokens = self.counted_messages = 0
        self.rebase(by_value)

    def rebase(self, by_value: frozenset[str] = frozenset()) -> None:
        """Start the chain over after messages were taken out: no worker holds this transcript.

        Their bytes may still be there: what a worker made is asked for by its id.
        """
        self.head = chain(ROOT, (message.id for message in self.messages))
        self.base, self.base_head = 0, ROOT
        made = (message.id for message in self.messages if message.role != "user")
        self.made = [each for each in made if each not in by_value]

    def drop_tail(self, calls: tuple[str, ...], keep: int = 0) -> None:
        """Take out the last turns that only repeat `calls`, all but the first of each, or `keep`.

        A turn that wrote anything stays: what happened must not be forgotten.
        """
        if self.writes:
            return
        repeats = self._repeating_turns(frozenset(calls))
        keep = keep or len(calls)
        if len(repeats) > keep:
            self.messages = self.messages[: repeats[keep]]
            end = len(self.messages)
            self.turns = [
                turn.model_copy(update={"messages": min(turn.messages, end)}) for turn in self.turns
            ]
            self.counted_tokens = self.counted_messages = 0
            self.rebase()

    def _repeating_turns(self, calls: frozenset[str]) -> list[int]:
        """Return where each of the last turns begins that makes nothing but `calls`."""
        starts: list[int] = []
        for index in range(len(self.messages) - 1, -1, -1):
            message = self.messages[index]
            if message.role == "tool":
                continue
            if not message.calls or not calls.issuperset(map(spelled, message.calls)):
                break
            starts.append(index)
        return starts[::-1]

    def proven(self) -> bool:
        """Whether the head is the hash of the messages."""
        return self.head == chain(ROOT, (message.id for message in self.messages))
