"""What is promised of long-term memory."""

from tests.promises import Requirement

PROMISES: dict[str, Requirement] = {
    "C5.1:scope": Requirement("Nothing is remembered across tenants or agents.", "Memory"),
    "C5.1:search": Requirement("Two that fit are recalled, ten that do not are not.", "Memory"),
    "C5.1:episodes": Requirement(
        "A run leaves its record, and the next like it is told, success and failure apart.",
        "Memory",
    ),
    "C5.1:preferences": Requirement("What a requester prefers is kept and recalled.", "Memory"),
    "C5.1:remember": Requirement("A fact is remembered with its source.", "Memory"),
    "C5.1:off": Requirement("A run without memory does nothing for it.", "Memory"),
    "C5.1:unreachable": Requirement("A memory that cannot be reached stops no run.", "Memory"),
    "C5.1:forget": Requirement("What is forgotten is gone, from the indexes too.", "Memory"),
    "C5.1:retention": Requirement("Nothing is kept longer than was said.", "Memory"),
    "C5.1:artifact-in-use": Requirement("An artifact stays while a run uses it.", "Memory"),
}
