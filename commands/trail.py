"""The audit trail's proof: every model call was given exactly what the history recorded.

Each `llm.think` names the head it must arrive at. Recomputing that head from the messages that
the events hold finds any event whose message was changed, taken out or put in afterwards.
"""

from dataclasses import dataclass, field

from domain.acting import ActOutcome
from domain.folds import seal, seal_of
from domain.messages import ROOT, Message, chain, link
from domain.state import AgentState
from domain.thinking import Reply, ThinkRequest


@dataclass(frozen=True)
class Break:
    """Where the chain does not hold.

    Attributes:
        event: Where it is, for example `event 31 (ActivityTaskCompleted)`.
    """

    event: str
    reason: str


@dataclass
class _Recorded:
    """A message that an event holds, until a model call refers to it."""

    event: str
    what: str
    used: bool = False


@dataclass
class Trail:
    """Walks the events of a run in order and collects what does not fit.

    Attributes:
        heads: Every head that a recorded conversation had.
        prefixes: Every head of a beginning of one, which a call beside it may be shown.
        known: Messages by their id.
        open: What was recorded since the last call that was given it.
    """

    calls: int = 0
    heads: set[str] = field(default_factory=lambda: {ROOT})
    prefixes: set[str] = field(default_factory=lambda: {ROOT})
    known: set[str] = field(default_factory=set[str])
    open: dict[str, _Recorded] = field(default_factory=dict[str, _Recorded])
    breaks: list[Break] = field(default_factory=list[Break])
    last: str = ROOT
    _reply_under: dict[str, str] = field(default_factory=dict[str, str])
    _summaries: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def begin(self, event: str, state: AgentState | None) -> None:
        """Take over the state that an execution starts with."""
        if state is None:
            return
        if not state.proven():
            self.breaks.append(
                Break(event, f"the state's head {state.head!r} is not the hash of its messages")
            )
        if self.calls and state.head not in self.heads and not self._follows(state):
            self.breaks.append(
                Break(event, "the state carried over holds messages that no event recorded")
            )
        self.known.update(message.id for message in state.messages)
        self.heads.update({state.head, state.base_head})
        self._grow(ROOT, [message.id for message in state.messages])
        self.last = state.head
        self.open.clear()

    def think(self, event: str, request: ThinkRequest) -> None:
        """Check one model call against what was recorded before it."""
        self.calls += 1
        if request.aside is not None:
            self._beside(event, request)
            return
        self._start(event, request.base)
        ids: list[str] = []
        for item in request.new:
            if isinstance(item, Message):
                self._sealed(event, item)
                self.known.add(item.id)
            elif item not in self.known:
                self._lost(event, f"is given the message {item!r}, which no event before it holds")
            ids.append(item if isinstance(item, str) else item.id)
            if ids[-1] in self.open:
                self.open[ids[-1]].used = True
        if chain(request.base, ids) != request.head:
            self.breaks.append(
                Break(event, f"its messages do not hash to the head {request.head!r} it names")
            )
        self.heads.add(request.head)
        self._grow(request.base, ids)
        self.last = request.head
        self.open.clear()
        self._summaries.clear()

    def _grow(self, head: str, ids: list[str]) -> None:
        for each in ids:
            head = link(head, each)
            self.prefixes.add(head)

    def _beside(self, event: str, request: ThinkRequest) -> None:
        """Check a call beside the conversation, which is shown a beginning of it and a text."""
        if request.base not in self.prefixes | self.heads:
            self._lost(event, f"is shown a conversation {request.base!r} that nobody had")
        ids = [item if isinstance(item, str) else item.id for item in request.new]
        if chain(request.base, ids) != request.head:
            self.breaks.append(
                Break(event, f"its messages do not hash to the head {request.head!r} it names")
            )

    def _sealed(self, event: str, message: Message) -> None:
        """Check that a memory stands for the conversation and the summaries before it."""
        sealed = seal_of(message)
        if not sealed or message.id in self.known:
            return
        said = [reply for _, reply in self._summaries]
        if not any(seal(head, said) == sealed for head in self.heads):
            where = " or ".join(event for event, _ in self._summaries) or event
            self.breaks.append(
                Break(where, f"the memory that the model was given next ({event}) is not of this")
            )

    def _start(self, event: str, base: str) -> None:
        """Check the conversation that a call goes on from: it ends with a recorded reply."""
        reply = self.open.get(self._reply_under.get(base, ""))
        if reply is not None:
            reply.used = True
        if base not in self.heads:
            self._lost(event, f"starts from the head {base!r}, which nothing before it hashes to")

    def reply(self, event: str, request: ThinkRequest, reply: Reply) -> None:
        """Take in what a model said."""
        if request.aside is not None:
            if request.aside.purpose == "summary":
                self._summaries.append((event, reply.message.id))
            return
        self._record(event, "the model's reply", reply.message)
        self.last = link(request.head, reply.message.id)
        self.heads.add(self.last)
        self.prefixes.add(self.last)
        self._reply_under[self.last] = reply.message.id

    def told(self, event: str, message: Message) -> None:
        """Take in what a run was told of its long-term memory."""
        self._record(event, "what is remembered", message)

    def outcome(self, event: str, tool: str, call_id: str, outcome: ActOutcome) -> None:
        """Take in what a tool said."""
        said = Message(role="tool", text=outcome.text, call_id=call_id)
        self._record(event, f"the result of {tool}", said)

    def end(
        self, event: str, head: str, held: str = ROOT, unread: tuple[str | Message, ...] = ()
    ) -> None:
        """Check the head that the result names.

        Args:
            event: Where that is.
            head: Of the conversation, whole.
            held: The last one that a model call had.
            unread: What was said after it.
        """
        if unread:
            self._start(event, held)
        ids: list[str] = []
        for item in unread:
            if isinstance(item, Message):
                self._sealed(event, item)
            elif item not in self.known:
                self._lost(event, f"names the message {item!r}, which no event before it holds")
            ids.append(item if isinstance(item, str) else item.id)
        known = held in self.heads and chain(held, ids) == head if unread else head in self.heads
        if not known:
            self.breaks.append(
                Break(event, f"the result's head {head!r} is not that of the conversation")
            )

    def _record(self, event: str, what: str, message: Message) -> None:
        self.known.add(message.id)
        self.open[message.id] = _Recorded(event, what)

    def _follows(self, state: AgentState) -> bool:
        """Whether the state is the last conversation and what was recorded after it."""
        return all(
            message.id in self.known or message.role != "assistant" for message in state.messages
        )

    def _lost(self, event: str, reason: str) -> None:
        """Name the event whose message was changed, or the call that refers to nothing."""
        suspects = [recorded for recorded in self.open.values() if not recorded.used]
        if not suspects:
            self.breaks.append(Break(event, reason))
            return
        names = " or ".join(suspect.event for suspect in suspects)
        said = " or ".join(dict.fromkeys(suspect.what for suspect in suspects))
        self.breaks.append(Break(names, f"{said} is not what the model was given next ({event})"))
