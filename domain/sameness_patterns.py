"""Patterns of what changes each time something is said, and of what kind of thing is said."""

import re
from typing import Final

CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
NOISE: Final = (
    r"ts|time|times?tamp|datetime|date|at|now|elapsed|duration|took|latency|uptime|ms|nonce|etag"
    r"|attempts?|retry|retries|pid|seq|iteration|served|generated|hits|ttl|expires?"
)
NOISY_KEY: Final = re.compile(
    rf"(?:^|_)(?:{NOISE})(?:_|$)"
    r"|(?:^|_)(?:request|req|trace|span|session|correlation|idempotency|call)(?:_?(?:id|key)|$)"
)
NOISY_ARGUMENT: Final = re.compile(
    r"^(?:_?ts|timestamp|now|nonce|attempts?|retry|retries|iteration|salt|cache_?bust(?:er)?|_t?"
    r"|(?:request|req|trace|span|correlation|idempotency)_?(?:id|key))$"
)
# How much is asked for, and how it is told: other values of these bring the same news.
KNOB: Final = re.compile(
    r"^(?:limit|top_?k|k|n|i|step|round|turn|try|max_?(?:results|items|tokens|rows)?|num_?results|page_?size|per_page"
    r"|count|timeout(?:_?m?s)?|verbose|format|pretty|detail(?:ed|s)?|fuzzy|exact|strict"
    r"|case_?sensitive|reason|rationale|thought|explanation|because|why)$"
)
# Which part of a list is asked for: where that is empty, the list has ended.
PLACE: Final = re.compile(
    r"^(?:page|offset|cursor|skip|start|after|before|(?:next_?|page_?)?(?:page_?)?token)"
    r"(?:_?(?:no|nr|number|index))?$"
)
PROPER: Final = re.compile(r"[A-Z][\w.'-]*(?: [A-Z][\w.'-]*){0,3}")
CLOCK: Final = re.compile(
    r"\b\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:z|[+-]\d\d:?\d\d)?"
    r"|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?\b|\b1[5-9]\d{8}(?:\d{3})?(?:\.\d+)?\b"
)
TIME: Final = re.compile(r"\b\d{1,2}:\d\d\b")
CODE: Final = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?:0x)?(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"
    r"|\b(?=[0-9a-z]*\d)(?=[0-9a-z]*[a-z])[0-9a-hjkmnp-tv-z]{26}\b"
)
NUMBERED: Final = re.compile(
    r"\b(request|req|trace|span|session|correlation|attempt|try|retry|pid|nonce|iteration|round"
    r"|cycle|poll)(?:[ _-]?(?:id|no|nr))?[\s:=#_-]{0,3}(?=[\w-]*\d)[\w-]+"
)
TOOK: Final = re.compile(
    r"\b(took|elapsed|in|after|for|duration|latency|waited|uptime)[\s:=]{0,2}"
    r"\d+(?:\.\d+)?\s?(?:ms|µs|us|s|secs?|seconds?|m|mins?|minutes?)\b"
    r"|\b\d+(?:\.\d+)?\s?(?:ms|µs)\b|\(\d+(?:\.\d+)?\s?s\)"
)
SEGMENT: Final = re.compile(r"[\n\r;!?]+|\.{2,}|\.(?=\s|$)")
WORD: Final = re.compile(r"[^\W_]+(?:[.,:/'-][^\W_]+)*%?|-?\d+(?:\.\d+)?%?")
TWICE: Final = re.compile(r"\b(\w+)(?: \1\b)+")
LONG_RUN: Final = re.compile(r"(.)\1{3,}")

CLEAN: Final = re.compile(
    r"\b(?:no|0|zero|without(?: any)?) (?:issues?|errors?|problems?|warnings?|violations?"
    r"|conflicts?|failures?|failed|defects?|vulnerabilit\w+)\b"
)
TRANSIENT: Final = re.compile(
    r"\b(?:time[ds]? ?out|unavailable|bad gateway|server error|try again|rate.?limit\w*"
    r"|temporar\w+|busy|overloaded|connection|reset by peer|too many requests)\b"
)
NOT_YET: Final = re.compile(
    r"\b(?:pending|running|queued|in.progress|processing|not (?:yet|ready|finished|done|complete)"
    r"|waiting|building|starting|scheduled|still)\b"
)
ERROR: Final = re.compile(
    r"\b(?:error|not approved|exception|traceback|fatal|failed|fails|failure|denied|forbidden"
    r"|unauthori[sz]ed|invalid|refused|cannot|could not)\b"
    r"|\b(?:http|status|code)\W{0,3}[45]\d\d\b|^\W*[45]\d\d [a-z]"
)
NOTHING: Final = re.compile(
    r"\bno (?:\w+ ){0,2}(?:results?|match(?:es)?|hits?|records?|rows?|items?|documents?|data"
    r"|changes?|progress|entries|answers?|luck|such)\b"
    r"|\bnothing\b|\bnot found\b|^none$|\bnone found\b"
    r"|\b(?:0|zero) (?:\w+ )?(?:results?|hits?|match(?:es)?|rows?|items?|documents?|found)\b"
    r"|\b(?:empty|unchanged|null|does not exist|unknown)\b"
)
NAMES_A_THING: Final = re.compile(r"[\d/@_.#-]")
