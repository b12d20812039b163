"""What commands say, and what they take."""

from decimal import Decimal

import pytest
from temporalio.service import RPCError, RPCStatusCode

from commands import console, options, views
from commands.errors import Exit, Misuse, explain
from commands.run import pairs
from runtime.settings import SettingsError
from runtime.temporal import NoServer


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (250, "4 min 10 s"), (7_500, "2 h 5 min"),
     (273_600, "3 d 4 h")],
)  # fmt: skip
def test_a_duration_reads_as_people_say_it(seconds: float, said: str) -> None:
    """Two units are enough."""
    assert views.duration(seconds) == said


@pytest.mark.parametrize(
    ("amount", "said"), [("0", "$0.00"), ("0.00042", "$0.0004"), ("1234.5", "$1,234.50")]
)
def test_small_amounts_keep_their_digits(amount: str, said: str) -> None:
    """A call costs less than a cent."""
    assert views.money(amount) == said


def test_foreign_text_cannot_drive_the_terminal() -> None:
    """Escape sequences become visible characters, and markup is shown, not obeyed."""
    assert console.safe("\x1b[2Jok") == "\N{REPLACEMENT CHARACTER}[2Jok"
    assert console.safe("[red]x[/red]") == "\\[red]x\\[/red]"
    assert console.safe("two\n\tlines") == "two\n\tlines"


def test_only_limits_that_were_given_are_set() -> None:
    """What is left out stays the agent's; minutes become seconds."""
    assert options.limits(None, None, None, None) is None

    given = options.limits(5, None, 0.25, 2)

    assert given is not None
    assert given.model_dump(exclude_none=True) == {
        "steps": 5,
        "cost_usd": Decimal("0.25"),
        "wall_clock_s": 120.0,
    }


@pytest.mark.parametrize("text", ["x", "[1]", '"text"', "{"])
def test_arguments_must_be_an_object(text: str) -> None:
    """The error shows what was given and what was expected."""
    with pytest.raises(Misuse, match="expected"):
        options.json_object(text, "--arguments")


def test_pairs_are_split_at_the_first_equals() -> None:
    """A value may hold one."""
    assert pairs(["a=b=c", "d="], "--data") == {"a": "b=c", "d": ""}
    with pytest.raises(Misuse, match="NAME=VALUE"):
        pairs(["=b"], "--data")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Misuse("no"), Exit.MISUSE, "no"),
        (SettingsError("HOLDFAST_X is 'y'"), Exit.MISUSE, "HOLDFAST_X is 'y'"),
        (NoServer("none runs"), Exit.FAILED, "none runs"),
        (RPCError("x", RPCStatusCode.UNAVAILABLE, b""), Exit.FAILED, "starter.py up"),
        (RPCError("odd\nmore", RPCStatusCode.INTERNAL, b""), Exit.FAILED, "refused: odd"),
        (FileNotFoundError(2, "No such file", "a.html"), Exit.FAILED, "'a.html': No such file"),
    ],
)
def test_known_errors_are_one_line(error: Exception, code: Exit, said: str) -> None:
    """Each kind has its exit code and says what to do."""
    explained = explain(error)

    assert explained is not None
    assert explained[1] is code
    assert said in explained[0]
    assert "\n" not in explained[0]


def test_a_bug_is_not_explained_away() -> None:
    """What nobody foresaw is reported as such."""
    assert explain(KeyError("x")) is None
