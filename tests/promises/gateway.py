"""What the model gateway promises: which model is asked, at whose expense, and when none is."""

from typing import Final

from tests.promises import Requirement

_PAGE: Final = "docs/gateway.md"

PROMISES: Final[dict[str, Requirement]] = {
    "C5.5:by-purpose": Requirement(
        "Checks, parsing, classification and summaries go to the small model.", _PAGE
    ),
    "C5.5:by-budget": Requirement(
        "Under a declared share of the budget the small route takes over.", _PAGE
    ),
    "C5.5:names": Requirement(
        "A named route is what the operator set when the run began, and stays that.", _PAGE
    ),
    "C5.5:private": Requirement(
        "A private agent's data goes to the local endpoint only, whoever asks for it.", _PAGE
    ),
    "C5.5:fallback": Requirement(
        "A run whose provider fails goes on with the next, with its transcript whole.", _PAGE
    ),
    "C5.5:fallback-at-once": Requirement(
        "A refused key or a used-up quota is not tried again; an outage is, a few times.", _PAGE
    ),
    "C5.5:back": Requirement(
        "A provider that was left is asked again after a while, with one attempt.", _PAGE
    ),
    "C5.5:cache-on": Requirement(
        "With the cache on, the same prompt is bought once, and says when it was not bought.", _PAGE
    ),
    "C5.5:cache-off": Requirement("With the cache off, each prompt is bought.", _PAGE),
    "C5.5:tenant-cap": Requirement(
        "A tenant's cap is not exceeded, however many calls are made at once.", _PAGE
    ),
    "C5.5:tenant-cap-stops": Requirement(
        "A run whose tenant has reached its cap stops, and goes on after it was raised.", _PAGE
    ),
}
