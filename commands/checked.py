"""What a run had checked of its own work, in lines for a person."""

from collections.abc import Iterator

from domain.selfcheck import SelfChecks

_THEN = {"on": "", "back": ", sent back", "person": ", a person was asked"}
_BECAME = {"back": "sent back", "dropped": "taken out", "person": "a person was asked"}
_WAY = {
    "coherent": "passed",
    "retry": "sent back",
    "skip": "a person let it go on",
    "unasked": "not asked about",
}


def told(checks: SelfChecks | None) -> list[str]:
    """Return what was found, one line each; what needs no reading is counted."""
    return list(_lines(checks)) if checks else []


def _lines(checks: SelfChecks) -> Iterator[str]:
    for review in checks.reviews:
        why = f": {review.reason}" if review.reason else ""
        verdict = "no verdict" if review.verdict == "none" else review.verdict
        yield f"critic on {review.of}: {verdict}{_THEN[review.then]}{why}"
    yield from _claims(checks)
    for check in checks.second:
        passed = f"refused: {check.refused}" if check.refused else "passed right before its effect"
        yield f"second check of {check.tool}: {passed}"
    for found in checks.checkpoints:
        why = f": {'; '.join(found.wrong)}" if found.wrong else ""
        yield f"phase {found.phase!r}: {_WAY[found.way]}{why}"
    if checks.escalated:
        yield f"a larger model was asked for {checks.escalated} of the answers"


def _claims(checks: SelfChecks) -> Iterator[str]:
    if checks.unverified:
        yield f"the answer was not verified: {checks.unverified}"
    held = [claim for claim in checks.claims if claim.finding == "supported"]
    if held:
        yield f"{len(held)} claims looked up and found to hold"
    for claim in checks.claims:
        if claim.finding != "supported":
            became = _BECAME.get(claim.then, "stands")
            yield f"claim {claim.claim!r} {claim.finding}, {became}: {claim.because}"
