"""What the numbers promise."""

from typing import Final

from tests.promises import Requirement

_IN: Final = "Metrics"

PROMISES: Final[dict[str, Requirement]] = {
    "C6.2:people": Requirement(
        "What a run wanted of people is counted by kind, over continue-as-new, and timed.", _IN
    ),
    "C6.2:since": Requirement("Waits can be listed by their age without asking any run.", _IN),
    "C6.2:amounts": Requirement("What a closed run adds follows from its report alone.", _IN),
    "C6.2:bounded": Requirement(
        "A label's values are few, whatever runs are asked and answer.", _IN
    ),
    "C6.2:whole": Requirement("Amounts are whole units, and every bucket is a bound.", _IN),
}
