"""An audit log as a file: JSON lines, each chained to the one before it, each signed.

A line's hash is of its content, its number and the hash before it; its signature is of that hash.
So a line can be neither changed, nor taken out, nor put elsewhere without its being seen, and
somebody who computes all hashes anew still lacks the signatures. The last line says how many
there are, so that the end cannot be cut off.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from commands.audited.entry import LEFT_OUT, Entry, Span
from domain.contract import canonical
from runtime.signing import Checker, Signer

FORMAT: Final = "holdfast audit log 1"
FIRST, LAST = "log", "end"
ROOT: Final = ""


def lines(
    entries: Iterable[Entry], signer: Signer, span: Span, about: dict[str, Any]
) -> Iterator[bytes]:
    """Yield the lines of the file, the first says what it is, the last how much it holds.

    Args:
        entries: What is told, in order.
        signer: Whose signature stands under each line.
        span: What was asked for.
        about: What else the first line says: where it is from.
    """
    log, previous, counts = secrets.token_hex(6), ROOT, Counter[str]()
    head: dict[str, Any] = {
        "format": FORMAT,
        "key": signer.checker.fingerprint,
        "since": _spelled(span.since),
        "until": _spelled(span.until),
        "tenant": span.tenant,
        "agent": span.agent,
        **about,
    }
    for number, each in enumerate(_framed(entries, head, counts)):
        body = {
            **each.fields,
            "seq": number,
            "log": log,
            "at": _spelled(each.at),
            "kind": each.kind,
            "previous": previous,
        }
        if each.run_id:
            body["run_id"] = each.run_id
        previous = hash_of(body)
        signed = {**body, "hash": previous, "signature": signer.sign(signed_bytes(previous))}
        yield canonical(signed) + b"\n"


def _framed(
    entries: Iterable[Entry], head: dict[str, Any], counts: Counter[str]
) -> Iterator[Entry]:
    yield Entry(datetime.now(UTC), FIRST, fields=head)
    for each in entries:
        counts[each.kind] += 1
        yield each
    told = {
        "entries": counts.total(),
        "counts": dict(sorted(counts.items())),
        "left_out": counts[LEFT_OUT],
    }
    yield Entry(datetime.now(UTC), LAST, fields=told)


def hash_of(body: dict[str, Any]) -> str:
    """Return the hash of a line without its own hash and signature."""
    return hashlib.sha256(canonical(body)).hexdigest()


def signed_bytes(line_hash: str) -> bytes:
    """Return what is signed of a line; the prefix keeps it apart from anything else."""
    return f"{FORMAT}\n{line_hash}".encode()


def is_whole(line: dict[str, Any], raw: bytes, checker: Checker) -> bool:
    """Whether a line is, byte for byte, as its signer wrote it."""
    body = {name: value for name, value in line.items() if name not in {"hash", "signature"}}
    stated = line.get("hash")
    return (
        canonical(line) == raw
        and stated == hash_of(body)
        and checker.holds(str(line.get("signature", "")), signed_bytes(str(stated)))
    )


def _spelled(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")
