"""A PostgreSQL made empty again, for tests that share one."""

from sqlalchemy import text

from runtime.database import Database


async def empty(url: str) -> None:
    """Drop everything in the database at `url`."""
    database = Database(url)
    async with database.transaction() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await database.close()
