"""What tools under stress promise."""

from typing import Final

from tests.promises import Requirement

_IN: Final = "Tools under stress"

PROMISES: Final[dict[str, Requirement]] = {
    "C5.4:opens": Requirement(
        "A breaker opens at its number of failures, if they are its share of the attempts.", _IN
    ),
    "C5.4:window": Requirement("Failures count for their window, and no longer.", _IN),
    "C5.4:probe": Requirement(
        "An open breaker lets one attempt through an interval; its answer closes it.", _IN
    ),
    "C5.4:shared": Requirement(
        "Of all workers that ask an open breaker whether they may look, one may.", _IN
    ),
    "C5.4:lost-update": Requirement("Workers that fail at once are all counted.", _IN),
    "C5.4:fails-at-once": Requirement(
        "Once it is open no attempt reaches the tool, from whatever run.", _IN
    ),
    "C5.4:fallback": Requirement(
        "A tool that is down is a flagged gap, another tool or a stop, as it declares.", _IN
    ),
    "C5.4:no-doubt": Requirement(
        "A write that an open breaker holds back is not in doubt; one that may have happened is.",
        _IN,
    ),
    "C5.4:availability": Requirement(
        "Only a tool that is not there opens its breaker; one that refuses does not.", _IN
    ),
    "C5.4:pause": Requirement("A provider's retry-after holds for all runs of all workers.", _IN),
    "C5.4:pause-free": Requirement(
        "A pause uses up no attempts, and no more than the wall clock.", _IN
    ),
    "C5.4:pause-elsewhere": Requirement(
        "Where another model is there, a long pause is not waited for.", _IN
    ),
    "C5.4:cascade": Requirement(
        "A run whose attempts keep failing stands still, and goes on when told.", _IN
    ),
    "C5.4:kinds": Requirement("A tool may take as long as its kind, and is told so.", _IN),
    "C5.4:jitter": Requirement("Retries are put off by chance, and for as long as asked.", _IN),
    "C5.4:windows": Requirement("The measurement of limits sees the fullest window.", _IN),
    "C5.4:command": Requirement("What is held back can be listed, and let through.", _IN),
    "C5.4:not-asked": Requirement(
        "Where the database cannot be asked nothing is sent, and nothing in doubt.", _IN
    ),
}
