"""How circles were found before there was a policy: for runs that began then, and go on so.

A run decides by its recorded history, so what it has looked at it must look at in the same way.
"""

from collections.abc import Sequence

from domain.loops import Deed, Finding, Loop

_TIMES = 3


def find_plain_loop(deeds: Sequence[Deed]) -> Finding | None:
    """Return the loop that the last of `deeds` closed, if any.

    A caller that has acted on a finding passes only the deeds after it, so that the next
    finding is news.
    """
    if not deeds:
        return None
    return _repeat(deeds) or _ping_pong(deeds) or _no_progress(deeds)


def _repeat(deeds: Sequence[Deed]) -> Finding | None:
    last = deeds[-1]
    if sum(deed == last for deed in _since_news(deeds)) < _TIMES:
        return None
    return Finding(kind=Loop.REPEAT, tools=(last.tool,), calls=(last.call,))


def _since_news(deeds: Sequence[Deed]) -> Sequence[Deed]:
    """Return the deeds after the last write that was not made before.

    After an edit the same test is a new question, also when its answer is the old one.
    """
    made: set[str] = set()
    start = 0
    for index, deed in enumerate(deeds):
        if deed.wrote and deed.call not in made:
            made.add(deed.call)
            start = index
    return deeds[start:]


def _ping_pong(deeds: Sequence[Deed]) -> Finding | None:
    tail = deeds[-2 * _TIMES :]
    if len(tail) < 2 * _TIMES or tail[0].call == tail[1].call:
        return None
    if any(deed.call != tail[i % 2].call for i, deed in enumerate(tail)):
        return None
    # Results that differ each time are progress: an edit, then a test of it.
    if len({deed.result for deed in tail}) == len(tail):
        return None
    calls = (tail[0].call, tail[1].call)
    return Finding(kind=Loop.PING_PONG, tools=(tail[0].tool, tail[1].tool), calls=calls)


def _no_progress(deeds: Sequence[Deed]) -> Finding | None:
    """Different arguments, one and the same answer, twice as patiently as a plain repeat."""
    tail = deeds[-2 * _TIMES :]
    if len(tail) < 2 * _TIMES or len({(deed.tool, deed.result) for deed in tail}) > 1:
        return None
    if tail[-1].wrote:
        return None  # six things written, each acknowledged with the same word
    calls = tuple(dict.fromkeys(deed.call for deed in tail))
    return Finding(kind=Loop.NO_PROGRESS, tools=(tail[0].tool,), calls=calls)
