"""What the stand-ins of a research's specialists share: they pick sentences, and know nothing.

They see the bytes of a request as a language model does. A sentence is picked for the words that it
shares with the task, and stated as it stands, without its Markdown.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from agents.offline import Conversation
from agents.reading.words import flat, key_words, sentences, words

_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ITEM: Final = re.compile(r"^(?:[-*+>]|\d+\.)\s+")
_MARKS: Final = re.compile(r"\*\*|__|`|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)")
# What begins so leans on the sentence before it, and says nothing by itself.
_LEANING: Final = re.compile(
    r"(This|That|These|Those|They|It|He|She|We|Above|Below|Here|There|Such|Also|But|And|So|Or|Then|"
    r"However|Otherwise|Instead|After that|After this|When they|If it|If they|In this|In that)\b"
)
_SHORTEST, _LONGEST = 6, 60  # words of a sentence that can be quoted
_MOST_FOUND: Final = 12
_LEAST_SHARED: Final = 2
_CODE: Final = re.compile(r"^(\s{4,}|\t|```|\||#|<|\$ )|[{}=;]{2}|->|::")


def told(task: str) -> dict[str, Any]:
    """Return the task as the object that it is, nothing where it is none."""
    return json_in(task)


def json_in(text: str) -> dict[str, Any]:
    """Return the first JSON object of a text: a warning may stand before a result."""
    try:
        found, _ = json.JSONDecoder().raw_decode(text[max(text.find("{"), 0) :])
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def shown(conversation: Conversation) -> list[tuple[str, str]]:
    """Return id and text of the passages that tools have shown, each once."""
    found: dict[str, str] = {}
    for result in conversation.results:
        for passage in json_in(result.text).get("passages", []):
            found.setdefault(str(passage["passage"]), str(passage["text"]))
    return list(found.items())


def best_sentences(passages: Sequence[tuple[str, str]], wanted: str) -> list[dict[str, str]]:
    """Return the sentences that share most words with what is wanted, as citations."""
    looked_for = key_words(wanted)
    least = _LEAST_SHARED if len(looked_for) > _LEAST_SHARED else 1
    scored: list[tuple[float, int, str, str]] = []
    for number, (passage, text) in enumerate(passages):
        for sentence in _quotable(text):
            own = key_words(sentence)
            shared = len(looked_for & own)
            if shared >= least:
                scored.append((-shared - shared / (len(own) + 4), number, passage, sentence))
    best = sorted(scored)[:_MOST_FOUND]
    once = {
        flat(sentence): {"passage": passage, "quote": sentence} for *_, passage, sentence in best
    }
    return list(once.values())


def _quotable(text: str) -> Iterator[str]:
    """Yield the sentences of a text that stand by themselves: no headings, tables, code."""
    fenced = False
    for part in sentences(text):
        fenced ^= part.count("```") % 2 == 1
        said = _ITEM.sub("", part)
        if fenced or "```" in part or _CODE.search(part) or _LEANING.match(said):
            continue
        ends = said.rstrip("\"')*_`").endswith((".", "!", "?"))
        if ends and _SHORTEST <= len(words(said)) <= _LONGEST:
            yield said


def plain(quote: str) -> str:
    """Return what a quotation says, without its Markdown."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", quote)).split())


def quoted(task: dict[str, Any]) -> list[dict[str, str]]:
    """Return the quotations that a task hands on, each once."""
    evidence = cast("list[dict[str, Any]]", task.get("evidence") or [])
    found = [citation for each in evidence for citation in each.get("found", [])]
    return list({flat(str(each["quote"])): each for each in found}.values())


def as_claims(quotes: Sequence[dict[str, str]], wanted: str = "") -> list[dict[str, Any]]:
    """Return each quotation as a claim; those first that share most with what is wanted."""
    looked_for = key_words(wanted)
    ordered = sorted(quotes, key=lambda each: -len(looked_for & key_words(each["quote"])))
    return [{"text": plain(each["quote"])[:1_000], "citations": [each]} for each in ordered]


def gaps(task: dict[str, Any]) -> list[str]:
    """Return the gaps that were handed on."""
    handed = cast(
        "list[dict[str, Any]]", [*(task.get("evidence") or []), *(task.get("findings") or [])]
    )
    return list(dict.fromkeys(str(gap) for each in handed for gap in each.get("gaps", [])))[:10]


def draft(task: dict[str, Any]) -> dict[str, Any]:
    """Return the findings as a report: a section each, nothing twice."""
    seen: set[str] = set()
    sections: list[dict[str, Any]] = []
    for finding in cast("list[dict[str, Any]]", task.get("findings") or []):
        claims = [each for each in finding.get("claims", []) if flat(each["text"]) not in seen]
        seen |= {flat(each["text"]) for each in claims}
        if claims:
            sections.append({"heading": _heading(str(finding.get("about", ""))), "claims": claims})
    title = str(task.get("question", "")).strip()[:300] or "Report"
    return {"title": title, "sections": sections, "gaps": gaps(task)}


def _heading(about: str) -> str:
    text = " ".join(about.split()).strip(" ?.")[:120]
    return text[:1].upper() + text[1:] if text else "Findings"
