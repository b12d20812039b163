"""The offline model's noise: what it gets wrong, by a seed."""

import json
import random

import pytest

from agents.offline import Call, Conversation, Reply, told
from runtime.offline.slips import slipped


@pytest.mark.requirement("C6.4:noise")
def test_a_slip_changes_one_thing_and_keeps_the_form() -> None:
    """An answer in JSON has the same fields of the same types."""
    said = {"order": "A-17", "cents": 3900, "share": 0.5, "paid": True, "rows": [{"n": 1}]}
    reply = Reply(text=json.dumps(said))

    for seed in range(40):
        found = json.loads(slipped(reply, random.Random(seed)).text)
        assert found != said
        assert {name: type(value) for name, value in found.items()} == {
            name: type(value) for name, value in said.items()
        }
        assert sum(found[name] != said[name] for name in said) == 1


@pytest.mark.requirement("C6.4:noise")
def test_the_same_seed_slips_alike_and_another_otherwise() -> None:
    """What is noise can be had again."""
    reply = Reply(calls=(Call("find", {"id": "A-17", "n": 3}), Call("find", {"id": "B"})))
    found = [slipped(reply, random.Random(seed)) for seed in range(30)]

    assert found == [slipped(reply, random.Random(seed)) for seed in range(30)]
    assert len({str(each) for each in found}) > 2
    assert {len(each.calls) for each in found} == {1, 2}


@pytest.mark.requirement("C6.4:noise")
def test_a_text_loses_its_end_and_arguments_that_are_no_object_stay() -> None:
    """There is nothing else that could be changed in them."""
    rng = random.Random(1)
    broken = Reply(calls=(Call("find", "no object"),))

    assert slipped(Reply(text="One. Two. Three."), rng).text == "One. Two."
    assert slipped(Reply(text="word"), rng).text == "wo"
    assert slipped(broken, rng) == broken


def test_a_stand_in_is_told_what_its_prompt_says() -> None:
    """In whatever lines and case; without a prompt it does as usual."""
    prompt = Conversation(system="Agent: a\n\nDo this,\nnot That.")

    assert told(prompt, "this, not that")
    assert not told(prompt, "something else")
    assert told(Conversation(system="Agent: a"), "anything")
