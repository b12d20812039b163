"""Text laid out in a narrow column that neither wraps nor knows tables: a code block of the UI.

Only where lines end and how a table's cells are padded is changed, never a word.
"""

import re
from collections.abc import Sequence

WIDTH = 76  # characters that the UI shows on a screen of 1,300 pixels
_WIDEST_TABLE = 140  # wider ones are left as they are
_ROW = re.compile(r"\s*\|.*\|\s*")
_CELL_END = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r":?-+:?")


def laid_out(text: str) -> str:
    """Return `text` with its Markdown tables aligned and its long lines broken."""
    lines: list[str] = []
    rows: list[str] = []
    for line in text.expandtabs(4).split("\n"):
        if _ROW.fullmatch(line):
            rows.append(line)
            continue
        lines += _table(rows)
        lines += _broken(line)
        rows = []
    return "\n".join([*lines, *_table(rows)])


def _table(rows: Sequence[str]) -> list[str]:
    cells = [[cell.strip() for cell in _CELL_END.split(row.strip()[1:-1])] for row in rows]
    rule = next((row for row in cells[1:2] if all(map(_RULE.fullmatch, row))), None)
    if rule is None or any(len(row) != len(rule) for row in cells):
        return [part for row in rows for part in _broken(row)]
    said = [row for row in cells if row is not rule]
    widths = [max(3, *(len(cell) for cell in column)) for column in zip(*said, strict=True)]
    if sum(widths) + 3 * len(widths) + 1 > _WIDEST_TABLE:
        return [part for row in rows for part in _broken(row)]
    return [_row(row, widths, rule) for row in cells]


def _row(cells: Sequence[str], widths: Sequence[int], rule: Sequence[str]) -> str:
    padded = [
        "-" * width
        if cells is rule
        else cell.rjust(width)
        if side.endswith(":")
        else cell.ljust(width)
        for cell, width, side in zip(cells, widths, rule, strict=True)
    ]
    return f"| {' | '.join(padded)} |"


def _broken(line: str) -> list[str]:
    """Return `line` in parts that fit, broken at spaces where it has some."""
    parts: list[str] = []
    while len(line) > WIDTH:
        at = line.rfind(" ", WIDTH // 2, WIDTH) + 1 or WIDTH
        parts.append(line[:at])
        line = line[at:]
    return [*parts, line]
