"""What evaluations promise."""

from typing import Final

from tests.promises import Requirement

_EVALS: Final = "Evaluations"
_PRODUCTION: Final = "Evaluations: from production"

PROMISES: Final[dict[str, Requirement]] = {
    "C6.4:caught": Requirement(
        "A prompt that was made worse is found worse, and the command fails.", _EVALS
    ),
    "C6.4:no-false-alarm": Requirement(
        "The same prompt, run again under other noise, raises no alarm.", _EVALS
    ),
    "C6.4:exact": Requirement(
        "Whether a score got worse is an exact test within each case, at any numbers of runs.",
        _EVALS,
    ),
    "C6.4:several": Requirement("Several scorers raise no more false alarms than one.", _EVALS),
    "C6.4:cases": Requirement(
        "Every evaluated agent has at least twenty cases, hard and hostile ones among them.",
        _EVALS,
    ),
    "C6.4:stubbed": Requirement(
        "A case changes nothing outside its own folder: a write runs there, or is told done.",
        _EVALS,
    ),
    "C6.4:answers": Requirement(
        "Who is asked in a case answers as it declares, and no where it declares nothing.", _EVALS
    ),
    "C6.4:noise": Requirement(
        "The offline model's slips hang on the seed, and keep the form of a reply.", _EVALS
    ),
    "C6.4:agreement": Requirement(
        "How far the judge agrees with a person is said with its interval.", _EVALS
    ),
    "C6.4:add": Requirement(
        "A corrected run becomes a case that holds the agent to the correction.", _PRODUCTION
    ),
    "C6.4:warned": Requirement("Personal data in a case is named and left as it is.", _PRODUCTION),
    "C6.4:fork": Requirement(
        "Past runs go on behind a step with another prompt, without an effect, and the "
        "difference in score, cost and time is shown.",
        _PRODUCTION,
    ),
}
