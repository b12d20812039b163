"""What a test run's output says about where to look: by rule, for the offline stand-in."""

import ast
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final, NamedTuple

_UNDEFINED: Final = re.compile(r"NameError: name '(\w+)' is not defined")
_PYTEST_FRAME: Final = re.compile(r"^([\w./-]+\.py):(\d+): ", re.MULTILINE)
_TRACE_FRAME: Final = re.compile(r'File "([^"]+\.py)", line (\d+), in (\w+)')
_FAILED: Final = re.compile(r"^(?:FAILED|ERROR) ([\w./-]+\.py)(?:::([\w\[\]:.-]+))?", re.MULTILINE)
_UNITTEST: Final = re.compile(r"^(?:FAIL|ERROR): (\w+) \(([\w.]+)\)", re.MULTILINE)
_COUNTED: Final = re.compile(r"(\d+) (?:failed|errors?)\b|(?:failures|errors)=(\d+)")
_NUMBERS: Final = re.compile(
    r"assert (-?\d+(?:\.\d+)?) (?:==|is) (-?\d+(?:\.\d+)?)"
    r"|AssertionError: (-?\d+(?:\.\d+)?) != (-?\d+(?:\.\d+)?)"
)
_LENGTHS: Final = re.compile(r"(?:one|1) more item|Lists differ|IndexError|index out of range")


class Said(NamedTuple):
    """What the output says.

    Attributes:
        undefined: Names that are used and not defined.
        frames: Files of the repository in the traces, in order.
        tests: Names of the failing tests.
        by_one: It looks as if something is off by one.
        failures: How many tests fail; 0 where it does not say.
    """

    undefined: tuple[str, ...]
    frames: tuple[str, ...]
    tests: tuple[str, ...]
    by_one: bool
    failures: int


def read(output: str, paths: Iterable[str]) -> Said:
    """Return what `output` says of the repository's `paths`."""
    known = set(paths)
    frames = [found[1] for found in _PYTEST_FRAME.finditer(output)]
    frames += [found[1] for found in _TRACE_FRAME.finditer(output)]
    frames += [found[1] for found in _FAILED.finditer(output)]
    tests = [(found[2] or "").rpartition("::")[2] for found in _FAILED.finditer(output)]
    tests += [found[1] for found in _UNITTEST.finditer(output)]
    counted = [int(found[1] or found[2]) for found in _COUNTED.finditer(output)]
    return Said(
        undefined=tuple(dict.fromkeys(_UNDEFINED.findall(output))),
        frames=tuple(dict.fromkeys(path for frame in frames if (path := _known(frame, known)))),
        tests=tuple(dict.fromkeys(test.partition("[")[0] for test in tests if test)),
        by_one=_looks_off_by_one(output),
        failures=max(counted, default=0),
    )


def _known(frame: str, paths: set[str]) -> str:
    """Return the repository's path that a trace's path ends with."""
    parts = PurePosixPath(frame).parts
    for start in range(len(parts)):
        path = "/".join(parts[start:])
        if path in paths:
            return path
    return ""


def _looks_off_by_one(output: str) -> bool:
    if _LENGTHS.search(output):
        return True
    for found in _NUMBERS.finditer(output):
        got, wanted = (float(part) for part in found.groups() if part is not None)
        if abs(got - wanted) == 1:
            return True
    return False


def is_test(path: str) -> bool:
    """Whether a path is a test's."""
    name = PurePosixPath(path).name
    return name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"


class Called(NamedTuple):
    """What a test calls: the modules it imports, and the names it calls."""

    modules: tuple[str, ...]
    names: tuple[str, ...]


def called(source: str, tests: Iterable[str]) -> Called:
    """Return what the failing `tests` of a file call; all of its tests where none is named."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return Called((), ())
    modules: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules.append(node.module)
            modules += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    wanted = set(tests)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
    failing = [n for n in functions if n.name in wanted] or functions
    return Called(tuple(dict.fromkeys(modules)), tuple(_names(failing)))


def calls_of(source: str, names: Iterable[str]) -> list[str]:
    """Return what the functions `names` of a file call."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    wanted = set(names)
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name in wanted]
    return _names(functions)


def _names(functions: Iterable[ast.AST]) -> list[str]:
    found: list[str] = []
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name):
                    found.append(node.func.id)
                elif isinstance(node.func, ast.Attribute):
                    found.append(node.func.attr)
    return list(dict.fromkeys(found))


def file_of(module: str, paths: Iterable[str]) -> str:
    """Return the repository's file that a module is, wherever its folder of packages begins."""
    tail = module.replace(".", "/")
    for path in paths:
        stem = path.removesuffix(".py").removesuffix("/__init__")
        if path.endswith(".py") and (stem == tail or stem.endswith(f"/{tail}")):
            return path
    return ""


def importing(name: str, defined_in: Mapping[str, str]) -> str:
    """Return the line that makes `name` known; empty where no rule says.

    Args:
        name: What is not defined.
        defined_in: Modules of the repository that define names, by name.
    """
    if name in defined_in:
        return f"from {defined_in[name]} import {name}"
    module = _FROM.get(name)
    if module:
        return f"from {module} import {name}"
    return f"import {name}" if name in _MODULES else ""


def with_import(source: str, line: str) -> tuple[str, str]:
    """Return an edit that adds an import: the lines to replace, and what comes in their place."""
    lines = source.splitlines(keepends=True)
    at = _after_docstring(source)
    if at < len(lines) and lines[at].startswith(("import ", "from ")):
        anchor = lines[at]
        return anchor, f"{line}\n{anchor}"
    text = next((each for each in lines[at:] if each.strip()), "")
    start = lines.index(text, at) if text else at
    while source.count(text) > 1 and start + text.count("\n") < len(lines):
        text += lines[start + text.count("\n")]
    return text, f"{line}\n\n\n{text}"


def _after_docstring(source: str) -> int:
    """Return the index of the first line that an import may stand before."""
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return 0
    for node in body:
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not text and not future:
            return _first_line(node) - 1
    return len(source.splitlines())


def _first_line(node: ast.stmt) -> int:
    decorators = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


_MODULES: Final = frozenset(
    {
        *("math", "json", "re", "os", "sys", "random", "itertools", "functools", "collections"),
        *("datetime", "time", "string", "statistics", "operator", "pathlib", "copy", "decimal"),
        *("fractions", "heapq", "bisect", "hashlib", "base64", "csv", "textwrap", "typing"),
        *("uuid", "shutil", "subprocess", "logging", "contextlib", "dataclasses", "enum"),
        *("secrets", "struct", "tempfile", "threading", "asyncio", "glob", "html", "io"),
    }
)
_FROM: Final = {
    **dict.fromkeys(("sqrt", "ceil", "floor", "gcd", "prod", "isclose"), "math"),
    **dict.fromkeys(
        ("Counter", "defaultdict", "deque", "namedtuple", "OrderedDict"), "collections"
    ),
    **dict.fromkeys(("partial", "reduce", "lru_cache", "cache", "wraps"), "functools"),
    **dict.fromkeys(("chain", "combinations", "permutations", "product", "groupby"), "itertools"),
    **dict.fromkeys(("dataclass", "field"), "dataclasses"),
    **dict.fromkeys(("date", "timedelta"), "datetime"),
    **dict.fromkeys(("Any", "Optional", "Callable", "NamedTuple"), "typing"),
    **dict.fromkeys(("mean", "median", "stdev"), "statistics"),
    "Path": "pathlib",
    "Decimal": "decimal",
    "Fraction": "fractions",
    "Enum": "enum",
    "suppress": "contextlib",
    "contextmanager": "contextlib",
}
