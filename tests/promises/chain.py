"""What chains promise."""

from typing import Final

from tests.promises import Requirement

_PAGE: Final = "docs/chain.md"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.6:sequence": Requirement(
        "Steps run in order, each a run of its own with a typed answer; the last one's is the "
        "chain's.",
        _PAGE,
    ),
    "C4.6:declared-only": Requirement(
        "A step's model sees the fields that the step declares, and nothing else of the chain.",
        _PAGE,
    ),
    "C4.6:origin": Requirement(
        "A field comes from where the step says, else from the nearest step before that makes it.",
        _PAGE,
    ),
    "C4.6:shortened": Requirement(
        "A value that is longer than a step takes is cut, summarised or refused, as declared.",
        _PAGE,
    ),
    "C4.6:tokens": Requirement(
        "The result shows what was handed on against what was produced, in total and by step.",
        _PAGE,
    ),
    "C4.6:typed": Requirement(
        "What does not fit a step's schema never reaches its model; the chain names the step.",
        _PAGE,
    ),
    "C4.6:failed-step": Requirement(
        "A step that fails ends the chain with its outcome and its name; what is done is kept.",
        _PAGE,
    ),
    "C4.6:stopped-step": Requirement(
        "A step that waits for a person makes the chain wait, and then it goes on.", _PAGE
    ),
    "C4.6:refused": Requirement(
        "A chain that could not be run to its end is refused before anything is paid for.", _PAGE
    ),
    "C4.6:own-agent": Requirement(
        "A step may be any agent; it answers by the step's schema.", _PAGE
    ),
    "C4.6:budget": Requirement(
        "All steps together stay within the chain's budget; without room a step is not begun.",
        _PAGE,
    ),
    "C4.6:cancelled": Requirement("Cancelling a chain cancels the step under way.", _PAGE),
    "C4.6:continued": Requirement(
        "A long chain continues as new between steps, and repeats none.", _PAGE
    ),
    "C4.6:crash": Requirement(
        "A killed worker costs a chain nothing that a model has answered.", _PAGE
    ),
}
