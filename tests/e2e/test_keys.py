"""`keys`: what a person types to make, rotate and retire encryption keys."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.e2e.cli import Cli, Ran


@pytest.fixture
def keyed(alone: Cli) -> Cli:
    """The command line with a place for keys, and none there yet."""
    alone.more["HOLDFAST_ENCRYPTION_KEYS"] = str(alone.home / "keys.toml")
    return alone


def told(ran: Ran, path: Path) -> str:
    """Return all that a command printed; never a key."""
    text = ran.out + ran.err
    for table in tomllib.loads(path.read_text()).values():
        assert table["key"] not in text
    return text


@pytest.mark.requirement("C6.6:rotation", "C6.6:retire")
def test_keys_are_made_rotated_and_retired_without_being_shown(keyed: Cli) -> None:
    """The first encrypts at once, the next when it is told to; what encrypts cannot go."""
    path = keyed.home / "keys.toml"

    first = keyed("keys", "new", "--id", "k1")
    second = keyed("keys", "new", "--id", "k2")
    rotated = keyed("keys", "rotate", "--in", "0")
    while '"encrypts from' in keyed("keys", "list", "--json").out:
        pass  # a second at most: no two keys begin in the same one
    done = keyed("keys", "reencrypt", "--json")
    refused = keyed("keys", "retire", "k2", "--force")
    unsure = keyed("keys", "retire", "k1")
    gone = keyed("keys", "retire", "k1", "--force")
    listed = keyed("keys", "list", "--rows", "--json")

    assert [first.code, second.code, rotated.code, done.code, gone.code] == [0] * 5
    assert "which encrypts now" in told(first, path)
    assert "key k2 encrypts from" in told(rotated, path)
    assert json.loads(done.out)["columns"] == {}
    assert (refused.code, unsure.code) == (1, 1)
    assert re.search("'k[12]' encrypts", refused.line)
    assert "starter.py up" in unsure.line
    assert [each["id"] for each in json.loads(listed.out)] == ["k2"]
    assert told(listed, path)


@pytest.mark.requirement("C6.6:files")
def test_without_a_place_for_keys_it_says_what_to_set(alone: Cli) -> None:
    """One line, and the exit code of misuse; so with keys that others may read."""
    unset = alone("keys", "new")
    alone.more["HOLDFAST_ENCRYPTION_KEYS"] = str(alone.home / "keys.toml")
    missing = alone("tokens", "list")
    alone("keys", "new")
    (alone.home / "keys.toml").chmod(0o644)
    open_to_all = alone("tokens", "list")

    assert (unset.code, missing.code, open_to_all.code) == (2, 1, 1)
    assert "HOLDFAST_ENCRYPTION_KEYS is not set" in unset.line
    assert "keys new" in missing.line
    assert "chmod 600" in open_to_all.line
