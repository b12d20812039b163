"""Which watches a run has: those that its spec declares, the cheap ones first."""

from workflows.guarding import guards_of
from workflows.thinking import Thinker
from workflows.watching import Watch, Watches
from workflows.work import Work


def watches_of(work: Work, thinker: Thinker | None = None) -> Watches:
    """Return what looks at the calls and answers of a run.

    Without a `thinker` (a workflow that runs an agent's tools by itself) no watch that asks a
    model takes part.
    """
    found: list[Watch] = [*guards_of(work)]
    return Watches(work.state, found)
