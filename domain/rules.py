"""Rules over a run's history, as data: what must have happened, and how much may, before a call.

An agent's author writes them with the functions of `agents/rules.py`. A rule holds for the run:
through continue-as-new, a resume, a hand-off and a fork, and over the runs below it. How one is
judged is in `domain/ruling.py`.
"""

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.contract import Contract

Otherwise = Literal["refuse", "ask"]
Pairs = tuple[tuple[str, str], ...]


class _Rule(Contract):
    """What all rules have.

    Attributes:
        tools: The calls that it is about.
        otherwise: What happens to a call that breaks it: it is refused, or a person decides.
        name: How it is called where it is told of; empty: by what it says.
    """

    tools: tuple[str, ...] = Field(min_length=1)
    otherwise: Otherwise = "refuse"
    name: str = ""

    @property
    def says(self) -> str:
        """The rule in a few words."""
        return self.name or self._says()

    def _says(self) -> str:
        raise NotImplementedError

    @property
    def _who(self) -> str:
        return " or ".join(self.tools)


class Needs(_Rule):
    """A call needs another one before it, with the same values where they are named.

    Attributes:
        earlier: The tool that must have been called, and have done its work.
        same: Arguments of this call and of that one whose values must be equal.
    """

    kind: Literal["needs"] = "needs"
    earlier: str
    same: Pairs = ()

    def _says(self) -> str:
        return f"{self._who} needs an earlier {self.earlier}{_of(self.same)}"


class NeverAfter(_Rule):
    """A call may not follow another one, with the same values where they are named."""

    kind: Literal["never_after"] = "never_after"
    earlier: str
    same: Pairs = ()

    def _says(self) -> str:
        return f"no {self._who} after {self.earlier}{_of(self.same)}"


class AtMost(_Rule):
    """So many calls in a run, or so many for each value of an argument."""

    kind: Literal["at_most"] = "at_most"
    times: int = Field(ge=0)
    per: str = ""

    def _says(self) -> str:
        return f"at most {self.times} {self._who} a run{_each(self.per)}"


class Total(_Rule):
    """An argument's values add up to no more, in a run or for each value of another.

    Attributes:
        most: The sum may be this.
        under: It must be less than `most`.
    """

    kind: Literal["total"] = "total"
    argument: str
    most: Decimal = Field(ge=0)
    under: bool = False
    per: str = ""

    def _says(self) -> str:
        how = "below" if self.under else "at most"
        return f"total {self.argument} of {self._who} {how} {self.most} a run{_each(self.per)}"


class Distinct(_Rule):
    """An argument has so many different values in a run."""

    kind: Literal["distinct"] = "distinct"
    argument: str
    most: int = Field(ge=1)

    def _says(self) -> str:
        return f"at most {self.most} different {self.argument} in {self._who} a run"


class OnlyIf(_Rule):
    """A call is bound by what another one brought: the last one with the same values.

    Attributes:
        earlier: The tool whose result is looked at: a JSON object.
        field: The field of that result, with dots where it lies deeper.
        one_of: Its value must be one of these.
        argument: This argument of the call must be at most that field.
    """

    kind: Literal["only_if"] = "only_if"
    earlier: str
    field: str
    same: Pairs = ()
    one_of: tuple[str, ...] = ()
    argument: str = ""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.one_of and not self.argument:
            raise ValueError("only_if needs `one_of` or `up_to`")
        return self

    def _says(self) -> str:
        of = f"{self.field} of {self.earlier}{_of(self.same)}"
        if self.argument:
            return f"{self.argument} of {self._who} at most {of}"
        return f"{self._who} only if {of} is {' or '.join(self.one_of)}"


class Owes(_Rule):
    """A call owes another one after it: without that the run's answer is refused.

    Attributes:
        by: The tool that must be called after it.
    """

    kind: Literal["owes"] = "owes"
    by: str
    same: Pairs = ()

    def _says(self) -> str:
        return f"after {self._who} comes {self.by}{_of(self.same)}"


Rule = Annotated[
    Needs | NeverAfter | AtMost | Total | Distinct | OnlyIf | Owes, Field(discriminator="kind")
]


class Ruled(Contract):
    """The rules of one agent.

    Attributes:
        above: It is the agent of a run above this one, or above the one that calls it.
    """

    agent: str
    rules: tuple[Rule, ...] = ()
    above: bool = False


def _of(same: Pairs) -> str:
    return f" of the same {' and '.join(one for one, _ in same)}" if same else ""


def _each(per: str) -> str:
    return f" for one {per}" if per else ""
