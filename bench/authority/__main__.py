"""`python -m bench.authority`: who may signal, by the Temporal server's own authorisation.

A real server with deploy/temporal/authorization.yaml, a real worker that comes in with a key from a
file, a run that asks a person; then everybody tries everything.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.authority.attempts import DENIED, TRIES
from bench.authority.house import Found, look
from bench.authority.server import ServerMissing


def _table(found: Found) -> Table:
    table = Table("", *TRIES, box=None)
    for who, told in found.told.items():
        shown = ("[red]no[/]" if told[what] == DENIED else told[what] for what in TRIES)
        table.add_row(who, *("yes" if each == "allowed" else each for each in shown))
    return table


def main() -> int:
    """Print who was let do what; 0 if it is as docs/security.md says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="holdfast-authority-") as folder:
            found = asyncio.run(look(Path(folder)))
    except ServerMissing as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"told": found.told, "identity": found.identity, "by": found.by}))
    else:
        Console(width=140).print(_table(found))
        print(f"\nthe run asked a person; a writer approved: {found.outcome}")
        print(f"the signal's event names {found.identity!r}, which its sender chose")
        print(f"the decision is by {found.by!r}, which its sender chose")
        print(f"the report's page shows {' and '.join(found.shown) or 'neither'}")
    return 0 if found.as_promised else 1


if __name__ == "__main__":
    sys.exit(main())
