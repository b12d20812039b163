"""What looking at runs promises: pages, comparisons, the live table, the audit log."""

from typing import Final

from tests.promises import Requirement

_PAGE: Final = "See it: a run to look at"
_LOG: Final = "Security: signed audit export"

PROMISES: Final[dict[str, Requirement]] = {
    "C6.3:page-every": Requirement("A run of any workflow has a page of its own.", _PAGE),
    "C6.3:page-safe": Requirement(
        "A page loads nothing, runs nothing, and foreign text in it stays text.", _PAGE
    ),
    "C6.3:page-time": Requirement(
        "The picture of a run's time has every model call, tool, wait and run below it.", _PAGE
    ),
    "C6.3:page-long": Requirement(
        "A run of five hundred turns has a page of less than three megabytes.", _PAGE
    ),
    "C6.3:page-who": Requirement(
        "A decision stands beside the client that the server saw sending it.", _PAGE
    ),
    "C6.3:page-stand-in": Requirement(
        "A page says that the offline stand-in answered, of the run or of one below.", _PAGE
    ),
    "C6.3:page-browser": Requirement(
        "A page fits a phone, and what is folded opens by keyboard.", _PAGE
    ),
    "C6.3:compare": Requirement(
        "Two runs are aligned from what they have in common, and where they part is said.", _PAGE
    ),
    "C6.3:top": Requirement(
        "What wants a person comes first, the longest waiting of it at the top.", _PAGE
    ),
    "C6.3:top-bounded": Requirement(
        "However many runs there are, only those that are shown are asked.", _PAGE
    ),
    "C6.3:log-tamper": Requirement(
        "A line that was altered, removed, moved, repeated or put in is named.", _LOG
    ),
    "C6.3:log-key": Requirement("A log that another key signed is not ours.", _LOG),
    "C6.3:log-whole": Requirement(
        "Who started, asked, decided, did and stopped what is in the log, and what could not "
        "be told as well.",
        _LOG,
    ),
    "C6.3:operations": Requirement(
        "Who changed a cap, a token, a breaker or a letter is kept, also once it is undone.", _LOG
    ),
}
