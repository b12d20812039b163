"""The stand-in's rules for verifying: a claim must say word for word what a quotation says.

It knows no synonyms, so it takes out what a language model would let pass, and lets nothing pass
that says more than the passage.
"""

from typing import Any, cast

from agents.offline import Conversation, Reply, answer
from agents.reading.standin import told
from agents.reading.words import denials, numbers, words


def reply(conversation: Conversation) -> Reply:
    """Compare the claim with each quotation, and with all of them together."""
    task = told(conversation.task)
    claim = str(task.get("claim", ""))
    passages = cast("list[dict[str, Any]]", task.get("passages") or [])
    quotes = [str(quote) for passage in passages for quote in passage.get("quotes", [])]
    said = [_judged(claim, quote) for quote in (*quotes, " ".join(quotes))] or ["nothing is quoted"]
    if "" in said:
        return _answered(supported=True, reason="the quotation says the same in the same words")
    return _answered(supported=False, reason=said[0])


def _judged(claim: str, quote: str) -> str:
    """Return what speaks against the claim, nothing where the quotation says the same."""
    there = iter(words(quote))
    astray = next((word for word in words(claim) if word not in there), "")
    if astray:
        return f"the quotation does not say {astray!r} there"
    if numbers(claim) != numbers(quote) & numbers(claim):
        return "the numbers differ"
    if denials(claim) != denials(quote):
        return "one of the two denies what the other does not"
    return "" if words(claim) else "the claim says nothing"


def _answered(*, supported: bool, reason: str) -> Reply:
    opinion: dict[str, Any] = {"supported": supported, "reason": reason}
    return answer(opinion)
