"""The tokens that programs come in with; what is kept of one is its hash."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import RowMapping, select, update

from runtime.database import Database
from runtime.operations import noted
from runtime.tables import TOKENS

_MARK: Final = "hf"
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"
_ID_LENGTH: Final = 10
_SECRET_BYTES: Final = 32


class TokenNotFound(LookupError):
    """No token has this id."""


@dataclass(frozen=True)
class Token:
    """Who comes in with a token, and what they may do.

    Attributes:
        name: Signed under what is started and decided with it.
        tenant: Whose runs it sees.
        workflows: What it may start; empty: everything.
    """

    id: str
    hash: str
    name: str
    tenant: str
    scopes: tuple[str, ...]
    workflows: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether it lets anyone in at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


# Compared with where there is no such token, so that an id cannot be found by the time it takes.
_NOBODY: Final = hashlib.sha256(secrets.token_bytes(_SECRET_BYTES)).hexdigest()


class Tokens:
    """All tokens that were ever given out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        *,
        name: str,
        tenant: str,
        scopes: tuple[str, ...],
        workflows: tuple[str, ...] = (),
        expires_at: datetime | None = None,
        by: str = "",
    ) -> tuple[Token, str]:
        """Make a token. Its text is returned and not kept: nobody can read it again."""
        token_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
        text = f"{_MARK}_{token_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        row = {
            "id": token_id,
            "hash": _hash(text),
            "name": name,
            "tenant": tenant,
            "scopes": ",".join(scopes),
            "workflows": ",".join(workflows),
            "created_at": datetime.now(UTC),
            "expires_at": expires_at,
            "revoked_at": None,
        }
        async with self._database.transaction() as connection:
            await connection.execute(self._database.insert(TOKENS), row)
            may = {key: row[key] for key in ("name", "scopes", "workflows", "expires_at")}
            note = noted("token.add", token_id, tenant=tenant, by=by, **may)
            await connection.execute(note)
        return await self.get(token_id), text

    async def holder(self, text: str) -> Token | None:
        """Return the token whose text this is; None where it is not, or no longer, good."""
        parts = text.split("_", 2)
        token_id = parts[1] if len(parts) == 3 and parts[0] == _MARK else ""  # noqa: PLR2004
        try:
            found = await self.get(token_id[:_ID_LENGTH])
        except TokenNotFound:
            found = None
        same = hmac.compare_digest(_hash(text), found.hash if found else _NOBODY)
        return found if found and same and found.is_good(datetime.now(UTC)) else None

    async def get(self, token_id: str) -> Token:
        """Return one token.

        Raises:
            TokenNotFound: There is none with that id.
        """
        query = select(TOKENS).where(TOKENS.c.id == token_id)
        async with self._database.transaction() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise TokenNotFound(
                f"there is no token {token_id!r}; `python starter.py tokens list` shows them"
            )
        return _token(row)

    async def list(self) -> list[Token]:
        """Return all tokens, newest first."""
        query = select(TOKENS).order_by(TOKENS.c.created_at.desc(), TOKENS.c.id)
        async with self._database.transaction() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_token(row) for row in rows]

    async def good(self) -> "list[Token]":
        """Return the tokens that let anyone in now."""
        now = datetime.now(UTC)
        return [token for token in await self.list() if token.is_good(now)]

    async def revoke(self, token_id: str, *, by: str = "") -> Token:
        """End a token, from the next request on. Idempotent: the first time holds.

        Raises:
            TokenNotFound: There is none with that id.
        """
        statement = (
            update(TOKENS)
            .where(TOKENS.c.id == token_id, TOKENS.c.revoked_at.is_(None))
            .values(revoked_at=datetime.now(UTC))
        )
        found = await self.get(token_id)
        note = noted("token.revoke", token_id, tenant=found.tenant, by=by, name=found.name)
        async with self._database.transaction() as connection:
            if (await connection.execute(statement)).rowcount:
                await connection.execute(note)
        return await self.get(token_id)


def _hash(text: str) -> str:
    # Of 256 random bits, so that nothing slower is needed: there is no dictionary of them.
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _token(row: RowMapping) -> Token:
    fields = dict(row)
    for name in ("scopes", "workflows"):
        fields[name] = tuple(part for part in fields[name].split(",") if part)
    return Token(**fields)
