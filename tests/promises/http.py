"""What the HTTP service promises."""

from typing import Final

from tests.promises import Requirement

_PAGE: Final = "docs/http.md"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.9:key-is-one-run": Requirement(
        "An idempotency key is one run, however many copies are asked for it at once.", _PAGE
    ),
    "C4.9:key-other-input": Requirement(
        "A key that is used for another input is refused, and says so.", _PAGE
    ),
    "C4.9:tenants-apart": Requirement(
        "A token sees its tenant's runs; another's are not there.", _PAGE
    ),
    "C4.9:start-without-worker": Requirement("A start needs no worker; the run waits.", _PAGE),
    "C4.9:outlives-history": Requirement(
        "A run whose history is gone is known by what the database has kept.", _PAGE
    ),
    "C4.9:input-is-strict": Requirement(
        "An input is held to its schema, and cannot say who asks or with what past.", _PAGE
    ),
    "C4.9:scopes": Requirement("A token does what its scopes name and nothing else.", _PAGE),
    "C4.9:cancel": Requirement("A run can be asked to end.", _PAGE),
    "C4.9:list": Requirement("Runs are listed in pages, newest first.", _PAGE),
    "C4.9:asked-here-answered-there": Requirement(
        "A question asked through one copy is answered through another.", _PAGE
    ),
    "C4.9:approver-is-the-token": Requirement(
        "Who decides is the token's name, whatever the body says.", _PAGE
    ),
    "C4.9:answer-counts-or-says-why": Requirement(
        "An answer that cannot count is told why, and changes nothing.", _PAGE
    ),
    "C4.9:stops": Requirement("A stopped run is listed, and answered.", _PAGE),
    "C4.9:events": Requirement("A run's events stream from its start to its end.", _PAGE),
    "C4.9:events-resume": Requirement(
        "A stream that was cut goes on after the last event, at any copy.", _PAGE
    ),
    "C4.9:events-live": Requirement(
        "Events come as they happen, and a comment where none do.", _PAGE
    ),
    "C4.9:webhook-starts": Requirement("A signed delivery starts a run, once.", _PAGE),
    "C4.9:webhook-refused": Requirement(
        "A delivery that is unsigned, forged, old or unknown is told 401 and no more.", _PAGE
    ),
    "C4.9:webhook-config": Requirement(
        "A webhook that cannot be served is refused when the service starts.", _PAGE
    ),
    "C4.9:tokens": Requirement(
        "A token is kept as its hash, and ends when it is revoked or expires.", _PAGE
    ),
    "C4.9:bad-input": Requirement(
        "What cannot be read is told as a problem that names the field.", _PAGE
    ),
    "C4.9:document": Requirement("The OpenAPI document is what the service does.", _PAGE),
    "C4.9:registry": Requirement("A new workflow can be started without being listed.", _PAGE),
}
