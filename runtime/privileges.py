"""The file that says which tools agents have for a tenant; read anew when it has changed.

A tenant that the file does not name has what `"*"` has. Without that entry it has nothing: where
somebody keeps such a file, a forgotten tenant must not have everything.
"""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError

from domain.contract import Strict
from domain.guard import Privilege
from domain.tools import Effect

_ALL = "*"


class PrivilegesError(ValueError):
    """The file cannot be used, so no run can be told what it may do; it stops until mended."""


class _Allowed(Strict):
    """What is left of an agent's tools."""

    tools: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    effects: tuple[Effect, ...] | None = None

    def privilege(self) -> Privilege:
        """Return it as a run keeps it."""
        return Privilege(tools=self.tools, without=self.without, effects=self.effects)


class _Tenant(_Allowed):
    """What a tenant's runs may do: of all agents, and of single ones."""

    agents: dict[str, _Allowed] = Field(default_factory=dict[str, _Allowed])


class _File(Strict):
    """The whole file."""

    tenants: dict[str, _Tenant] = Field(default_factory=dict[str, _Tenant])


class TenantPrivileges:
    """Implements `activities.guarding.door.Privileges` over a file; without one nothing is cut."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._changed = -1
        self._file = _File()

    async def of(self, tenant: str, agent: str) -> Privilege | None:
        """Return what an agent may use for a tenant; None where nothing is cut.

        Raises:
            PrivilegesError: The file cannot be used.
        """
        if self._path is None:
            return None
        self._refresh(self._path)
        tenants = self._file.tenants
        found = tenants.get(tenant) or tenants.get(_ALL)
        if found is None:
            return Privilege(tools=())
        own = found.agents.get(agent)
        return own.privilege().within(found.privilege()) if own else found.privilege()

    def _refresh(self, path: Path) -> None:
        try:
            changed = path.stat().st_mtime_ns
            if changed != self._changed:
                self._file = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
                self._changed = changed
        except OSError as error:
            raise PrivilegesError(
                f"the file of privileges {str(path)!r} cannot be read: {error.strerror}; "
                "correct HOLDFAST_PRIVILEGES or unset it"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PrivilegesError(f"{str(path)!r} is no TOML: {error}; correct it") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise PrivilegesError(
                f"{str(path)!r}: {where}: {first['msg']}; docs/guardrails.md has the form"
            ) from None
