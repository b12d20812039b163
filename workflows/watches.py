"""Which watches a run has: those that its spec declares, the cheap ones first."""

from workflows.claims import Verification
from workflows.criticising import Critic
from workflows.guarding import guards_of
from workflows.nearing import NoMoreTools
from workflows.phasing import Phases
from workflows.ruling import ruling_of
from workflows.second import SecondChecks
from workflows.sidecalls import SideCalls
from workflows.thinking import Thinker
from workflows.watching import Watch, Watches
from workflows.work import Work


def watches_of(work: Work, thinker: Thinker | None = None) -> Watches:
    """Return what looks at the calls and answers of a run.

    Without a `thinker` (a workflow that runs an agent's tools by itself) no watch that asks a
    model takes part.
    """
    found: list[Watch] = [
        NoMoreTools(work),
        *ruling_of(work),
        *guards_of(work),
        *_self_checks(work, thinker),
    ]
    return Watches(work.state, found)


def _self_checks(work: Work, thinker: Thinker | None) -> list[Watch]:
    """Return the checks of its own work that an agent declares: rules first, models after them."""
    spec = work.spec
    found: list[Watch] = []
    if spec.phases:
        found.append(Phases(work))
    if any(tool.second_check for tool in spec.tools):
        found.append(SecondChecks(work))
    if thinker is None:
        return found
    side = SideCalls(work, thinker)
    if spec.verification is not None:
        found.append(Verification(work, side, spec.verification))
    if spec.critic is not None:
        found.append(Critic(work, side, spec.critic))
    return found
