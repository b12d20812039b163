"""A worker's memory of conversations, so that a message crosses the history once.

Nothing here is durable: what is missing is asked for by a typed miss, and the workflow, which
holds the transcript by replay, sends it by value.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final
from weakref import WeakValueDictionary

from temporalio.exceptions import ApplicationError

from activities.providers.base import Provider, Wire
from domain.messages import ROOT, Message, chain, link
from domain.spec import AgentSpec
from domain.thinking import TRANSCRIPT_MISS, Missing, ThinkRequest

TRANSCRIPT_BROKEN: Final = "TranscriptBroken"
MAX_BYTES: Final = 128_000_000
MAX_STRANDS: Final = 4_000
MAX_LOOSE: Final = 10_000
MAX_SPECS: Final = 500
# What a message costs beside its text: objects, keys, a head's entry.
_OVERHEAD: Final = 1_000


class _Held:
    """A message and its bytes for each vendor that was asked; shared by all that hold it."""

    __slots__ = ("__weakref__", "message", "size", "wires")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.wires: dict[str, Wire] = {}
        # Its text and one vendor's form of it.
        self.size = 2 * message.size + _OVERHEAD

    def wire(self, provider: Provider) -> Wire:
        wire = self.wires.get(provider.vendor)
        if wire is None:
            wire = self.wires[provider.vendor] = provider.wire(self.message)
        return wire


class _Strand:
    """A conversation that grows; each head into it is a length, so that none is ever lost."""

    __slots__ = ("bytes", "heads", "held")

    def __init__(self, held: list[_Held]) -> None:
        self.held = held
        self.heads: list[str] = []
        self.bytes = sum(each.size for each in held)


class Transcript:
    """A conversation up to one head. Later growth of what it shares does not show."""

    def __init__(self, strand: _Strand, length: int) -> None:
        self._strand = strand
        self._length = length

    def __len__(self) -> int:
        return self._length

    def last(self, count: int) -> list[Message]:
        """Return the last `count` messages."""
        start = self._length - count
        return [each.message for each in self._strand.held[start : self._length]]

    def wires(self, provider: Provider) -> Sequence[Wire]:
        """Return the messages as `provider` reads them, serialising what is new."""
        vendor = provider.vendor
        return [
            each.wires.get(vendor) or each.wire(provider)
            for each in self._strand.held[: self._length]
        ]


class Transcripts:
    """Recent transcripts by head, messages that activities made by id, and specs by hash.

    Bounded by bytes and by number; the least recently used go first. For one event loop.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, max_strands: int = MAX_STRANDS) -> None:
        self._max_bytes = max_bytes
        self._max_strands = max_strands
        self._heads: dict[str, tuple[_Strand, int]] = {}
        self._strands: OrderedDict[_Strand, None] = OrderedDict()
        self._loose: OrderedDict[str, _Held] = OrderedDict()
        self._known: WeakValueDictionary[str, _Held] = WeakValueDictionary()
        self._specs: OrderedDict[str, AgentSpec] = OrderedDict()
        self._strand_bytes = 0
        self._loose_bytes = 0

    @property
    def held_bytes(self) -> int:
        """Bytes that the memory takes, by estimate."""
        return self._strand_bytes + self._loose_bytes

    def remember(self, message: Message) -> None:
        """Keep what an activity made, so that `think` can be given its id alone."""
        if message.id in self._loose:
            self._loose.move_to_end(message.id)
            return
        held = self._loose[message.id] = self._hold(message)
        self._loose_bytes += held.size
        # A quarter of the memory: results wait here for one turn only.
        while self._loose_bytes > self._max_bytes // 4 or len(self._loose) > MAX_LOOSE:
            _, dropped = self._loose.popitem(last=False)
            self._loose_bytes -= dropped.size

    def remember_spec(self, spec: AgentSpec, name: str = "") -> None:
        """Keep a run's spec under the hash that the run knows it by."""
        name = name or spec.hash
        self._specs[name] = spec
        self._specs.move_to_end(name)
        while len(self._specs) > MAX_SPECS:
            self._specs.popitem(last=False)

    def spec(self, name: str) -> AgentSpec | None:
        """Return the spec with that hash, if it is held."""
        return self._specs.get(name)

    def resolve(self, request: ThinkRequest) -> tuple[AgentSpec, Transcript]:
        """Return the spec and the transcript that `request` names, and hold the transcript.

        Raises:
            ApplicationError: `TranscriptMiss`, non-retryable, with what is `Missing`, to be sent
                by value; `TranscriptBroken`, non-retryable: the messages are not those of the
                head, though all were sent.
        """
        if request.whole_spec is not None:
            self.remember_spec(request.whole_spec, request.spec)
        spec = self._specs.get(request.spec)
        found = self._heads.get(request.head)
        if spec is not None and found is not None:
            self._specs.move_to_end(request.spec)
            return spec, self._used(*found)
        new = [self._find(each) for each in request.new]
        base = (_Strand([]), 0) if request.base == ROOT else self._heads.get(request.base)
        lost = tuple(
            each for each, held in zip(request.new, new, strict=True)
            if held is None and isinstance(each, str)
        )  # fmt: skip
        if spec is None or base is None or lost:
            raise _miss(Missing(spec=spec is None, base=base is None, ids=lost))
        held = [each for each in new if each is not None]
        _verify(request, held)
        return spec, self._grow(*base, held, request.head)

    def hold(self, head: str, messages: Iterable[Message]) -> None:
        """Keep a conversation that another worker made, under its head."""
        held = [self._hold(message) for message in messages]
        if chain(ROOT, (each.message.id for each in held)) == head and head not in self._heads:
            self._grow(_Strand([]), 0, held, head)

    def extend(self, head: str, message: Message) -> str:
        """Put `message` behind the transcript at `head`, if that is held; return the new head."""
        after = link(head, message.id)
        if (found := self._heads.get(head)) is not None and after not in self._heads:
            self._grow(*found, [self._hold(message)], after)
        return after

    def _hold(self, message: Message) -> _Held:
        held = self._known.get(message.id)
        if held is None:
            held = self._known[message.id] = _Held(message)
        return held

    def _find(self, each: str | Message) -> _Held | None:
        return self._known.get(each) if isinstance(each, str) else self._hold(each)

    def _grow(self, strand: _Strand, length: int, new: Sequence[_Held], head: str) -> Transcript:
        """Put `new` behind the first `length` messages of `strand`.

        In place where nothing stands there yet; else another try went on from the same base, and
        this one gets a strand of its own.
        """
        if length != len(strand.held):
            strand = _Strand(strand.held[:length])
        if strand not in self._strands:
            self._strands[strand] = None
            self._strand_bytes += strand.bytes
        added = sum(each.size for each in new)
        strand.held.extend(new)
        strand.bytes += added
        self._strand_bytes += added
        strand.heads.append(head)
        self._heads[head] = strand, len(strand.held)
        used = self._used(strand, len(strand.held))
        self._evict()
        return used

    def _used(self, strand: _Strand, length: int) -> Transcript:
        self._strands.move_to_end(strand)
        return Transcript(strand, length)

    def _evict(self) -> None:
        """Drop the conversations used longest ago, never the one in hand."""
        while len(self._strands) > 1 and (
            self.held_bytes > self._max_bytes or len(self._strands) > self._max_strands
        ):
            strand, _ = self._strands.popitem(last=False)
            self._strand_bytes -= strand.bytes
            for head in strand.heads:
                if self._heads.get(head, (None,))[0] is strand:
                    del self._heads[head]


def _verify(request: ThinkRequest, held: Iterable[_Held]) -> None:
    if chain(request.base, (each.message.id for each in held)) == request.head:
        return
    if request.base != ROOT:
        raise _miss(Missing(spec=False, base=True, ids=()))
    raise ApplicationError(
        f"the messages of turn {request.turn} do not lead to head {request.head!r}: they were "
        "changed after they were recorded; check the run with `starter.py verify`",
        type=TRANSCRIPT_BROKEN,
        non_retryable=True,
    )


def _miss(missing: Missing) -> ApplicationError:
    lacks = [
        *(["the spec"] if missing.spec else []),
        *(["the base"] if missing.base else []),
        *([f"{len(missing.ids)} messages"] if missing.ids else []),
    ]
    return ApplicationError(
        f"this worker lacks {', '.join(lacks)}: send by value",
        missing,
        type=TRANSCRIPT_MISS,
        non_retryable=True,
    )
