"""One worker process: serves task queues until SIGTERM, then lets what runs finish."""

import argparse
import asyncio
import gc
import sys

# What is imported below lives as long as the process: walking it again and again while it grows
# costs a sixth of the start, which whoever waits for a killed worker's runs waits for too.
# `serve` turns the collector on again.
gc.disable()

from activities.guarding.redacting import redactor
from agents.reading.lent import citing
from agents.registry import agents
from commands.service import compose
from runtime.lent_tools import lent
from runtime.looking import looked_at
from runtime.process import STARTUP_ERRORS, process
from runtime.serving import serve
from runtime.settings import Settings
from runtime.sweeping import sweeping


async def main(queues: str) -> None:
    """Serve `queues` until SIGTERM or SIGINT."""
    settings = Settings.load()
    opened = process(settings, redactor(settings.secrets()))
    async with opened as own, lent(own.settings, agents()) as served:
        service = compose(own.settings, own.database, own.offline_url, citing(served), queues)
        service = looked_at(service, own.database, own.client, own.settings.task_queue)
        async with sweeping(own.settings, own.database, own.client):
            await serve(own.client, own.settings, service, own.sdk_metrics)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--queues",
        default="",
        help="comma-separated task queues, each with an optional limit of activities a second: "
        "holdfast,llm.openai=5 (default: holdfast and every rate-limited tool's)",
    )
    try:
        asyncio.run(main(parser.parse_args().queues))
    except STARTUP_ERRORS as error:
        sys.exit(f"worker: {error}")
