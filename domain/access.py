"""Who may do what at the doors for programs: scopes, and the roles that bundle them.

A role is what a token is given for one job and no more. No role both starts and approves.
"""

from typing import Final, Literal, get_args

Scope = Literal["read", "start", "cancel", "approve", "mend", "operate"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
ABOUT: Final[dict[Scope, str]] = {
    "read": "see runs, results, events and open questions",
    "start": "start runs, and cancel those that were started in the same name",
    "cancel": "cancel any run",
    "approve": "answer what runs ask",
    "mend": "let stopped runs go on, without a step or not at all",
    "operate": "halt and lift halts, give and end standing approvals; for a fleet also caps and "
    "breakers",
}
Role = Literal["reader", "starter", "approver", "operator"]
ROLES: Final[dict[Role, tuple[Scope, ...]]] = {
    "reader": ("read",),
    "starter": ("read", "start"),
    "approver": ("read", "approve"),
    "operator": ("read", "cancel", "mend", "operate"),
}
FLEET: Final = "*"
"""The tenant of an operator of everything. No run's: a tenant's name has letters in it."""
OF_A_FLEET: Final[frozenset[Scope]] = frozenset(ROLES["operator"])


def is_same_person(one: str, other: str) -> bool:
    """Whether two names are one: nobody becomes another by a capital letter."""
    return bool(one.strip()) and one.strip().casefold() == other.strip().casefold()
