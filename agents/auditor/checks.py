"""Rules over the auditor's answer, before anyone else looks at it; a sentence for each fault."""

import json
from collections.abc import Iterator, Sequence
from typing import cast

from agents.toolkit import AnswerToCheck
from domain.acting import CallMade
from domain.audit import AuditorAnswer


def verdict_fits_finding(checked: AnswerToCheck) -> Sequence[str]:
    """A finding is given exactly where the verdict says that there is one."""
    answer = _typed(checked)
    if answer.verdict == "finding" and answer.finding is None:
        return ["the verdict is 'finding' and there is none: give it, or answer 'no_finding'"]
    if answer.verdict == "no_finding" and answer.finding is not None:
        return ["the verdict is 'no_finding' and one is given: set finding to null"]
    return []


def evidence_was_queried(checked: AnswerToCheck) -> Sequence[str]:
    """Every piece of evidence is a query that this run made, and a finding has some."""
    answer = _typed(checked)
    made = set(_queries(checked.made))
    wrong = [
        f"evidence {sql[:80]!r} was not queried in this run: copy a tool result's 'query'"
        for sql in answer.evidence
        if sql not in made
    ]
    if answer.verdict == "finding" and not answer.evidence:
        wrong.append("a finding needs evidence: copy the 'query' of the results it rests on")
    return wrong


def balance_was_checked(checked: AnswerToCheck) -> Sequence[str]:
    """A finding is reported only after its account's balance was checked on its day."""
    finding = _typed(checked).finding
    if finding is None:
        return []
    wanted = {"account_id": finding.account_id, "day": finding.date.isoformat()}
    if any(call.tool == "check_balance" and call.arguments == wanted for call in checked.made):
        return []
    name = repr(finding.account_id)
    return [f"call check_balance for account {name} and {finding.date} before reporting"]


def booking_was_seen(checked: AnswerToCheck) -> Sequence[str]:
    """The finding names a booking, and an account, that a tool has shown."""
    finding = _typed(checked).finding
    if finding is None:
        return []
    shown = [
        call
        for call in checked.made
        if call.arguments.get("account_id") == finding.account_id
        and json.dumps(finding.trans_id, ensure_ascii=False) in call.text
    ]
    if shown or any(call.tool == "ledger_query" and finding.trans_id in call.text
                    for call in checked.made):  # fmt: skip
        return []
    named = f"transaction {finding.trans_id!r} of account {finding.account_id!r}"
    return [f"no result of this run shows {named}: report a booking that you have seen"]


CHECKS = (verdict_fits_finding, evidence_was_queried, balance_was_checked, booking_was_seen)


def _typed(checked: AnswerToCheck) -> AuditorAnswer:
    return AuditorAnswer.model_validate(checked.answer)


def _queries(made: Sequence[CallMade]) -> Iterator[str]:
    for call in made:
        try:
            result = json.loads(call.text)
        except ValueError:
            continue  # an error told in words has no query
        if isinstance(result, dict):
            query = cast("dict[str, object]", result).get("query")
            if isinstance(query, str):
                yield query
