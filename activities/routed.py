"""An agent's routes when a run begins: names become models, and private data has only one way."""

from collections.abc import Callable, Mapping

from domain.routing import LOCAL, expanded, may_read
from domain.spec import AgentSpec

Named = Mapping[str, tuple[str, ...]]


class RouteError(ValueError):
    """An agent cannot be run over the routes that it has; says why."""


def routed(
    spec: AgentSpec, named: Named, spec_of: Callable[[str], AgentSpec | None], *, private: bool
) -> AgentSpec:
    """Return the spec with the models that its routes stand for.

    Args:
        spec: As the agent declares it.
        named: What the names stand for.
        spec_of: The agents that this one may call, by name.
        private: The run above is a private agent's, so this one's data is as well.

    Raises:
        RouteError: A route is not known; or the agent is private, and a model of its own or of an
            agent that it calls is not local.
    """
    private = private or spec.private
    changed: dict[str, object] = {}
    route = _expanded(spec, named)
    if route != spec.route:
        changed["route"] = route
    if private:
        _check(spec, route, f"agent {spec.name!r} is private")
        _check_below(spec, named, spec_of, {spec.name})
        changed["private"] = True
    if spec.routing is not None:
        changed["routing"] = spec.routing.resolved(named, private=private)
    return spec.model_copy(update=changed) if changed else spec


def _expanded(spec: AgentSpec, named: Named) -> tuple[str, ...]:
    try:
        return expanded(spec.route, named)
    except ValueError as error:
        raise RouteError(f"agent {spec.name!r}: {error}") from None


def _check(spec: AgentSpec, route: tuple[str, ...], why: str) -> None:
    away = [model for model in route if not may_read(model, private=True)]
    if away:
        raise RouteError(
            f"{why}, so its data goes to the {LOCAL} endpoint only, but agent {spec.name!r} is "
            f"routed to {away}; give it a route of {LOCAL}: models"
        )


def _check_below(
    spec: AgentSpec,
    named: Named,
    spec_of: Callable[[str], AgentSpec | None],
    seen: set[str],
) -> None:
    for tool in spec.tools:
        below = spec_of(tool.agent) if tool.agent and tool.agent not in seen else None
        if below is None:
            continue
        seen.add(below.name)
        _check(below, _expanded(below, named), f"agent {spec.name!r}, which calls it, is private")
        _check_below(below, named, spec_of, seen)
