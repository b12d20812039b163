"""What holds attempts back in a worker, put together in the order in which it is asked."""

from activities.breaking import BreakerControl
from activities.controls import Controls
from activities.halts import HaltControl, Halts
from activities.pausing import PauseControl
from runtime.breakers import Breakers
from runtime.database import Database
from runtime.metrics import Meters
from runtime.pauses import Pauses


def controls(database: Database, halts: Halts, meters: Meters) -> Controls:
    """Return them. A breaker comes last: what it lets through to look is surely made."""
    holdups = meters.holdups
    return Controls(
        [
            HaltControl(halts),
            PauseControl(Pauses(database), on_pause=holdups.paused),
            BreakerControl(
                Breakers(database), on_change=holdups.changed, on_refusal=holdups.refused
            ),
        ]
    )


async def measure(database: Database, meters: Meters) -> None:
    """Show on the metrics page where breakers and pauses stand, for all workers."""
    pauses = await Pauses(database).under_way()
    meters.holdups.show(await Breakers(database).list(), pauses.values())
