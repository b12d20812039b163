"""What the names of routes stand for on this worker: the file of routes, and the environment."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from domain.routing import LARGE, OWN, ROUTES, SMALL, parse_route, provider_of
from runtime.settings import Settings, SettingsError, variable_of


def named_routes(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Return the named routes: the usual ones, over them the file's, over them the environment's.

    Models whose provider this worker cannot reach are left out of a route that has others.

    Raises:
        SettingsError: A route cannot be read; names the variable or the file.
    """
    found = dict(ROUTES) | _from_file(settings)
    for name, text in ((SMALL, settings.route_small), (LARGE, settings.route_large)):
        if text:
            found[name] = _parsed(text, variable_of(f"route_{name}"))
    served = _served(settings)
    return {name: _reachable(models, served) for name, models in found.items()}


def _from_file(settings: Settings) -> dict[str, tuple[str, ...]]:
    usual = settings.home / "routes.toml"
    file = settings.routes or (usual if usual.exists() else None)
    if file is None:
        return {}
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"the file of routes {str(file)!r} cannot be read: {error}") from None
    return {name: _of_file(file, name, models) for name, models in _table(file, told).items()}


def _table(file: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    routes: Any = told.get("routes")
    if not isinstance(routes, dict) or set(told) != {"routes"}:
        raise SettingsError(
            f'{str(file)!r} needs one table [routes], with lines like small = ["openai:gpt-5-nano"]'
        )
    return cast("dict[str, Any]", routes)


def _of_file(file: Path, name: str, models: Any) -> tuple[str, ...]:
    where = f"route {name!r} of {str(file)!r}"
    if name == OWN or ":" in name:
        raise SettingsError(f"{where}: no route can be called that; choose another name")
    if isinstance(models, str):
        return _parsed(models, where)
    if not isinstance(models, list):
        raise SettingsError(f"{where} is {models!r}: expected a list of models")
    return _parsed(",".join(str(each) for each in cast("list[Any]", models)), where)


def _parsed(text: str, where: str) -> tuple[str, ...]:
    try:
        return parse_route(text)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from None


def _served(settings: Settings) -> frozenset[str] | None:
    """Return the providers that have a key or an address; None: the offline model is all."""
    access = settings.model_access()
    given = {"openai": access["openai_api_key"], "anthropic": access["anthropic_api_key"]}
    keys = {name for name, key in given.items() if key}
    if not keys:
        return None
    return frozenset(keys | ({"local"} if access["local_base_url"] else set()))


def _reachable(models: tuple[str, ...], served: frozenset[str] | None) -> tuple[str, ...]:
    if served is None:
        return models
    return tuple(model for model in models if provider_of(model) in served) or models
