"""Small changes that a slip of the hand would have made: the offline stand-in tries them.

Each is found in the syntax tree of a Python file and written as an edit of its text, so that
everything else in the file stays as it is. Looks at text only; nothing is executed.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

_COMPARES: Final[dict[type[ast.cmpop], tuple[str, tuple[str, ...]]]] = {
    ast.Lt: ("<", ("<=", ">")),
    ast.LtE: ("<=", ("<", ">=")),
    ast.Gt: (">", (">=", "<")),
    ast.GtE: (">=", (">", "<=")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),  # codespell:ignore notin
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
}
_OPERATORS: Final[dict[type[ast.operator], tuple[str, tuple[str, ...]]]] = {
    ast.Add: ("+", ("-", "*")),
    ast.Sub: ("-", ("+", "/")),
    ast.Mult: ("*", ("/", "+", "**")),
    ast.Div: ("/", ("*", "//", "-")),
    ast.FloorDiv: ("//", ("/", "%")),
    ast.Mod: ("%", ("//", "/")),
    ast.Pow: ("**", ("*",)),
}
_OPPOSITES: Final = {"min": "max", "max": "min", "any": "all", "all": "any"}
_EDGES: Final = frozenset({"<", "<=", ">", ">="})


class Change(NamedTuple):
    """A change of one place.

    Attributes:
        kind: `operator` or `off by one`.
        was: The text that is replaced, for words.
        becomes: What comes in its place.
        old: Whole lines with it, which are in the file once.
        new: The same lines, changed.
    """

    kind: str
    was: str
    becomes: str
    old: str
    new: str


class _Spot(NamedTuple):
    kind: str
    start: int
    end: int
    becomes: str


def changes(source: str, functions: Iterable[str]) -> list[Change]:
    """Return what a slip may have been in `functions` of `source`, in their order."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    text = _Text(source)
    named = {
        node.name: node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    found: dict[tuple[str, str], Change] = {}
    for name in functions:
        if name not in named:
            continue
        for node in ast.walk(named[name]):
            for spot in _spots(node, text):
                change = text.change(spot)
                found.setdefault((change.old, change.new), change)
    return list(found.values())


def functions_in(source: str) -> list[str]:
    """Return the names of all functions of a file."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    return [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


class _Text:
    """A source with the places that a syntax tree names, which counts bytes within lines."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lines = source.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        """Return the offset of a place."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def start(self, node: ast.expr) -> int:
        """Return where a node begins."""
        return self.at(node.lineno, node.col_offset)

    def end(self, node: ast.expr) -> int:
        """Return where a node ends."""
        return self.at(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def of(self, node: ast.expr) -> str:
        """Return a node's text."""
        return self.source[self.start(node) : self.end(node)]

    def between(self, left: ast.expr, right: ast.expr, token: str) -> tuple[int, int] | None:
        """Return where `token` stands between two nodes."""
        start = self.end(left)
        gap = self.source[start : self.start(right)]
        found = re.search(re.escape(token).replace(r"\ ", r"\s+"), gap)
        return (start + found.start(), start + found.end()) if found else None

    def change(self, spot: _Spot) -> Change:
        """Return a spot as an edit of as many whole lines as are there once."""
        first = max(i for i, start in enumerate(self._starts[:-1]) if start <= spot.start)
        last = max(i for i, start in enumerate(self._starts[:-1]) if start < max(spot.end, 1))
        last = max(first, last)
        while first > 0 and self.source.count("".join(self._lines[first : last + 1])) > 1:
            first -= 1
        begin, stop = self._starts[first], self._starts[last + 1]
        old = self.source[begin:stop]
        new = self.source[begin : spot.start] + spot.becomes + self.source[spot.end : stop]
        return Change(spot.kind, self.source[spot.start : spot.end], spot.becomes, old, new)


def _spots(node: ast.AST, text: _Text) -> Iterator[_Spot]:
    looks = _LOOKS.get(type(node))
    return looks(node, text) if looks else iter(())


def _of_compare(node: ast.Compare, text: _Text) -> Iterator[_Spot]:
    left = node.left
    for operation, right in zip(node.ops, node.comparators, strict=True):
        token, others = _COMPARES[type(operation)]
        where = text.between(left, right, token)
        left = right
        if where:
            for other in others:
                kind = "off by one" if {token, other} <= _EDGES and other[0] == token[0] else ""
                yield _Spot(kind or "operator", *where, other)


def _of_operation(node: ast.BinOp, text: _Text) -> Iterator[_Spot]:
    token, others = _OPERATORS.get(type(node.op), ("", ()))
    where = text.between(node.left, node.right, token) if token else None
    if where is None:
        return
    yield from (_Spot("operator", *where, other) for other in others)
    one = isinstance(node.right, ast.Constant) and node.right.value == 1
    if one and token in {"+", "-"}:
        yield _Spot("off by one", text.end(node.left), text.end(node.right), "")


def _of_assignment(node: ast.AugAssign, text: _Text) -> Iterator[_Spot]:
    token, others = _OPERATORS.get(type(node.op), ("", ()))
    where = text.between(node.target, node.value, f"{token}=") if token else None
    if where:
        yield from (_Spot("operator", *where, f"{other}=") for other in others)


def _of_boolean(node: ast.BoolOp, text: _Text) -> Iterator[_Spot]:
    token, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        if where := text.between(left, right, token):
            yield _Spot("operator", *where, other)


def _of_call(node: ast.Call, text: _Text) -> Iterator[_Spot]:
    if not isinstance(node.func, ast.Name):
        return
    start, end = text.start(node.func), text.end(node.func)
    if other := _OPPOSITES.get(node.func.id):
        yield _Spot("operator", start, end, other)
    if node.func.id == "range" and node.args:
        last = node.args[1] if len(node.args) > 1 else node.args[0]
        yield from _around(last, text)


def _of_subscript(node: ast.Subscript, text: _Text) -> Iterator[_Spot]:
    if not isinstance(node.slice, ast.Slice):
        yield from _around(node.slice, text)
        return
    for bound in (node.slice.upper, node.slice.lower):
        if bound is not None:
            yield from _around(bound, text)
            yield _Spot("off by one", text.start(bound), text.end(bound), "")


def _around(node: ast.expr, text: _Text) -> Iterator[_Spot]:
    """Return a bound, one more and one less."""
    start, end, words = text.start(node), text.end(node), text.of(node)
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return  # as any whole number
    yield _Spot("off by one", start, end, f"{words} + 1")
    yield _Spot("off by one", start, end, f"{words} - 1")


def _by_one(kind: str, start: int, end: int, number: int) -> Iterator[_Spot]:
    yield _Spot(kind, start, end, str(number + 1))
    yield _Spot(kind, start, end, str(number - 1))


def _of_negation(node: ast.UnaryOp, text: _Text) -> Iterator[_Spot]:
    if isinstance(node.op, ast.Not):
        yield _Spot("operator", text.start(node), text.start(node.operand), "")


def _of_constant(node: ast.Constant, text: _Text) -> Iterator[_Spot]:
    if type(node.value) is int:
        yield from _by_one("off by one", text.start(node), text.end(node), node.value)


_LOOKS: Final[dict[type[ast.AST], Callable[[Any, _Text], Iterator[_Spot]]]] = {
    ast.Compare: _of_compare,
    ast.BinOp: _of_operation,
    ast.AugAssign: _of_assignment,
    ast.BoolOp: _of_boolean,
    ast.Call: _of_call,
    ast.Subscript: _of_subscript,
    ast.UnaryOp: _of_negation,
    ast.Constant: _of_constant,
}
