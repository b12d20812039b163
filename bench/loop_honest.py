"""Made-up traces of honest work that looks like going in circles."""

import json
from typing import Any, Final

from bench.loop_traces import Act, Trace, Words, honest_of
from bench.loop_words import EMPTY, FAIL, NOUNS, RECEIPTS, SUBJECTS, TRANSIENT

_MOST_BARREN: Final = 3
_STAGES: Final = ("queued", "starting", "fetching", "building", "testing", "packing", "done")


def polling(words: Words) -> Trace:
    """A tool that is declared for polling says the same many times."""
    arguments = {"job": words.code(6)}
    times = words.number(5, 15)
    waits = [Act("job_status", arguments, "pending", polling=True) for _ in range(times)]
    return honest_of(words, "polling, declared", [*waits, Act("job_result", arguments, "ready")])


def polling_undeclared(words: Words) -> Trace:
    """What a job says changes: a share, a place in a queue, its lines, its stage."""
    arguments, shape = {"job": words.code(6)}, words.number(0, 3)
    done, left, lines = 0, words.number(8, 20), list[str]()
    acts: list[Act] = []
    for number in range(words.number(5, 10)):
        done, left = done + words.number(1, 10), left - words.random.choice((1, 1, 2))
        lines.append(f"{words.clock(number)} {words.text(3)}")
        said = (
            json.dumps({"status": "running", "percent": done, "ts": words.clock(number)}),
            f"{max(left, 0)} jobs are before yours",
            "\n".join(lines),
            json.dumps({"stage": _STAGES[min(number, 6)]}),
        )[shape]
        acts.append(Act("job_status", arguments, said))
    return honest_of(words, "polling, undeclared", acts[: len(_STAGES)])


def pages(words: Words) -> Trace:
    """A list is read page by page, by cursor or by offset; pages look alike."""
    by_cursor, acts, cursor = words.chance(0.5), list[Act](), ""
    same = words.random.choice(NOUNS)
    size = words.number(2, 5)
    for page in range(words.number(5, 12)):
        arguments: dict[str, Any] = {"table": "orders", "limit": size}
        arguments |= {"cursor": cursor} if by_cursor else {"offset": page * size}
        ids = [words.code(8) if by_cursor else 1000 + page * size + n for n in range(size)]
        rows = [{"id": each, "state": "open", "item": same} for each in ids]
        cursor = words.code(16)
        told: dict[str, Any] = {"rows": rows} | ({"next": cursor} if by_cursor else {})
        acts.append(Act("list_orders", arguments, json.dumps(told)))
    return honest_of(words, "pages", acts)


def retries_after_edit(words: Words) -> Trace:
    """Edit, test, edit, test: the test says the same for a while."""
    path, failed, acts = f"src/{words.random.choice(NOUNS)}.py", words.pick(FAIL), list[Act]()
    for _ in range(words.number(3, 8)):
        edit = {"path": path, "text": words.text(5)}
        acts.append(Act("edit", edit, words.pick(RECEIPTS), writes=True))
        acts.append(Act("run_tests", {"path": "tests"}, failed))
    acts.append(Act("run_tests", {"path": "tests"}, "12 passed"))
    return honest_of(words, "retries after edits", acts)


def transient(words: Words) -> Trace:
    """A service is away for two or three attempts, then answers."""
    arguments, away = {"path": f"/v1/{words.random.choice(NOUNS)}"}, words.pick(TRANSIENT)
    acts = [Act("fetch", arguments, away, ok=False) for _ in range(words.number(1, 3))]
    acts.append(Act("fetch", arguments, words.text()))
    return honest_of(words, "transient failure", acts)


def searches(words: Words) -> Trace:
    """Different questions; some have no answer, some have."""
    acts, barren = list[Act](), 0
    nothing = words.pick(EMPTY)
    for _ in range(words.number(5, 10)):
        query = f"{words.pick(SUBJECTS)} {words.random.choice(NOUNS)}"
        barren = barren + 1 if words.chance(0.5) and barren < _MOST_BARREN else 0
        acts.append(Act("search", {"query": query}, nothing if barren else words.text(9)))
    return honest_of(words, "different searches", acts)


def items(words: Words) -> Trace:
    """A list is worked through; each item is acknowledged in the same words."""
    receipt, first = words.pick(RECEIPTS), words.number(100, 900)
    echoes, by_name = words.chance(0.5), words.chance(0.5)
    acts: list[Act] = []
    for number in range(words.number(5, 14)):
        name = f"docs/{words.random.choice(NOUNS)}-{number}.md" if by_name else first + number
        said = f"{name}: {receipt}" if echoes else receipt
        acts.append(Act("check_item", {"item": name}, said))
    return honest_of(words, "item by item", acts)


def two_files(words: Words) -> Trace:
    """Two files are read in turns, and one of them is edited between."""
    one, other = (f"src/{name}.py" for name in words.random.sample(NOUNS, 2))
    texts = {one: words.text(20), other: words.text(20)}
    acts: list[Act] = []
    for number in range(words.number(3, 6)):
        acts += [Act("read_file", {"path": path}, texts[path]) for path in (one, other)]
        path, text = (one, other)[number % 2], words.text(20)
        acts.append(Act("edit", {"path": path, "text": text}, "ok", writes=True))
        texts[path] = text
    return honest_of(words, "two files", acts)


def records(words: Words) -> Trace:
    """Records that look alike are written, one after the other."""
    receipt, acts = words.pick(RECEIPTS), list[Act]()
    for number in range(words.number(5, 12)):
        record = {"customer": f"c-{number:03}", "item": words.random.choice(NOUNS), "pieces": 1}
        acts.append(Act("add_record", record, receipt, writes=True))
    return honest_of(words, "similar records", acts)


HONEST: Final = (
    polling, polling_undeclared, pages, retries_after_edit, transient, searches, items, two_files,
    records,
)  # fmt: skip
