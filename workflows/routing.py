"""Which model a run asks next: by what the call is for, and by which models have failed.

An agent without a routing policy has one list of models: the next one is asked when the last
attempt at one has failed, and stays. With a policy each named route has a list, the next model is
asked after a few attempts, and the first one again after a while.
"""

from dataclasses import dataclass

from temporalio import workflow

from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain.routing import OWN, Fallen, at_home, provider_of
    from domain.run import Stop


@dataclass
class Choice:
    """The models that a call may go to, and the one that is asked now.

    Attributes:
        route: The route's name.
        models: Tried in order.
        at: Index of the one that is asked.
        probing: The first one had failed, and is asked again to see whether it still does.
    """

    route: str
    models: tuple[str, ...]
    at: int = 0
    probing: bool = False

    @property
    def model(self) -> str:
        """The model that is asked, `provider:model`."""
        return self.models[self.at]

    @property
    def provider(self) -> str:
        """Whose model that is."""
        return provider_of(self.model)

    @property
    def last(self) -> bool:
        """Whether no other would be asked if this one fails."""
        return self.at + 1 >= len(self.models) and not self.probing


def capped(reason: str) -> Stop:
    """Return the stop of a run whose tenant has reached its cap: an operator's matter."""
    hint = (
        "raise the cap with `starter.py caps set`, or wait until its day or month is over; then "
        "send retry, or abort"
    )
    return Stop(step="llm.think", reason=reason, hint=hint, at=workflow.now())


class Router:
    """Chooses models for one run, and keeps which have failed in the run's state."""

    def __init__(self, work: Work) -> None:
        self._state, self._spec = work.state, work.spec

    def choose(self, purpose: str, models: tuple[str, ...] = ()) -> Choice:
        """Return where a call for `purpose` goes.

        Args:
            purpose: What it is for.
            models: Where the call has models of its own, these; names of routes among them are
                written out.
        """
        policy = self._spec.routing
        if policy is None:
            own = self._allowed(models) if models else self._spec.route
            return Choice(OWN, own, self._state.route if own == self._spec.route else 0)
        left = 1 - self._state.spend.share(self._state.limits)
        name = policy.route_of(purpose, left)
        if models:
            found = tuple(m for each in models for m in policy.routes.get(each, (each,)))
            found = self._allowed(found)
            name = OWN if found == self._spec.route else " ".join(found)
        else:
            found = policy.models(name, self._spec.route)
        fallen = self._state.fallen.get(name)
        if fallen is None or fallen.model >= len(found):
            return Choice(name, found)
        if fallen.due(workflow.now(), policy.back_after_s):
            return Choice(name, found, probing=True)
        return Choice(name, found, fallen.model)

    def _allowed(self, models: tuple[str, ...]) -> tuple[str, ...]:
        return at_home(models, self._spec.route, private=self._spec.private)

    def attempts(self, choice: Choice) -> int:
        """Return how many attempts the model gets before the next is asked; 0: the usual."""
        policy = self._spec.routing
        if policy is None or choice.last:
            return 0
        return 1 if choice.probing else policy.attempts

    def failed(self, choice: Choice) -> bool:
        """Go on with the next model; False where there is none, so that a person is asked."""
        if choice.last:
            return False
        state, probed = self._state, choice.probing
        choice.at = state.fallen[choice.route].model if probed else choice.at + 1
        choice.probing = False
        if self._spec.routing is not None:
            state.fallen[choice.route] = Fallen(model=choice.at, since=workflow.now())
        elif choice.models == self._spec.route:
            # Turns stay there to the run's end, and tokens are counted anew.
            state.route = choice.at
            state.counted_tokens = state.counted_messages = 0
        workflow.logger.warning("next model: %s", choice.model)
        return True

    def begin_again(self, choice: Choice) -> None:
        """Ask the first model again: a person says that it was mended."""
        if self._spec.routing is not None:
            self._state.fallen.pop(choice.route, None)
            choice.at = 0

    def answered(self, choice: Choice) -> None:
        """Note that the model answered; one that was probed is back."""
        if choice.probing:
            self._state.fallen.pop(choice.route, None)
            choice.probing = False
            workflow.logger.info("back at model: %s", choice.model)
