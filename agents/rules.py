"""Rules over a run's history, as an author writes them, and what is wrong with them.

    rules = [
        needs("refund", earlier="find_order", same="order_id"),
        at_most("send_mail", 3),
        total("transfer", "amount", below=Decimal("1000")),
    ]

They are checked when the agents are loaded: a tool or an argument that is not there is an error at
start, not a rule that never holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

from domain.rule_log import other_of, own_of, same_of
from domain.rules import (
    AtMost,
    Distinct,
    Needs,
    NeverAfter,
    OnlyIf,
    Otherwise,
    Owes,
    Pairs,
    Rule,
    Total,
)
from domain.tools import ToolSpec

Tools = str | Sequence[str]
Same = str | Mapping[str, str] | None


def _tools(tools: Tools) -> tuple[str, ...]:
    return (tools,) if isinstance(tools, str) else tuple(tools)


def _pairs(same: Same) -> Pairs:
    if same is None:
        return ()
    return ((same, same),) if isinstance(same, str) else tuple(same.items())


def needs(
    tools: Tools,
    *,
    earlier: str,
    same: Same = None,
    otherwise: Otherwise = "refuse",
    name: str = "",
) -> Needs:
    """Demand that `earlier` was called before, and did its work.

    Args:
        tools: Which calls the rule is about.
        earlier: The tool that must have been called.
        same: An argument that both must have the same value of; a mapping where it has one name
            in the call and another in the earlier one.
        otherwise: `ask` puts a call that breaks the rule before a person.
        name: How the rule is called where it is told of.
    """
    return Needs(
        kind="needs", tools=_tools(tools), earlier=earlier, same=_pairs(same),
        otherwise=otherwise, name=name,
    )  # fmt: skip


def never_after(
    tools: Tools,
    *,
    earlier: str,
    same: Same = None,
    otherwise: Otherwise = "refuse",
    name: str = "",
) -> NeverAfter:
    """Forbid a call once `earlier` was called."""
    return NeverAfter(
        kind="never_after", tools=_tools(tools), earlier=earlier, same=_pairs(same),
        otherwise=otherwise, name=name,
    )  # fmt: skip


def at_most(
    tools: Tools, times: int, *, per: str = "", otherwise: Otherwise = "refuse", name: str = ""
) -> AtMost:
    """Allow so many calls, all `tools` together; with `per`, for each value of that argument."""
    return AtMost(
        kind="at_most", tools=_tools(tools), times=times, per=per, otherwise=otherwise, name=name
    )


def total(
    tools: Tools,
    argument: str,
    *,
    below: Decimal | int | None = None,
    up_to: Decimal | int | None = None,
    per: str = "",
    otherwise: Otherwise = "refuse",
    name: str = "",
) -> Total:
    """Bound the sum of an argument over all calls; with `per`, for each value of another.

    Raises:
        ValueError: Not one of `below` and `up_to` is given, or both are.
    """
    if (below is None) == (up_to is None):
        raise ValueError(f"total of {argument!r}: give `below` or `up_to`, one of them")
    most = Decimal(below if below is not None else up_to or 0)
    return Total(
        kind="total", tools=_tools(tools), argument=argument, most=most,
        under=below is not None, per=per, otherwise=otherwise, name=name,
    )  # fmt: skip


def distinct(
    tools: Tools, argument: str, *, most: int, otherwise: Otherwise = "refuse", name: str = ""
) -> Distinct:
    """Allow so many different values of an argument, for example recipients."""
    return Distinct(
        kind="distinct", tools=_tools(tools), argument=argument, most=most,
        otherwise=otherwise, name=name,
    )  # fmt: skip


def only_if(
    tools: Tools,
    argument: str = "",
    *,
    earlier: str,
    field: str,
    same: Same = None,
    one_of: Sequence[str] = (),
    otherwise: Otherwise = "refuse",
    name: str = "",
) -> OnlyIf:
    """Bind a call to what `earlier` brought.

    Args:
        tools: Which calls the rule is about.
        argument: It must be at most the field.
        earlier: The tool whose last result, with the same values, is looked at.
        field: A field of that result.
        same: As for `needs`.
        one_of: The field must be one of these.
        otherwise: As for `needs`.
        name: As for `needs`.
    """
    return OnlyIf(
        kind="only_if", tools=_tools(tools), argument=argument, earlier=earlier, field=field,
        same=_pairs(same), one_of=tuple(one_of), otherwise=otherwise, name=name,
    )  # fmt: skip


def owes(tools: Tools, *, by: str, same: Same = None, name: str = "") -> Owes:
    """Demand that `by` is called after each of these calls, before the run may answer."""
    return Owes(kind="owes", tools=_tools(tools), by=by, same=_pairs(same), name=name)


# --- what is wrong with them


def problems(rules: Iterable[Rule], tools: Mapping[str, ToolSpec]) -> list[str]:
    """Return what is wrong with `rules`, a sentence each.

    Args:
        rules: Of one agent.
        tools: By name: the agent's own, and those of the agents that it can call.
    """
    return [wrong for rule in rules for wrong in _problems(rule, tools)]


def _problems(rule: Rule, tools: Mapping[str, ToolSpec]) -> Iterator[str]:
    other = other_of(rule)
    for name in (*rule.tools, *([other] if other else [])):
        if name not in tools:
            yield f"rule {rule.says!r}: there is no tool {name!r}; tools are {sorted(tools)}"
    asked = [(name, path) for name in rule.tools for path in sorted(own_of(rule))]
    asked += [(other, theirs) for _, theirs in same_of(rule)]
    for name, path in asked:
        if name in tools and not _has(tools[name].parameters, path):
            known = sorted(tools[name].parameters.get("properties", {}))
            yield f"rule {rule.says!r}: {name} has no argument {path!r}; it has {known}"


def _has(schema: Mapping[str, Any], path: str) -> bool:
    """Whether a JSON Schema allows a value at `path`."""
    return _leads(schema, schema, path.split("."))


def _leads(root: Mapping[str, Any], schema: Mapping[str, Any], path: Sequence[str]) -> bool:
    inner: list[Any] = [*schema.get("anyOf", ()), *schema.get("allOf", ()), schema.get("items")]
    reference = str(schema.get("$ref", ""))
    if reference.startswith("#/$defs/"):
        inner.append(root.get("$defs", {}).get(reference.removeprefix("#/$defs/")))
    nested = [cast("Mapping[str, Any]", each) for each in inner if isinstance(each, Mapping)]
    if any(_leads(root, each, path) for each in nested):
        return True
    if not path:
        return True
    further = schema.get("properties", {}).get(path[0])
    return isinstance(further, Mapping) and _leads(
        root, cast("Mapping[str, Any]", further), path[1:]
    )
