"""The books of a triage: which tickets are under way, which wait, and what the others came to."""

from domain.ticket import TicketResult
from domain.triage import TriageState

_KINDS = (
    "sent_alone",
    "sent_by_person",
    "not_sent",
    "failed",
    "asked",
    "low_confidence",
    "novel",
)


class Tally:
    """Counts each ticket once, however often and by whomever its news comes.

    Attributes:
        working: Numbers of the tickets under way that do not wait for a person.
    """

    def __init__(self, state: TriageState) -> None:
        self._state = state
        self.working: set[int] = set()
        self._adopted: set[int] = set()
        for kind in _KINDS:
            state.counts.setdefault(kind, 0)

    @property
    def total(self) -> int:
        """Tickets that were begun."""
        ended = sum(self._state.counts[kind] for kind in _KINDS[:4])
        return ended + len(self._state.waiting) + len(self.working)

    def begin(self, number: int) -> None:
        """Note a ticket that is worked on."""
        self.working.add(number)

    def waits(self, result: TicketResult) -> bool:
        """Note a ticket that waits for a person; False where it is known already."""
        if result.number not in self.working:
            return False
        self.working.remove(result.number)
        self._state.waiting.append(result.number)
        self._ask(result)
        return True

    def adopt(self, number: int) -> None:
        """Note a ticket whose run was there before: its end is looked up, or told."""
        self.working.discard(number)
        self._adopted.add(number)
        self._state.waiting.append(number)

    def ended(self, result: TicketResult) -> bool:
        """Note a ticket that has ended; False where it is known already."""
        if result.number in self._state.waiting:
            self._state.waiting.remove(result.number)
            self._ask_if(result, known=result.number not in self._adopted)
        elif result.number in self.working:
            self.working.remove(result.number)
            self._ask_if(result, known=False)
        else:
            return False
        if result.ended == "sent":
            kind = "sent_alone" if result.route == "alone" else "sent_by_person"
        else:
            kind = result.ended
        self._state.counts[kind] += 1
        return True

    def _ask_if(self, result: TicketResult, *, known: bool) -> None:
        if not known and (result.route == "person" or result.why):
            self._ask(result)

    def _ask(self, result: TicketResult) -> None:
        counts = self._state.counts
        counts["asked"] += 1
        counts["low_confidence"] += result.low_confidence
        counts["novel"] += result.novel
