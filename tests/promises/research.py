"""What a research promises."""

from typing import Final

from tests.promises import Requirement

_SECTION = "Research and report"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.2:plan": Requirement(
        "A supervisor breaks the question into typed sub-tasks for specialists.", _SECTION
    ),
    "C4.2:plan-person": Requirement(
        "A plan that cannot be followed is put before a person, who may bring their own.", _SECTION
    ),
    "C4.2:retry": Requirement("A specialist that failed is tried again.", _SECTION),
    "C4.2:reassign": Requirement("What one specialist fails at goes to another.", _SECTION),
    "C4.2:ask": Requirement("Where no specialist helps, a person decides.", _SECTION),
    "C4.2:decisions": Requirement(
        "What was decided on a failure is typed, in the history and in the result.", _SECTION
    ),
    "C4.2:silence": Requirement("Silence leaves the part out and says so.", _SECTION),
    "C4.2:report": Requirement(
        "Every claim of the report is cited, and every citation resolves.", _SECTION
    ),
    "C4.2:invented": Requirement(
        "Of 20 invented claims 20 are removed and listed with why; the true ones stay.", _SECTION
    ),
    "C4.2:rules": Requirement(
        "A claim passes rules that no model can influence, whatever the verifier says.", _SECTION
    ),
    "C4.2:verifier": Requirement("The verifier sees one claim and its passages only.", _SECTION),
    "C4.2:unjudged": Requirement("What could not be verified is not released.", _SECTION),
    "C4.2:injection": Requirement(
        "An instruction inside a document is not followed, nor handed on, nor evidence.", _SECTION
    ),
    "C4.2:isolation": Requirement(
        "A marker in one specialist's run is in no other's, but by the typed hand-off.", "isolation"
    ),
    "C4.2:empty-folder": Requirement(
        "A folder without documents is a refusal and a dead letter.", "Bad input"
    ),
    "C4.2:unread": Requirement(
        "A file that cannot be read is named, and the others are worked on.", "Bad input"
    ),
    "C4.2:bad-question": Requirement("A question that is none is refused.", "Bad input"),
    "C4.2:budget": Requirement("A research that runs out of budget says so.", _SECTION),
    "C4.2:cancel": Requirement("Cancelling a research cancels its specialists.", _SECTION),
    "C4.2:nothing-found": Requirement(
        "That the documents say nothing is a result, not an invention.", _SECTION
    ),
    "C4.2:web": Requirement("What a lent tool returns can be cited like a document.", _SECTION),
    "C4.2:files": Requirement("Text, Markdown, HTML and PDF are read.", _SECTION),
    "C4.2:index": Requirement(
        "The index finds passages alike on SQLite and PostgreSQL, of one run's own.", _SECTION
    ),
    "C4.2:page": Requirement("The report is one page that loads nothing.", _SECTION),
    "C4.2:crash": Requirement(
        "A worker killed in the middle repeats no answered model call.", _SECTION
    ),
    "C4.2:cli": Requirement("The command line says what is wrong before it starts.", _SECTION),
}
