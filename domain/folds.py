"""Folding a run's conversation: where it is cut, what takes the place, and how it is undone."""

from collections.abc import Sequence

from domain import window
from domain.context import assemble, memory_message, standing, tokens
from domain.contract import canonical, digest
from domain.evidence import calls_made
from domain.folding import MARK, Fold, Folded, Past, Remembered, Window
from domain.manifest import Manifest
from domain.messages import Message
from domain.spec import AgentSpec
from domain.state import AgentState
from domain.summary import Material
from domain.window import WindowPolicy, pinned, rate_of, weight
from domain.working import replayed


class Cut:
    """Where a conversation is cut, and what the sides are."""

    def __init__(self, state: AgentState, policy: WindowPolicy, fixed: int) -> None:
        self._state = state
        self.rate = _rate(state, fixed)
        self.start = state.window.start or pinned(state.messages)
        beginning = sum(map(weight, state.messages[: state.window.pinned or self.start]))
        self.room = (
            int(policy.tokens / self.rate)
            - fixed
            - beginning
            - policy.manifest_bytes
            - len(canonical(standing(state).model_dump(mode="json")))
        )
        # Half of it, so that the window has room to grow before it is folded again.
        keep = policy.keep
        self.at = window.cut_at(state.messages, self.start, keep, max(self.room, 0) // 2)

    @property
    def folds(self) -> bool:
        """Whether anything would be folded."""
        return self.at > self.start

    def material(self, goal: str, most: int) -> Material:
        """Return what the summary is made from."""
        numbered = {
            self._state.window.number(index): self._state.messages[index]
            for index in range(self.start, self.at)
        }
        return Material(goal, self._state.window.manifest or Manifest(), numbered, most)


def _rate(state: AgentState, fixed: int) -> float:
    """Return tokens a byte, as the last call's provider counted them or as before."""
    if not state.counted_tokens:
        return state.window.rate or rate_of(0, 0)
    counted = state.messages[: state.counted_messages]
    return rate_of(state.counted_tokens, fixed + sum(map(weight, counted)))


def past(state: AgentState, cut: Cut) -> Past:
    """Return the window as it is, to be kept before it is folded at `cut`."""
    first = next((i for i, t in enumerate(state.turns) if t.messages), len(state.turns))
    return Past(
        previous=state.window.record,
        turn=len(state.turns),
        first=first,
        ends=tuple(turn.messages for turn in state.turns[first:]),
        start=cut.start,
        cut=cut.at,
        calls=len(state.folded_calls),
        messages=tuple(state.messages),
        window=state.window,
        notes=state.notes,
    )


def fold(state: AgentState, spec: AgentSpec, cut: Cut, folded: Folded, said: Sequence[str]) -> None:
    """Put the manifest in the place of the messages before the cut.

    Args:
        state: Changed in place.
        spec: The run's.
        cut: Where.
        folded: What is kept of them.
        said: Ids of the model's summaries, refused ones too: the seal proves them.
    """
    manifest = folded.manifest or Manifest()
    gone, by_value = state.messages[cut.start : cut.at], state.by_value
    before, last = state.window.pinned or cut.start, state.messages[cut.at :]
    memory = memory_message(
        manifest,
        standing(state),
        record=folded.record,
        seal=seal(state.base_head, said),
        readable="read_artifact" in spec.tool_names,
        outside=bool(state.tainted),
    )
    made = Fold(turn=len(state.turns), record=folded.record, by=folded.by, messages=len(gone))
    state.window = Window(
        manifest=manifest,
        pinned=before,
        gone=state.window.gone + len(gone),
        calls=state.window.calls + sum(m.role == "tool" for m in gone),
        notes=replayed(state.window.notes, gone),
        rate=cut.rate,
        folds=(*state.window.folds, made),
    )
    if not state.tainted:
        state.own_results.append(folded.record)  # nothing of strangers is in it
    if _looks_back(spec):
        state.folded_calls.extend(calls_made(gone))
    state.messages = assemble(state.messages[:before], memory, last)
    state.shift(cut.at - before - 1, before + 1, by_value)


def _looks_back(spec: AgentSpec) -> bool:
    """Whether anything that judges the run looks at all of its calls."""
    second = any(tool.second_check for tool in spec.tools)
    return bool(second or spec.checks or spec.critic or spec.verification or spec.phases)


def remembered(state: AgentState) -> Remembered | None:
    """Return what a run has beside its messages; None where that is nothing."""
    window = state.window
    if not state.notes and window.manifest is None:
        return None
    return Remembered(
        notes=state.notes,
        manifest=window.manifest,
        folds=len(window.folds),
        messages=window.gone,
        record=window.record,
    )


def unfolded(state: AgentState, kept: Past) -> AgentState:
    """Return the state with the window that a record has in the place of its own.

    What the run came to after that is still counted; `AgentState.at` takes it back.
    """
    earlier = state.model_copy(deep=True)
    earlier.messages = list(kept.messages)
    earlier.window = kept.window
    earlier.notes = dict(kept.notes)
    earlier.folded_calls = state.folded_calls[: kept.calls]
    ends = dict(enumerate(kept.ends, kept.first))
    earlier.turns = [
        turn.model_copy(update={"messages": ends.get(index, 0)})
        for index, turn in enumerate(state.turns[: kept.turn])
    ]
    return earlier


def seal(head: str, said: Sequence[str]) -> str:
    """Return what binds a memory to the conversation before it and to the summaries asked for."""
    return digest("fold", head, *said, length=16)


def seal_of(message: Message) -> str:
    """Return the seal that a memory's message bears; empty: it is none."""
    if message.role != "user" or not message.text.startswith(MARK):
        return ""
    return message.text.rpartition("[seal ")[2][:16]


def results_over(state: AgentState, most_tokens: int, fixed: int) -> dict[int, str]:
    """Return the last turn's results, by index, where they alone are over the window."""
    if tokens(state, fixed) <= most_tokens:
        return {}
    start = next((i for i in range(len(state.messages) - 1, -1, -1) if state.messages[i].calls), 0)
    return {
        index: message.text
        for index, message in enumerate(state.messages)
        if index > start and message.role == "tool"
    }


def tool_of(state: AgentState, index: int) -> str:
    """Return the name of the tool whose result stands at `index`."""
    wanted = state.messages[index].call_id
    calls = (call for message in state.messages[index::-1] for call in message.calls)
    return next((call.name for call in calls if call.id == wanted), "a_tool")


def squeeze(state: AgentState, texts: dict[int, str]) -> None:
    """Put shorter results in the place of those that were too large for the window.

    No worker has made them in this form, so they go by value.
    """
    by_value = state.by_value
    for index, text in texts.items():
        # Not a copy: that would keep the hash of the longer text.
        state.messages[index] = Message(
            role="tool", text=text, call_id=state.messages[index].call_id
        )
    if not texts:
        return
    state.counted_tokens = state.counted_messages = 0
    state.rebase(by_value | {state.messages[index].id for index in texts})
