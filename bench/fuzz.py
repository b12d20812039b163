"""`python -m bench.fuzz`: the HTTP service against inputs made from its own OpenAPI document.

A real Temporal server and a real copy of the service, no worker: what starts does not run.
schemathesis makes what fits the document and what does not; every answer must be one that the
document has, and nothing may come in without a token.
"""

import argparse
import asyncio
import socket
import sys
import tempfile
from pathlib import Path
from typing import Final

from temporalio.testing import WorkflowEnvironment

from commands.http.app import build
from commands.http.service import Service
from commands.http.serving import server
from commands.session import Session
from domain.access import FLEET, ROLES, SCOPES
from runtime import server_binary
from runtime.database import Database
from runtime.devserver import SERVER_FLAGS
from runtime.search_attributes import ensure_search_attributes
from runtime.settings import Settings
from runtime.storage import data_converter
from runtime.tokens import Tokens

# Of valid input much is refused: what is named is not there, or is another tenant's. A 503 is in
# the document where no worker can answer; a 500 is nowhere in it.
_CHECKS: Final = (
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "ignored_auth",
    "unsupported_method",
    "missing_required_header",
)


async def _fuzzed(home: Path, options: argparse.Namespace) -> int:
    settings = Settings(home=home, metrics_port=0)
    database = Database(f"sqlite:///{home / 'holdfast.db'}")
    await database.migrate()
    environment = await WorkflowEnvironment.start_local(  # pyright: ignore[reportUnknownMemberType]
        dev_server_existing_path=str(server_binary.install(Settings.load())),
        dev_server_extra_args=list(SERVER_FLAGS),
        dev_server_log_level="error",
        data_converter=data_converter(database),
    )
    async with environment:
        await ensure_search_attributes(environment.client)
        service = Service(Session(settings, database, environment.client))
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        serving = server(build(service))
        task = asyncio.create_task(serving.serve(sockets=[listening]))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        worst = 0
        for tenant, scopes in (("fuzz", SCOPES), (FLEET, ROLES["operator"])):
            _, text = await Tokens(database).add(name="fuzz", tenant=tenant, scopes=scopes)
            worst = max(worst, await _run(address, text, options))
        service.stopping.set()
        serving.should_exit = True
        await task
    await database.close()
    return worst


async def _run(address: str, token: str, options: argparse.Namespace) -> int:
    program = str(Path(sys.executable).parent / "schemathesis")
    process = await asyncio.create_subprocess_exec(
        *(program, "run", f"{address}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}"),
        *("--checks", ",".join(_CHECKS), "--phases", "coverage,fuzzing"),
        *("--max-examples", str(options.examples), "--seed", str(options.seed)),
        *("--max-time", str(options.seconds), "--request-timeout", "75"),
        *("--continue-on-failure", "--no-color", "--warnings", "off"),
        # A stream ends with its run, and here none does.
        *("--generation-database", "none", "--exclude-path", "/v1/runs/{run_id}/events"),
    )
    return await process.wait()


def main() -> int:
    """Print what schemathesis found; 0: nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=20, help="an operation")
    parser.add_argument("--seconds", type=int, default=120, help="a token; there are two")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-fuzz-") as home:
        return asyncio.run(_fuzzed(Path(home), options))


if __name__ == "__main__":
    sys.exit(main())
