"""The audit log's file: what was done to it is said, line by line."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.audited.checked import Checked, check
from commands.audited.entry import LEFT_OUT, Entry, Span, left_out
from commands.audited.sealed import hash_of, lines, signed_bytes
from domain.contract import canonical
from runtime.signing import Checker, KeyUnusable, Signer, generate

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """A key of the house's own."""
    path = tmp_path_factory.mktemp("keys") / "audit.key"
    generate(path)
    return Signer.read(path)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Somebody else's."""
    path = tmp_path_factory.mktemp("others") / "audit.key"
    generate(path)
    return Signer.read(path)


def _log(signer: Signer, entries: int = 8) -> list[bytes]:
    """Return a log's lines: the first and the last one, and `entries` between them."""
    told = [
        Entry(
            _NOON + timedelta(minutes=number),
            "decision",
            f"run-{number}",
            {"by": "m.novak", "verdict": "approve", "reason": f"№ {number} \u2028 \ud800"},
        )
        for number in range(1, entries + 1)
    ]
    return list(lines(told, signer, Span(tenant="acme"), {"runs": entries}))


def _told(found: Checked) -> list[tuple[str, int]]:
    return [(wrong.fault, wrong.line) for wrong in found.wrong]


def _edited(line: bytes, **fields: Any) -> bytes:
    return canonical({**json.loads(line.decode("utf-8", "surrogatepass")), **fields}) + b"\n"


def _rehashed(lines_of_it: Sequence[bytes], at: int, **fields: Any) -> list[bytes]:
    """Return a log that somebody changed and hashed anew from there on, without the key."""
    found = list(lines_of_it)
    found[at] = _edited(found[at], **fields)
    for number in range(at, len(found)):
        line = json.loads(found[number].decode("utf-8", "surrogatepass"))
        if number > at:
            line["previous"] = json.loads(found[number - 1].decode("utf-8", "surrogatepass"))[
                "hash"
            ]
        body = {name: line[name] for name in line if name not in {"hash", "signature"}}
        found[number] = canonical({**line, "hash": hash_of(body)}) + b"\n"
    return found


def test_a_log_is_as_it_was_written(signer: Signer) -> None:
    """A log that nobody touched holds, whatever characters are in it, and says how much it has."""
    found = check(_log(signer), signer.checker)

    assert found.holds
    assert found.last["entries"] == 8
    assert found.signed_by == signer.checker.fingerprint


def test_each_line_is_chained_to_the_one_before_it(signer: Signer) -> None:
    """Whoever has the public half alone can follow the hashes from the first line to the last."""
    previous = ""
    for number, raw in enumerate(_log(signer)):
        line = json.loads(raw.decode("utf-8", "surrogatepass"))
        body = {name: line[name] for name in line if name not in {"hash", "signature"}}

        assert (line["seq"], line["previous"]) == (number, previous)
        assert line["hash"] == hash_of(body)
        assert signer.checker.holds(line["signature"], signed_bytes(line["hash"]))
        previous = line["hash"]


@pytest.mark.requirement("C6.3:log-tamper")
@pytest.mark.parametrize("at", [0, 1, 4, 9])
def test_a_changed_value_is_named(signer: Signer, at: int) -> None:
    """One value changed, in whichever line: that line is named, and no other."""
    log = _log(signer)
    log[at] = _edited(log[at], at="2020-01-01T00:00:00+00:00")

    assert _told(check(log, signer.checker)) == [("altered", at + 1)]


def test_a_bit_that_flips_is_named(signer: Signer) -> None:
    """Each byte of a line counts: any that changes names the line, never passes."""
    log = _log(signer, entries=1)
    line = log[1]
    for at in range(len(line) - 1):
        flipped = line[:at] + bytes([line[at] ^ 1]) + line[at + 1 :]
        if b"\n" in flipped[:-1]:
            continue

        found = check([log[0], flipped, log[2]], signer.checker)

        assert _told(found) == [("altered", 2)], flipped


def test_spelling_a_line_otherwise_is_a_change(signer: Signer) -> None:
    """Spaces, another order, a key twice: a line stands for its bytes, not for what it means."""
    log = _log(signer)
    spaced = json.dumps(json.loads(log[3].decode("utf-8", "surrogatepass"))).encode() + b"\n"
    twice = log[4].replace(b'{"at"', b'{"by":"eve","at"', 1)

    found = check([*log[:3], spaced, twice, *log[5:]], signer.checker)

    assert _told(found) == [("altered", 4), ("altered", 5)]


@pytest.mark.requirement("C6.3:log-tamper")
def test_hashing_it_all_anew_does_not_help(signer: Signer) -> None:
    """Without the key the whole chain can be computed again, and each line of it is named."""
    forged = _rehashed(_log(signer), 3, by="eve")

    found = check(forged, signer.checker)

    assert {fault for fault, _ in _told(found)} == {"altered"}
    assert [line for _, line in _told(found)] == list(range(4, 11))


@pytest.mark.parametrize(
    ("cut", "told", "line"),
    [
        (slice(0, 1), "entry 0 was removed, before line 1", 1),
        (slice(1, 2), "entry 1 was removed, before line 2", 2),
        (slice(3, 6), "entries 3 to 5 were removed, before line 4", 4),
    ],
)
def test_a_removed_line_is_named(signer: Signer, cut: slice, told: str, line: int) -> None:
    """What is missing is said by its numbers, and where it was."""
    log = _log(signer)
    del log[cut]

    (wrong,) = check(log, signer.checker).wrong

    assert (wrong.fault, wrong.told, wrong.line) == ("removed", told, line)


@pytest.mark.parametrize("left", [9, 5, 1])
def test_a_cut_off_end_is_seen(signer: Signer, left: int) -> None:
    """The last line says how many there are: without it the end is missing."""
    found = check(_log(signer)[:left], signer.checker)

    assert _told(found) == [("cut off", left)]


@pytest.mark.requirement("C6.3:log-tamper")
def test_lines_in_another_order_are_named(signer: Signer) -> None:
    """Of lines that changed places the fewest are named that explain it."""
    log = _log(signer)
    log[2], log[3] = log[3], log[2]
    log.insert(8, log.pop(5))

    found = check(log, signer.checker)

    assert [fault for fault, _ in _told(found)] == ["moved", "moved"]
    assert "line 9 is entry 5: it was moved" in [wrong.told for wrong in found.wrong]


def test_a_line_that_stands_twice_is_named(signer: Signer) -> None:
    """A copy of a true line is seen by its number."""
    log = _log(signer)
    log.insert(6, log[2])

    assert _told(check(log, signer.checker)) == [("repeated", 7)]


def test_a_line_of_another_log_is_named(signer: Signer) -> None:
    """A line that the same key signed, in another export, is no line of this one."""
    log, second = _log(signer), _log(signer)
    log[4] = second[4]

    found = check(log, signer.checker)

    assert _told(found) == [("put in", 5), ("removed", 6)]


@pytest.mark.parametrize("raw", [b"{}\n", b"\n", b"[1]\n", b'{"seq": 3}\n', b"\xff\n"])
def test_a_line_that_is_no_entry_was_put_in(signer: Signer, raw: bytes) -> None:
    """What was never written is told apart from what was changed."""
    log = _log(signer)
    log.insert(4, raw)

    assert _told(check(log, signer.checker)) == [("put in", 5)]


@pytest.mark.requirement("C6.3:log-key")
def test_another_key_vouches_for_nothing(signer: Signer, other: Signer) -> None:
    """A log that somebody else signed, or signed again, is not ours, however whole it is."""
    (wrong,) = check(_log(other), signer.checker).wrong

    assert wrong.fault == "other key"
    assert signer.checker.fingerprint in wrong.told
    assert other.checker.fingerprint in wrong.told


def test_lines_signed_with_another_key_are_named(signer: Signer, other: Signer) -> None:
    """One line that somebody put in the place of another, under a key of theirs."""
    log = _log(signer)
    log[5] = _log(other)[5]

    assert _told(check(log, signer.checker)) == [("altered", 6)]


def test_an_empty_file_is_no_log(signer: Signer) -> None:
    """Nothing at all is not a log of nothing."""
    assert not check([], signer.checker).holds


def test_what_is_left_out_is_counted(signer: Signer) -> None:
    """A log says in its last line how much it could not tell, and in lines of that kind why."""
    gap = left_out("its history", "the server no longer has it", "run-1")

    log = list(lines([gap], signer, Span(), {}))
    found = check(log, signer.checker)

    assert found.last["left_out"] == 1
    assert json.loads(log[1])["kind"] == LEFT_OUT


def test_a_key_is_never_written_over_and_never_shared(tmp_path: Path) -> None:
    """A second `keygen` refuses, and so does a key that others could read."""
    path = tmp_path / "audit.key"
    made = generate(path)

    with pytest.raises(KeyUnusable, match="never written over"):
        generate(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert Checker.read(path).fingerprint == made.fingerprint
    assert Checker.read(tmp_path / "audit.key.pub").fingerprint == made.fingerprint
    path.chmod(0o640)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        Signer.read(path)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nno\n", b"key"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file with something else in it is named, and nothing of it is shown."""
    path = tmp_path / "audit.key"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(KeyUnusable, match=r"audit\.key"):
        Signer.read(path)
    with pytest.raises(KeyUnusable, match=r"audit\.key"):
        Checker.read(path)
