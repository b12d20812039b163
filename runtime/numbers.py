"""The fleet's numbers in the database: each closed run is added once, by whoever closed it.

The last step of a run may be taken again, by another worker, when the first one fell before it
could say so. So an execution's name and what it adds are written in one transaction.
"""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, select

from domain.measures import MEASURES, OTHER, Amount
from runtime.database import Database
from runtime.tables_numbers import COUNTED, NUMBERS

Series = dict[tuple[str, tuple[str, ...]], int]
"""Name and labels to units."""

_KEPT: Final = timedelta(days=7)
_BOUNDED: Final = {measure.name: measure for measure in MEASURES if measure.most}


class Numbers:
    """What was counted, over all runs and workers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        row = database.insert(NUMBERS)
        self._add = row.on_conflict_do_update(
            index_elements=["name", "labels"], set_={"units": NUMBERS.c.units + row.excluded.units}
        )
        # What it returns, not how many rows: PostgreSQL's driver does not say that here.
        new = database.insert(COUNTED).on_conflict_do_nothing()
        self._once = new.returning(COUNTED.c.execution)

    async def count(self, execution: str, amounts: Sequence[Amount]) -> bool:
        """Add what an execution came to; False, and nothing is added, where that was done."""
        now = datetime.now(UTC)

        def put(connection: Connection) -> bool:
            if not connection.execute(self._once, {"execution": execution, "at": now}).all():
                return False
            rows = [
                {"name": name, "labels": json.dumps(labels), "units": units}
                for (name, labels), units in self._bounded(connection, amounts).items()
            ]
            # In one order everywhere: two workers that add to the same rows would else wait for
            # each other in a circle.
            connection.execute(
                self._add, sorted(rows, key=lambda row: (row["name"], row["labels"]))
            )
            connection.execute(delete(COUNTED).where(COUNTED.c.at < now - _KEPT))
            return True

        return await self._database.run(put)

    async def read(self) -> Series:
        """Return all of it."""

        def look(connection: Connection) -> Series:
            rows = connection.execute(select(NUMBERS)).all()
            return {(row.name, tuple(json.loads(row.labels))): int(row.units) for row in rows}

        return await self._database.run(look)

    def _bounded(self, connection: Connection, amounts: Sequence[Amount]) -> Series:
        """Return the amounts with `other` for labels beyond what their measure keeps."""
        known: dict[str, set[tuple[str, ...]]] = {}
        found: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for name, labels, units in amounts:
            base = name.removesuffix("_bucket").removesuffix("_sum")
            if base in _BOUNDED and base not in known:
                known[base] = _known(connection, base)
            found[name, _fit(base, labels, known)] += units
        return dict(found)


def _known(connection: Connection, base: str) -> set[tuple[str, ...]]:
    of = NUMBERS.c.name.in_([base, f"{base}_sum"])
    query = select(NUMBERS.c.labels).where(of)
    return {tuple(json.loads(row.labels)) for row in connection.execute(query)}


def _fit(
    base: str, labels: tuple[str, ...], known: dict[str, set[tuple[str, ...]]]
) -> tuple[str, ...]:
    if base not in known:
        return labels
    measure, sets = _BOUNDED[base], known[base]
    width = len(measure.labels)
    own, bound = labels[:width], labels[width:]
    if own not in sets and len(sets) >= measure.most:
        return (own[0], *[OTHER] * (width - 1), *bound)
    sets.add(own)
    return labels
