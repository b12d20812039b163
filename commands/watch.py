"""`watch`: a run as it goes."""

from commands import console, options, reading, results
from commands.errors import Exit
from commands.following import Waits, follow, report_wait
from commands.session import session


async def watch(run_id: options.RunId, json: options.Json = False) -> Exit:
    """Watch a run until it ends: state, turn, tool, spend.

    On a terminal it stays while the run waits for a person. In a pipe, and with --json, it
    then ends with exit code 3.
    """
    async with session() as opened:
        found = await reading.described(opened, run_id)
        stay = console.err().is_terminal and not json
        came_to = await follow(opened, run_id, stay=stay, silent=json)
        if isinstance(came_to, Waits):
            if json:
                console.emit(results.waits_json(came_to))
            return report_wait(opened, came_to)
        return results.any_result(found.workflow_type, run_id, came_to, as_json=json)
