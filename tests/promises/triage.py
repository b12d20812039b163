"""What triage and standing approvals promise."""

from typing import Final

from tests.promises import Requirement

_SOURCE = "Support triage"
_STANDING = "Standing approvals"

PROMISES: Final[dict[str, Requirement]] = {
    "C4.5:alone": Requirement(
        "A clear ticket is answered alone under a standing approval, once.", _SOURCE
    ),
    "C4.5:person": Requirement(
        "A ticket of low confidence, or unlike anything known, goes to a person; the others do "
        "not wait for it.",
        _SOURCE,
    ),
    "C4.5:changed": Requirement(
        "What a person changes is what is sent, and is known from then on.", _SOURCE
    ),
    "C4.5:offer": Requirement(
        "Without a standing approval a person is asked for one at the start, or for each reply.",
        _SOURCE,
    ),
    "C4.5:ids": Requirement(
        "A ticket without an id, or with one that was there before, is named and left out.",
        _SOURCE,
    ),
    "C4.5:input": Requirement(
        "A file that is no file of tickets is refused, and the message says what to do.", _SOURCE
    ),
    "C4.5:once": Requirement("A ticket is answered once, whatever runs and resumes try.", _SOURCE),
    "C4.5:account": Requirement("The account's facts reach the draft.", _SOURCE),
    "C4.5:confidence": Requirement(
        "Log probabilities say how confident the model was; its own word does where there are "
        "none.",
        _SOURCE,
    ),
    "C4.5:calibration": Requirement(
        "A claimed confidence counts for what reviews found such claims to be worth.", _SOURCE
    ),
    "C4.5:novelty": Requirement(
        "How like a ticket is to the known ones is found in the database.", _SOURCE
    ),
    "C4.5:sample": Requirement(
        "A day's sample has exactly its size, drawn by chance, however often it is drawn.",
        _SOURCE,
    ),
    "C4.5:review": Requirement(
        "A correction becomes an example and moves the error rate.", _SOURCE
    ),
    "C4.5:carried": Requirement(
        "A long triage continues as new while tickets wait for people.", _SOURCE
    ),
    "C4.5:cancel": Requirement("Cancelling a triage cancels its tickets.", _SOURCE),
    "C4.5:failed": Requirement(
        "A ticket that cannot be worked on is named, and the rest is kept.", _SOURCE
    ),
    "C4.5:budget": Requirement(
        "Without room for another ticket the triage ends with that outcome, the rest named.",
        _SOURCE,
    ),
    "C6:standing-once": Requirement(
        "A call takes one use, however often it is repeated, and no limit is ever passed.",
        _STANDING,
    ),
    "C6:standing-ends": Requirement(
        "A standing approval ends with its uses, its time, or a person's word.", _STANDING
    ),
    "C6:standing-withdrawn": Requirement(
        "It is withdrawn when the reviewed error rate passes its bound, not before the minimum "
        "of reviews.",
        _STANDING,
    ),
    "C6:standing-gate": Requirement(
        "At the gate it answers for a call of its tool, and is kept as the decision; other calls "
        "ask.",
        _STANDING,
    ),
}
