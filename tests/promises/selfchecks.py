"""What self-checks promise."""

from typing import Final

from tests.promises import Requirement

_SOURCE: Final = "Self-checks"

PROMISES: Final[dict[str, Requirement]] = {
    "C5.2:critic-write": Requirement(
        "A critic sees a write before it runs; its reasons go to the model as a refusal.", _SOURCE
    ),
    "C5.2:critic-answer": Requirement(
        "A critic sees the answer before the run ends with it.", _SOURCE
    ),
    "C5.2:critic-person": Requirement(
        "After so many refinements a person decides, with the critic's reasons.", _SOURCE
    ),
    "C5.2:critic-approval": Requirement(
        "A critic's accept takes no question from a person.", _SOURCE
    ),
    "C5.2:critic-of-people": Requirement(
        "A critic is not asked of what a person changed.", _SOURCE
    ),
    "C5.2:critic-silent": Requirement(
        "A critic that is down, cut or not understood means what its policy says, and no wedge.",
        _SOURCE,
    ),
    "C5.2:critic-data": Requirement(
        "What a critic is shown of tools stands in marks that it cannot close.", _SOURCE
    ),
    "C5.2:claims-unseen": Requirement(
        "Who answers a claim's question sees neither the claim nor the answer.", _SOURCE
    ),
    "C5.2:claims-leading": Requirement(
        "A question that gives its claim away is not asked, and its claim is not verified.", _SOURCE
    ),
    "C5.2:claims-covered": Requirement(
        "A part of an answer that no claim covers does not pass unseen.", _SOURCE
    ),
    "C5.2:claims-compared": Requirement(
        "Rules compare a claim with what was found, and no model can sway them.", _SOURCE
    ),
    "C5.2:claims-drop": Requirement(
        "Items whose claims do not hold are taken out where the policy says so.", _SOURCE
    ),
    "C5.2:claims-back": Requirement(
        "Other claims go back with the reason, then before a person.", _SOURCE
    ),
    "C5.2:claims-lookup": Requirement(
        "Claims can be looked up by read tools, asked by who has not seen them.", _SOURCE
    ),
    "C5.2:claims-without": Requirement(
        "An answer that cannot be verified means what the policy says.", _SOURCE
    ),
    "C5.2:second-check": Requirement(
        "A second check refuses an irreversible call before a person is asked.", _SOURCE
    ),
    "C5.2:second-modified": Requirement(
        "A second check also looks at what a person made of the arguments.", _SOURCE
    ),
    "C5.2:second-effect": Requirement(
        "A second check looks once more right before the effect.", _SOURCE
    ),
    "C5.2:second-broken": Requirement(
        "A second check that breaks, or is not deployed, refuses.", _SOURCE
    ),
    "C5.2:phase-checked": Requirement(
        "A phase's rules hold before a tool of the next one runs.", _SOURCE
    ),
    "C5.2:phase-person": Requirement(
        "A phase that does not end goes before a person, who may let the run go on.", _SOURCE
    ),
    "C5.2:phase-back": Requirement("A phase that is gone back to is checked again.", _SOURCE),
    "C5.2:ladder": Requirement(
        "A refused answer goes back, then to a larger model with the conversation, then a person.",
        _SOURCE,
    ),
    "C5.2:declared": Requirement(
        "A declaration that would check nothing is refused when the agent is loaded.", _SOURCE
    ),
    "C5.2:account": Requirement(
        "What was checked is in the run's result, and its counts survive continue-as-new.", _SOURCE
    ),
}
