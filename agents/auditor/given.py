"""The ledger that a run was given, opened for a tool; without it there is nothing to explain."""

import json
import sqlite3

from agents.auditor.columns import LedgerError
from agents.auditor.ledger import connect
from agents.toolkit import ToolContext, ToolError, ToolUnavailableError


def ledger_of(context: ToolContext) -> str:
    """Return where the run's snapshot is.

    Raises:
        ToolError: The run has none.
    """
    path = context.data.get("ledger", "")
    if not path:
        raise ToolError("this run was started without a ledger: give it as data 'ledger'")
    return path


def opened(path: str) -> sqlite3.Connection:
    """Open a snapshot for reading.

    Raises:
        ToolUnavailableError: It is gone.
    """
    try:
        return connect(path)
    except LedgerError as error:
        # Not for the model to explain away: without its ledger the run stops for a person.
        raise ToolUnavailableError(str(error)) from None


def nothing(connection: sqlite3.Connection, account_id: str, when: str) -> str:
    """Return why no booking of an account was found."""
    first, last = connection.execute(
        "SELECT min(date), max(date) FROM transactions WHERE account_id = ?", (account_id,)
    ).fetchone()
    if first is None:
        return f"the ledger has no account {json.dumps(account_id)}; check its id"
    return f"account {account_id} has no booking {when}; it has some from {first} to {last}"
