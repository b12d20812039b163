"""What is promised of guardrails."""

from tests.promises import Requirement

PROMISES: dict[str, Requirement] = {
    "C5.3:taint": Requirement(
        "After strangers' words were read a write needs a person, whatever stands.", "Guardrails"
    ),
    "C5.3:taint-carried": Requirement(
        "A taint goes down to sub-agents, comes back up, and outlives hand-off and fork.",
        "Guardrails",
    ),
    "C5.3:taint-continued": Requirement("A taint outlives a continue-as-new.", "Guardrails"),
    "C5.3:taint-closed": Requirement(
        "What is not declared counts as strangers', and so do their tools' failures.", "Guardrails"
    ),
    "C5.3:taint-allowed": Requirement(
        "A write that the author has named goes on as declared.", "Guardrails"
    ),
    "C5.3:marked": Requirement(
        "Strangers' words stand in a mark that they cannot close.", "Guardrails"
    ),
    "C5.3:injection": Requirement(
        "A result that addresses the model is withheld or warned of, and taints the run.",
        "Guardrails",
    ),
    "C5.3:intake": Requirement(
        "A task out of scope or size, or of another's identifiers, does not begin.", "Guardrails"
    ),
    "C5.3:identifiers": Requirement(
        "A call that touches what the requester may not is refused.", "Guardrails"
    ),
    "C5.3:arguments": Requirement(
        "Arguments keep the declared rules, a person's too.", "Guardrails"
    ),
    "C5.3:privilege": Requirement(
        "A tenant's run is neither offered nor let use what a file does not leave it.", "Guardrails"
    ),
    "C5.3:spills": Requirement(
        "Secrets and personal data are redacted, refused or asked about.", "Guardrails"
    ),
    "C5.3:told": Requirement(
        "A refusal is told in a form, counted, and in the result.", "Guardrails"
    ),
}
