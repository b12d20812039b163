"""Messages that workers read of each other."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.messages import ROOT, Message, link
from runtime.database import Database
from runtime.shelf import KEPT, Shelf


@pytest.fixture
def shelf(store: Database) -> Shelf:
    """An empty shelf of either kind."""
    return Shelf(store)


def _conversation(seed: str, length: int) -> list[Message]:
    return [Message(role="user", text=f"{seed} {number}") for number in range(length)]


def _links(messages: list[Message]) -> list[tuple[str, str, str]]:
    links: list[tuple[str, str, str]] = []
    parent = ROOT
    for message in messages:
        head = link(parent, message.id)
        links.append((head, parent, message.id))
        parent = head
    return links


async def test_a_conversation_is_found_by_its_head_in_order(shelf: Shelf) -> None:
    """However many turns it grew in, and beside another that shares its beginning."""
    said = _conversation("one", 40)
    other = [*said[:20], Message(role="user", text="another way")]
    for messages in (said, other):
        links = _links(messages)
        for start in range(0, len(links), 3):
            part = messages[start : start + 3]
            await shelf.put({m.id: m.model_dump_json() for m in part}, links[start : start + 3])

    found = await shelf.chain(_links(other)[-1][0], ROOT)
    kept = await shelf.messages(found)

    assert [Message.model_validate_json(kept[each]) for each in found] == other


async def test_a_conversation_with_a_gap_is_not_found(shelf: Shelf) -> None:
    """Half of one is worse than none: the run then sends it by value."""
    said = _conversation("gap", 6)
    links = _links(said)
    await shelf.put({m.id: m.model_dump_json() for m in said}, links[:2] + links[3:])

    assert await shelf.chain(links[-1][0], ROOT) == []
    assert await shelf.chain("unknown", ROOT) == []


async def test_what_nobody_used_for_a_week_is_swept(shelf: Shelf) -> None:
    """And nothing that is newer."""
    said = _conversation("swept", 3)
    await shelf.put({m.id: m.model_dump_json() for m in said}, _links(said))

    await shelf.sweep(datetime.now(UTC) + KEPT - timedelta(minutes=1))
    before = await shelf.messages([m.id for m in said])
    await shelf.sweep(datetime.now(UTC) + KEPT + timedelta(minutes=1))

    assert len(before) == 3
    assert await shelf.messages([m.id for m in said]) == {}
    assert await shelf.chain(_links(said)[-1][0], ROOT) == []
