"""What a worker remembers of conversations, and what it asks for."""

import gc
from decimal import Decimal

import pytest
from temporalio.exceptions import ApplicationError

from activities.providers import build
from activities.providers.base import Provider, Wire
from activities.transcripts import TRANSCRIPT_BROKEN, Transcripts
from domain.budget import Cap
from domain.messages import ROOT, Message, chain
from domain.thinking import TRANSCRIPT_MISS, Missing, ThinkRequest
from tests.activities.thinking import spec_of

SPEC = spec_of("openai")


def _said(number: int, size: int = 10) -> Message:
    return Message(role="tool", text=f"{number}".ljust(size, "."), call_id=f"c{number}")


def _head(*messages: Message) -> str:
    return chain(ROOT, (message.id for message in messages))


def _request(base: str, head: str, *new: str | Message, **changes: object) -> ThinkRequest:
    told: dict[str, object] = {
        "lineage": "run",
        "turn": 1,
        "spec": SPEC.hash,
        "base": base,
        "head": head,
        "new": new,
        "cap": Cap(tokens=1, cost_usd=Decimal(1)),
        "max_output_tokens": 1,
    }
    return ThinkRequest.model_validate(told | changes)


def _knowing() -> Transcripts:
    transcripts = Transcripts()
    transcripts.remember_spec(SPEC)
    return transcripts


def _missed(transcripts: Transcripts, request: ThinkRequest) -> Missing:
    with pytest.raises(ApplicationError) as caught:
        transcripts.resolve(request)
    assert caught.value.type == TRANSCRIPT_MISS
    assert caught.value.non_retryable
    (missing,) = caught.value.details
    assert isinstance(missing, Missing)
    # Only fields that are set are recorded.
    assert missing.model_fields_set == {"spec", "base", "ids"}
    return missing


class Counting:
    """A provider's wire format that counts what it serialises."""

    stand_in = True

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor
        self.made: list[str] = []
        self._real: Provider = build(offline_url="http://127.0.0.1:1")["openai"]
        self.body = self._real.body
        self.complete = self._real.complete
        self.close = self._real.close

    def wire(self, message: Message) -> Wire:
        """Serialise one message, and count it."""
        self.made.append(message.id)
        return self._real.wire(message)


def test_a_transcript_grows_by_ids() -> None:
    """A base and the ids of what activities left here are all that the next call needs."""
    transcripts = _knowing()
    task, result = Message(role="user", text="task"), _said(1)
    transcripts.resolve(_request(ROOT, _head(task), task))
    transcripts.remember(result)

    spec, transcript = transcripts.resolve(_request(_head(task), _head(task, result), result.id))

    assert spec is SPEC
    assert len(transcript) == 2


def test_a_message_is_serialised_once_for_each_vendor() -> None:
    """Turn after turn, and in another run, the bytes of a message are those of the first time."""
    transcripts = _knowing()
    openai, anthropic = Counting("openai"), Counting("anthropic")
    messages = [_said(number) for number in range(4)]

    for upto in (2, 3, 4, 4):
        head = _head(*messages[:upto])
        _, transcript = transcripts.resolve(_request(ROOT, head, *messages[:upto]))
        assert len(transcript.wires(openai)) == upto
    transcript.wires(anthropic)

    assert openai.made == [message.id for message in messages]
    assert anthropic.made == [message.id for message in messages]


def test_what_is_missing_is_named_at_once() -> None:
    """A worker that knows nothing asks for the spec, the base and the messages in one go."""
    known = _said(1)
    transcripts = Transcripts()
    transcripts.remember(known)

    missing = _missed(
        transcripts, _request("unknown", "head", known.id, "lost-1", _said(2), "lost-2")
    )

    assert missing == Missing(spec=True, base=True, ids=("lost-1", "lost-2"))


def test_a_spec_that_is_sent_is_kept() -> None:
    """The spec crosses once, under the name that the run has for it."""
    transcripts = Transcripts()
    task = Message(role="user", text="task")

    transcripts.resolve(_request(ROOT, _head(task), task, whole_spec=SPEC))

    assert transcripts.spec(SPEC.hash) == SPEC
    assert transcripts.resolve(_request(ROOT, _head(task), task))[0] == SPEC


def test_a_base_survives_the_attempts_that_start_from_it() -> None:
    """A failed attempt, and an attempt that got another reply, leave the base for the next."""
    transcripts = _knowing()
    task, first, second = Message(role="user", text="task"), _said(1), _said(2)
    base = _head(task)
    transcripts.resolve(_request(ROOT, base, task))

    transcripts.extend(base, first)
    transcripts.extend(base, second)

    for reply in (first, second, first):
        _, transcript = transcripts.resolve(_request(base, _head(task, reply), reply))
        wires = transcript.wires(Counting("openai"))
        assert len(wires) == 2
        assert reply.call_id.encode() in wires[-1].raw


def test_a_reply_can_be_built_on() -> None:
    """After a reply the worker knows the head that the workflow computes."""
    transcripts = _knowing()
    task, reply = Message(role="user", text="task"), Message(role="assistant", text="well")
    transcripts.resolve(_request(ROOT, _head(task), task))

    after = transcripts.extend(_head(task), reply)

    assert after == _head(task, reply)
    more = Message(role="user", text="more")
    assert len(transcripts.resolve(_request(after, _head(task, reply, more), more))[1]) == 3


def test_a_changed_message_is_found() -> None:
    """Messages that do not lead to the head are first asked for again, then refused for good."""
    transcripts = _knowing()
    task, result = Message(role="user", text="task"), _said(1)
    transcripts.resolve(_request(ROOT, _head(task), task))
    forged = result.model_copy(update={"text": "forged"})

    assert _missed(transcripts, _request(_head(task), _head(task, result), forged)).base
    with pytest.raises(ApplicationError) as caught:
        transcripts.resolve(_request(ROOT, _head(task, result), task, forged))

    assert caught.value.type == TRANSCRIPT_BROKEN
    assert caught.value.non_retryable


def test_the_memory_is_bounded_by_bytes() -> None:
    """The conversations used longest ago go; the one in hand stays, however large."""
    transcripts = Transcripts(max_bytes=100_000)
    transcripts.remember_spec(SPEC)
    heads: list[str] = []
    for number in range(20):
        message = _said(number, 10_000)
        heads.append(_head(message))
        transcripts.resolve(_request(ROOT, heads[-1], message))

    assert transcripts.held_bytes <= 100_000
    assert _missed(transcripts, _request(heads[0], "x")).base
    huge = _said(99, 1_000_000)
    assert len(transcripts.resolve(_request(ROOT, _head(huge), huge))[1]) == 1


def test_the_memory_is_bounded_by_number() -> None:
    """A worker that served very many short runs remembers the latest."""
    transcripts = Transcripts(max_strands=3)
    transcripts.remember_spec(SPEC)
    messages = [_said(number) for number in range(6)]
    for message in messages:
        transcripts.resolve(_request(ROOT, _head(message), message))

    assert _missed(transcripts, _request(_head(messages[2]), "x")).base
    kept = _head(messages[3])
    more = _said(7)
    transcripts.resolve(_request(kept, _head(messages[3], more), more))


def test_results_that_nobody_asks_for_go() -> None:
    """Messages left by activities take a quarter of the memory at most."""
    transcripts = Transcripts(max_bytes=100_000)
    transcripts.remember_spec(SPEC)
    for number in range(50):
        transcripts.remember(_said(number, 1_000))

    assert transcripts.held_bytes <= 25_000
    gc.collect()
    assert _missed(transcripts, _request(ROOT, "x", _said(0, 1_000).id)).ids
    latest = _said(49, 1_000)
    transcripts.remember(latest)
    assert len(transcripts.resolve(_request(ROOT, _head(latest), latest.id))[1]) == 1
