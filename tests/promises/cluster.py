"""What holds on a cluster of one's own."""

from typing import Final

from tests.promises import Requirement

_PAGE: Final = "docs/cluster.md"

PROMISES: Final[dict[str, Requirement]] = {
    "C6.8:outage-waited": Requirement(
        "A step waits for a database that is restarted, instead of failing.", _PAGE
    ),
    "C6.8:broken-connection": Requirement(
        "A transaction whose connection breaks before its commit is made again.", _PAGE
    ),
    "C6.8:outage-bounded": Requirement(
        "Patience with a database that stays away ends; a command has none.", _PAGE
    ),
    "C6.8:reply-kept": Requirement(
        "A reply that was bought is not given up for books that cannot be written.", _PAGE
    ),
    "C6.8:server-files": Requirement(
        "The server's files are ones that the server takes, and each setting one that it knows.",
        _PAGE,
    ),
    "C6.8:recover": Requirement(
        "After an older backup closed runs get their summaries again, and open ones that lack "
        "something are named.",
        _PAGE,
    ),
    "C6.8:nothing-left": Requirement("A bench that is killed leaves no process behind.", _PAGE),
}
