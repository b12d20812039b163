"""What keeps runs, people's data and secrets from whom they do not concern."""

from typing import Final

from tests.promises import Requirement

_PAGE: Final = "docs/security.md"

PROMISES: Final[dict[str, Requirement]] = {
    "C6.7:roles": Requirement("Each role opens its own routes and no others.", _PAGE),
    "C6.7:tokens-keep": Requirement("A token of before keeps what it could do.", _PAGE),
    "C6.7:four-eyes": Requirement(
        "Who asked for a run, or for one above it, does not answer what it asks.", _PAGE
    ),
    "C6.7:four-eyes-policy": Requirement(
        "An agent can demand a second person at every door, and a name with it.", _PAGE
    ),
    "C6.7:operate": Requirement(
        "An operator halts what is the tenant's, the fleet's everything; each act has a name.",
        _PAGE,
    ),
    "C6.7:operate-apart": Requirement(
        "A tenant's operator reaches nothing of others, and lifts nothing that others placed.",
        _PAGE,
    ),
    "C6.7:cancel-own": Requirement("A starter ends what it has started, and no more.", _PAGE),
    "C6.7:redacted": Requirement(
        "Personal data and secrets are out of every line of the log; ids and hashes stay whole.",
        _PAGE,
    ),
    "C6.7:redacting-bounded": Requirement("What a line costs has an end.", _PAGE),
    "C6.7:secret-files": Requirement("A secret can be a file's, named by a variable.", _PAGE),
    "C6.7:no-inline-secrets": Requirement(
        "A committed file that holds a secret is refused.", _PAGE
    ),
    "C6.7:canaries": Requirement(
        "A secret of the settings is in no history, database, log, report, metric or span.", _PAGE
    ),
    "C6.7:server-authorises": Requirement(
        "The Temporal server lets writers signal and readers look, by their signed names.", _PAGE
    ),
    "C6.7:http-hardened": Requirement(
        "What comes in over HTTP is bounded, and told without being believed.", _PAGE
    ),
}
