"""What is promised of rules over a run's history, of loops, and near a limit."""

from typing import Final

from tests.promises import Requirement

_RULES: Final = "Guardrails"
_LOOPS: Final = "Loops and runaways"

PROMISES: Final = {
    "C5.3:rules": Requirement("Rules over the run's history bind its calls.", _RULES),
    "C5.3:rules-hold": Requirement(
        "Each rule holds through continue-as-new, resume and fork.", _RULES
    ),
    "C5.3:rules-not-done": Requirement("What did not run does not count as done.", _RULES),
    "C5.3:rules-in-doubt": Requirement("What may have happened counts.", _RULES),
    "C5.3:rules-one-turn": Requirement("Calls of one turn count in their order.", _RULES),
    "C5.3:rules-modified": Requirement("What a person made of a call counts.", _RULES),
    "C5.3:rules-below": Requirement("A maximum holds for the runs below too.", _RULES),
    "C5.3:rules-handed-on": Requirement("Rules outlive a hand-off.", _RULES),
    "C5.3:rules-refuse": Requirement(
        "What cannot be judged is refused, and wedges nothing.", _RULES
    ),
    "C5.3:rules-bounded": Requirement("The log does not grow with the turns.", _RULES),
    "C5.3:rules-at-start": Requirement("A rule that names nothing is an error at start.", _RULES),
    "C5.3:rules-ask": Requirement("A rule may leave the call to a person.", _RULES),
    "C5.6:found": Requirement("Circles are found, by their fourth round.", _LOOPS),
    "C5.6:honest": Requirement("Honest work is let be.", _LOOPS),
    "C5.6:ladder": Requirement("What is done about a circle is declared.", _LOOPS),
    "C5.6:as-before": Requirement("Runs from before the policy go on as they did.", _LOOPS),
    "C5.6:alert": Requirement("At 80 % of any budget somebody is told, once.", _LOOPS),
    "C5.6:near-limit": Requirement("What is declared follows at 80 %.", _LOOPS),
    "C5.6:granted": Requirement("A person may grant more, within reason.", _LOOPS),
}
