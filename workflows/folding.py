"""Keeping a conversation within its window: what is over it is folded into the manifest.

A model proposes what to keep, rules judge it in a local activity, and the window as it was is
kept as an artifact. A summary that breaks the rules goes back with what is wrong; after that rules
write it, so that no summary can stop the run or lose its goal.
"""

from temporalio import workflow

from workflows import policies
from workflows.steps import sure, together
from workflows.thinking import Thinker
from workflows.work import Work

with workflow.unsafe.imports_passed_through():
    from domain import context, folds
    from domain.acting import ActOutcome, CutRequest
    from domain.folding import Folded, FoldRequest
    from domain.summary import SCHEMA, SYSTEM, Material, request_text
    from domain.taint import unmarked
    from domain.thinking import Aside
    from domain.window import FRAMING, WindowPolicy, weight

_PURPOSE = "summary"
_MOST_OUTPUT = 2_000  # tokens of a summary
_LEAST_RESULT = 300  # bytes of a result that is cut for the window
_NOTE = 200  # bytes of the note on a cut result


class Folding:
    """Looks at the window before each turn."""

    def __init__(self, work: Work, thinker: Thinker) -> None:
        self._work = work
        self._state, self._spec, self._desk = work.state, work.spec, work.desk
        self._thinker = thinker
        self._fixed = context.fixed_size(work.spec) if work.spec.window else 0

    async def fold_if_due(self) -> None:
        """Make room for the next turn where it would be over the window.

        Raises:
            LimitReachedError: The summary could exceed one of the run's limits.
            AbortedError: It failed for good and a person ended the run.
        """
        policy = self._spec.window
        if policy is None or not context.is_due(self._state, policy, self._fixed):
            return
        cut = folds.Cut(self._state, policy, self._fixed)
        if cut.folds:
            await self._fold(policy, cut)
        await self._squeeze(policy)

    async def _fold(self, policy: WindowPolicy, cut: folds.Cut) -> None:
        goal = self._work.request.task
        material = cut.material(goal, policy.manifest_bytes)
        folded, said = Folded(), list[str]()
        for left in reversed(range(policy.tries)):
            asked = self._asked(material, folded.problems)
            reply = await self._thinker.aside(asked, shown=cut.at)
            said.append(reply.message.id)
            request = FoldRequest(
                agent=self._spec.name,
                goal=goal,
                said=reply.message.text,
                past=folds.past(self._state, cut),
                manifest_bytes=policy.manifest_bytes,
                last=not left,
            )
            folded = await self._judged(request)
            if folded.manifest is not None:
                break
        folds.fold(self._state, self._spec, cut, folded, said)
        workflow.logger.info("folded %d messages, by %s", cut.at - cut.start, folded.by)

    def _asked(self, material: Material, problems: tuple[str, ...]) -> Aside:
        own = self._spec.side_prompts.get(_PURPOSE)
        return Aside(
            purpose=_PURPOSE,
            system=own.text if own else SYSTEM,
            text=request_text(material, problems),
            answer_schema=SCHEMA,
            max_output_tokens=_MOST_OUTPUT,
        )

    async def _judged(self, request: FoldRequest) -> Folded:
        return await sure(
            self._desk,
            "window.fold",
            lambda: workflow.execute_local_activity(
                "window.fold", request, result_type=Folded, **policies.RECORD
            ),
        )

    # --- results that alone are over the window

    async def _squeeze(self, policy: WindowPolicy) -> None:
        """Cut the last turn's results where they alone are over the window.

        Nobody has read them yet, so they cannot be folded; the whole of each is an artifact.
        """
        texts = folds.results_over(self._state, policy.tokens, self._fixed)
        if not texts:
            return
        others = sum(weight(m) for i, m in enumerate(self._state.messages) if i not in texts)
        room = context.bytes_of(self._state, policy.tokens) - self._fixed - others
        most = max(_LEAST_RESULT, room // len(texts) - FRAMING - _NOTE)
        large = {index: text for index, text in texts.items() if len(text.encode()) > most}
        cut = await together(self._cut(index, text, most) for index, text in large.items())
        shorter = {index: outcome.text for index, outcome in zip(large, cut, strict=True)}
        folds.squeeze(self._state, shorter)

    async def _cut(self, index: int, text: str, most: int) -> ActOutcome:
        plain = unmarked(text)
        # What strangers wrote is marked anew: half a mark would not close.
        mark = folds.tool_of(self._state, index) if plain != text else ""
        request = CutRequest(text=plain, result_bytes=most, mark=mark)
        return await sure(
            self._desk,
            "tools.cut",
            lambda: workflow.execute_local_activity(
                "tools.cut", request, result_type=ActOutcome, **policies.RECORD
            ),
        )
