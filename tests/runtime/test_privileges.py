"""The file that says what agents may use for a tenant."""

import os
from pathlib import Path

import pytest

from domain.tools import Effect
from runtime.privileges import PrivilegesError, TenantPrivileges

_FILE = """
[tenants."*"]
effects = ["read"]

[tenants.large]
without = ["wire"]

[tenants.large.agents.refunds]
tools = ["find_order", "wire"]
"""


async def test_a_tenant_has_what_its_entry_and_its_agents_leave(tmp_path: Path) -> None:
    """A tenant that is not named has what the star has."""
    path = tmp_path / "privileges.toml"
    path.write_text(_FILE)
    privileges = TenantPrivileges(path)

    large = await privileges.of("large", "refunds")
    other = await privileges.of("small", "refunds")

    assert large is not None
    assert large.tools == ("find_order", "wire")
    assert large.without == ("wire",)
    assert other is not None
    assert other.effects == (Effect.READ,)


async def test_a_changed_file_counts_at_once_and_a_forgotten_tenant_has_nothing(
    tmp_path: Path,
) -> None:
    """Runs that have begun keep what they began with; new ones read the file anew."""
    path = tmp_path / "privileges.toml"
    path.write_text(_FILE)
    privileges = TenantPrivileges(path)
    await privileges.of("large", "refunds")

    path.write_text('[tenants.large]\nwithout = ["all"]\n')
    os.utime(path, ns=(1, 1))
    small = await privileges.of("small", "refunds")

    assert small is not None
    assert small.tools == ()
    assert await TenantPrivileges(None).of("small", "refunds") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [("[tenants", "no TOML"), ('[tenants.a]\neffects = ["fly"]', "tenants.a.effects")],
)
async def test_a_file_that_cannot_be_used_says_where(tmp_path: Path, text: str, why: str) -> None:
    """No run is told that it may do everything."""
    path = tmp_path / "privileges.toml"
    path.write_text(text)

    with pytest.raises(PrivilegesError, match=why):
        await TenantPrivileges(path).of("a", "b")
    with pytest.raises(PrivilegesError, match="cannot be read"):
        await TenantPrivileges(tmp_path / "none.toml").of("a", "b")
