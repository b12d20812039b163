"""How a call takes its turn on a task queue that tenants share."""

from typing import Final

from pydantic import Field

from domain.contract import Contract, digest

USUAL: Final = 3
_MOST_KEY: Final = 64  # UTF-8 bytes that a server takes for a fairness key


class Turns(Contract):
    """How calls of an agent take turns with others on the queues that they share.

    Attributes:
        priority: 1 is served first, 5 last; within one priority tenants take turns.
        weight: The tenant's part of the turns, against 1 for others.
    """

    priority: int = Field(default=USUAL, ge=1, le=5)
    weight: float = Field(default=1, ge=0.001, le=1_000)


def weights_of(text: str) -> dict[str, float]:
    """Read tenants' weights as a setting writes them: `acme=3,globex=0.5`.

    Raises:
        ValueError: A part is not a name and a weight that a server takes.
    """
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, weight = part.rpartition("=")
        try:
            found[name.strip()] = Turns(weight=float(weight)).weight
        except ValueError:
            name = ""
        if not name.strip():
            raise ValueError(f"{part!r}: expected TENANT=WEIGHT with a weight of 0.001 to 1000")
    return found


def fairness_key(tenant: str) -> str:
    """Return what a server tells tenants apart by."""
    fits = len(tenant.encode("utf-8", "surrogatepass")) <= _MOST_KEY
    return tenant if fits else digest(tenant, length=32)
