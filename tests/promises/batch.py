"""What a batch promises."""

from typing import Final

from tests.promises import Requirement

_SOURCE = "Batch"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.4:merged": Requirement(
        "Every document becomes a row of one typed result, each field with its quote.", _SOURCE
    ),
    "C4.4:isolated": Requirement(
        "What is in one document is in no other document's model call.", _SOURCE
    ),
    "C4.4:partial": Requirement(
        "A document that nothing comes of is named with the reason; the others are kept.", _SOURCE
    ),
    "C4.4:same-name": Requirement(
        "Documents of one name in several folders are several documents.", _SOURCE
    ),
    "C4.4:vanished": Requirement(
        "A document that vanishes between listing and reading is named.", _SOURCE
    ),
    "C4.4:refused": Requirement(
        "An empty folder, and a schema that is none, are refused with what is wrong, and kept.",
        _SOURCE,
    ),
    "C4.4:quote": Requirement(
        "A quote that the document does not have puts its field before a person.", _SOURCE
    ),
    "C4.4:confidence": Requirement(
        "Fields under the threshold are put before a person, in one question for a page of "
        "documents, and keep no document waiting.",
        _SOURCE,
    ),
    "C4.4:modify": Requirement(
        "A person's values are checked by the schema, and count in place of the model's.", _SOURCE
    ),
    "C4.4:reject": Requirement("Rejected fields stay empty; silence means the same.", _SOURCE),
    "C4.4:dry-run": Requirement(
        "A dry run asks nobody and says what it would have asked.", _SOURCE
    ),
    "C4.4:synthesis": Requirement(
        "A synthesis names documents whose rows it has read, or is not accepted.", _SOURCE
    ),
    "C4.4:resume": Requirement(
        "Going on buys what failed again, and nothing that was finished.", _SOURCE
    ),
    "C4.4:again": Requirement("A batch that starts anew takes over nothing.", _SOURCE),
    "C4.4:continued": Requirement(
        "A long batch continues as new with numbers, every document accounted for.", _SOURCE
    ),
    "C4.4:budget": Requirement(
        "A budget without room ends the batch as limited; what is left is counted.", _SOURCE
    ),
    "C4.4:patience": Requirement(
        "A document whose run stands still for too long is given up and named.", _SOURCE
    ),
    "C4.4:cancelled": Requirement(
        "A cancelled batch keeps what was found, and its documents' runs end.", _SOURCE
    ),
    "C4.4:paged": Requirement(
        "A long document is read to its end page by page, and crosses a history once.", _SOURCE
    ),
    "C4.4:form": Requirement("A form is a JSON Schema of an object with fields.", _SOURCE),
    "C4.4:summary": Requirement("Each field is summed up by its type, exactly.", _SOURCE),
}
