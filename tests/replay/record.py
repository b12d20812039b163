"""Records the histories that `test_replay.py` replays: `make histories`.

Each case is a run of the code as it is. A change of behaviour goes through `workflow.patched` and
gains a case of its own; the old files stay, since such runs may be under way.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from runtime import server_binary
from runtime.database import Database
from runtime.devserver import SERVER_FLAGS
from runtime.settings import Settings
from runtime.storage import data_converter
from tests.replay.cases import cases
from tests.replay.scrub import impersonal
from tests.workflows.stage import Stage

HERE = Path(__file__).parent
_EARLY = ("--dynamic-config-value=limit.historyCount.suggestContinueAsNew=60",)


async def record(names: list[str]) -> None:
    """Run each case and write its history; those called `continued` continue as new early."""
    early = [name for name in names if "continued" in name]
    for some, flags in (([n for n in names if n not in early], ()), (early, _EARLY)):
        if some:
            await _record(some, flags)


async def _record(names: list[str], flags: Sequence[str]) -> None:
    """Run cases on a server of their own."""
    with TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/holdfast.db")
        await database.migrate()
        server = await WorkflowEnvironment.start_local(
            dev_server_existing_path=str(server_binary.install(Settings.load())),
            dev_server_extra_args=[*SERVER_FLAGS, *flags],
            dev_server_log_level="error",
        )
        address = server.client.service_client.config.target_host
        client = await Client.connect(address, data_converter=data_converter(database))
        for name in names:
            stage = Stage(client, database, f"record-{uuid4().hex}", cached=100)
            handle = await cases()[name](stage)
            await stage.closed(handle)
            history = await handle.fetch_history()
            workflow, _, rest = name.partition("_")
            path = HERE / workflow / f"{rest}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(impersonal(history.to_json()) + "\n", encoding="utf-8")
            await stage.stop()
            sys.stdout.write(f"{name}: {len(history.events)} events\n")
        await server.shutdown()
        await database.close()


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or list(cases())))
