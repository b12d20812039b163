"""What an operator may do from outside: a tenant's to what is the tenant's, a fleet's to all.

Each act is noted with who did it and by which token. What an operator of the fleet has halted
stays so until one of them, or the command line, lifts it.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import sqlalchemy as sa

from agents.registry import agents
from commands import concerned
from commands.refusals import NotAllowed, NotCounted, UnfitInput, UnknownRun
from commands.standing import new_grant
from commands.tenancy import Tenancy
from domain.access import FLEET, is_same_person
from domain.breaker import Breaker
from domain.halts import EVERYBODY, Halt, Scope
from domain.standing import Standing, Terms
from runtime.breakers import BreakerNotFound, Breakers
from runtime.caps import Cap, Caps, Period
from runtime.database import Database
from runtime.halts import HaltNotFound, Halts
from runtime.operations import noted
from runtime.standing import StandingApprovals, StandingNotFound
from runtime.tables_operations import OPERATIONS
from runtime.tokens import Tokens

_HALT: Final = "http.halt"


@dataclass(frozen=True)
class Operator(Tenancy):
    """One operator.

    Attributes:
        by: Who it is.
        token: The id of the token that they came in with.
    """

    by: str = ""
    token: str = ""

    @property
    def is_of_the_fleet(self) -> bool:
        """Whether all tenants' runs are theirs to operate."""
        return self.tenant == FLEET

    # --- halts

    async def halt(self, scope: Scope, name: str, reason: str) -> tuple[Halt, bool, int]:
        """Halt something; return the halt, whether it is new, and how many runs it concerns.

        Raises:
            NotAllowed: It is more than the tenant's own.
            UnknownRun: The tenant has none with that id.
        """
        name = await self._own(scope, name)
        placed = await Halts(self.session.database).place(scope, name, by=self.by, reason=reason)
        if placed.new or self.is_of_the_fleet:
            await self._note(_HALT, placed.halt.id, target=placed.halt.target, reason=reason)
        runs = await concerned.open_runs(self.session.client, placed.halt)
        return placed.halt, placed.new, runs

    async def unhalt(self, scope: Scope, name: str, reason: str) -> tuple[Halt, ...]:
        """Lift a halt, and tell the runs that wait for it.

        Raises:
            NotAllowed: It is more than the tenant's own, or was not placed by its operators.
            NotCounted: There is no such halt.
        """
        name = await self._own(scope, name)
        halts = Halts(self.session.database)
        standing = [each for each in await halts.list(limit=1_000) if _is(each, scope, name)]
        for halt in standing:
            if not (self.is_of_the_fleet or await self._placed(halt)):
                raise NotAllowed(
                    f"{halt.target} was halted by {halt.by!r}, who is not one of your operators; "
                    "only an operator of the fleet can lift that"
                )
        try:
            lifted = await halts.lift(scope, name, by=self.by, reason=reason)
        except HaltNotFound:
            raise NotCounted(f"{scope} {name!r} is not halted; nothing was changed") from None
        for halt in lifted:
            await self._note("http.unhalt", halt.id, target=halt.target, reason=reason)
        await concerned.tell(self.session.client, lifted)
        return lifted

    async def halts(self) -> list[Halt]:
        """Return the halts that stand and concern the tenant's runs, newest first."""
        found = await Halts(self.session.database).list(limit=1_000)
        return [halt for halt in found if await self._concerns(halt)]

    async def _concerns(self, halt: Halt) -> bool:
        if self.is_of_the_fleet or halt.scope in {"all", "agent"}:
            return True
        if halt.scope == "tenant":
            return halt.name == self.tenant
        return await self._has(halt.name)

    async def _own(self, scope: Scope, name: str) -> str:
        """Return the name of what is to be halted, once it is known to be theirs."""
        if scope == "all":
            name = ""
        if self.is_of_the_fleet:
            if scope != "all" and not name.strip():
                raise UnfitInput(f"which {scope}?", {"name": "is missing"})
            return name
        if scope == "tenant" and name in {"", self.tenant}:
            return self.tenant
        if scope == "run":
            await self.described(name)
            return name
        raise NotAllowed(
            f"halting {scope} {name!r} concerns others than tenant {self.tenant!r}; "
            "an operator of the fleet can (tokens add NAME --fleet --role operator)"
        )

    async def _placed(self, halt: Halt) -> bool:
        """Whether a halt is the tenant's operators' own, and the fleet's have not held to it."""
        query = sa.select(OPERATIONS.c.tenant).where(
            OPERATIONS.c.act == _HALT, OPERATIONS.c.subject == halt.id
        )
        by = await self.session.database.run(lambda it: set(it.execute(query).scalars()))
        return by == {self.tenant}

    async def _has(self, run_id: str) -> bool:
        try:
            await self.need(run_id)
        except UnknownRun:
            return False
        return True

    # --- standing approvals

    async def standing(self, *, ended: bool = False) -> list[Standing]:
        """Return the tenant's standing approvals, newest first."""
        tenant = "" if self.is_of_the_fleet else self.tenant
        return await StandingApprovals(self.session.database).list(tenant, ended=ended)

    async def grant(
        self, agent: str, tool: str, terms: Terms, reason: str, tenant: str = ""
    ) -> Standing:
        """Let calls of a tool run without asking, so many and so long.

        Raises:
            NotAllowed: It is for another tenant, or by somebody who can start runs.
            UnfitInput: No gate would ever ask about that tool.
        """
        whose = self._tenant(tenant)
        _need_writing(agent, tool)
        await self._need_no_starter(whose)
        given = new_grant((agent, tool), terms, tenant=whose, by=self.by, reason=reason)
        made = await StandingApprovals(self.session.database).grant(given)
        await self._note("http.standing.grant", made.id, target=f"{agent}.{tool}", of=whose)
        return made

    async def revoke(self, standing_id: str, reason: str) -> Standing:
        """End a standing approval at once.

        Raises:
            NotCounted: The tenant has none with that id, or it has ended.
        """
        store = StandingApprovals(self.session.database)
        there = {each.id for each in await self.standing()}
        if standing_id not in there:
            raise NotCounted(f"no standing approval {standing_id[:80]!r} holds")
        try:
            ended = await store.revoke(standing_id, self.by, reason)
        except StandingNotFound:  # it has ended in between
            raise NotCounted(f"standing approval {standing_id[:80]!r} has ended") from None
        await self._note("http.standing.revoke", standing_id, reason=reason)
        return ended

    async def _need_no_starter(self, tenant: str) -> None:
        """Refuse whoever could approve their own runs beforehand."""
        for token in await Tokens(self.session.database).good():
            mine = token.tenant in {tenant, FLEET} and is_same_person(token.name, self.by)
            if mine and "start" in token.scopes:
                raise NotAllowed(
                    f"{self.by!r} can start runs of {tenant!r} (token {token.id}), and so cannot "
                    "approve them beforehand; somebody else has to"
                )

    def _tenant(self, named: str) -> str:
        if self.is_of_the_fleet:
            return named or EVERYBODY
        if named not in {"", self.tenant}:
            raise NotAllowed(f"tenant {named[:80]!r} is not yours; yours is {self.tenant!r}")
        return self.tenant

    # --- caps and breakers, which are everybody's

    async def caps(self) -> list[Cap]:
        """Return the tenant's caps, or all."""
        return await Caps(self.session.database).list("" if self.is_of_the_fleet else self.tenant)

    async def cap(
        self, tenant: str, period: Period, tokens: int | None, cost_usd: Decimal | None
    ) -> Cap:
        """Cap a tenant's spend, in place of its cap for the same period.

        Raises:
            NotAllowed: Only the fleet's operators say what a tenant may spend.
        """
        self._need_fleet("what a tenant may spend")
        if tokens is None and cost_usd is None:
            raise UnfitInput(f"what may {tenant!r} spend?", {"usd": "or tokens: one is needed"})
        store = Caps(self.session.database)
        return await store.set(tenant, period, tokens=tokens, cost_usd=cost_usd, by=self._signed)

    async def uncap(self, tenant: str, period: Period) -> None:
        """Take a cap away.

        Raises:
            NotAllowed: Only the fleet's operators say what a tenant may spend.
            NotCounted: There is none.
        """
        self._need_fleet("what a tenant may spend")
        if not await Caps(self.session.database).remove(tenant, period, by=self._signed):
            raise NotCounted(f"tenant {tenant[:80]!r} has no cap a {period}")

    async def breakers(self) -> list[Breaker]:
        """Return the breakers, which all tenants share."""
        self._need_fleet("breakers")
        return await Breakers(self.session.database).list()

    async def reset(self, name: str) -> Breaker:
        """Close a breaker with nothing counted.

        Raises:
            NotAllowed: Breakers are everybody's.
            NotCounted: There is none of that name.
        """
        self._need_fleet("breakers")
        try:
            return await Breakers(self.session.database).reset(name, by=self._signed)
        except BreakerNotFound:
            raise NotCounted(f"there is no breaker {name[:80]!r}") from None

    def _need_fleet(self, what: str) -> None:
        if not self.is_of_the_fleet:
            raise NotAllowed(f"{what}: that is for an operator of the fleet (tokens add --fleet)")

    # --- who did it

    @property
    def _signed(self) -> str:
        return f"{self.by} (token {self.token})"

    async def _note(self, act: str, subject: str, **detail: Any) -> None:
        note = noted(act, subject, by=self.by, tenant=self.tenant, token=self.token, **detail)
        await self.session.database.run(lambda connection: connection.execute(note))


async def hold_to(database: Database, halt: Halt, by: str) -> None:
    """Make a halt that stands already the house's, so that no tenant's operator lifts it."""
    note = noted(_HALT, halt.id, by=by, tenant=FLEET, target=halt.target)
    await database.run(lambda connection: connection.execute(note))


def _is(halt: Halt, scope: Scope, name: str) -> bool:
    return (halt.scope, halt.name) == (scope, name)


def _need_writing(agent: str, tool: str) -> None:
    known = agents().get(agent)
    tools = [*known.tools, *known.workflow_tools] if known else []
    if tool not in {each.spec.name for each in tools if each.spec.writes}:
        raise UnfitInput(
            f"agent {agent[:80]!r} has no tool {tool[:80]!r} that writes",
            {"tool": "expected a tool of the agent that writes"},
        )
