"""Questions to a person and their answers.

An answer counts only for the open question, and what it approves is bound to the hash of the
arguments that were shown. Signals carry anything a person types, so they are parsed here.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, ValidationError

from domain.access import is_same_person
from domain.contract import Contract, Strict, canonical, digest

Verdict = Literal["approve", "reject", "modify"]
MAX_REASON = 4_000
MAX_ARGUMENTS = 1_000_000  # bytes; a report of hundreds of findings has fewer


class Form(Contract):
    """What a person is asked: the decision, why it is theirs, and what each choice does.

    Attributes:
        kind: What is decided: a call, the plan, the answer, a write in doubt, and so on.
        title: One line: the decision to take.
        why: Why a person is asked.
        request: What the run was asked to do.
        done: What was tried and done so far, a line each.
        options: Verdict and what it leads to, a line each.
        tool: The tool that would run.
        arguments: What would run, exactly; None when nothing would.
    """

    kind: str
    title: str
    why: str
    request: str = ""
    done: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    tool: str = ""
    arguments: dict[str, Any] | None = None


class Question(Form):
    """A form that is open.

    Attributes:
        id: Minted by the run; an answer may name it.
        asked_at: When it was asked.
        silent_at: When silence becomes an answer.
        silence: What silence means, in words.
    """

    id: str
    asked_at: datetime
    silent_at: datetime
    silence: str = ""

    @property
    def arguments_hash(self) -> str:
        """Binds an approval to exactly what was shown."""
        return arguments_hash(self.arguments)


def arguments_hash(arguments: dict[str, Any] | None) -> str:
    """Return the hash that binds an approval to `arguments`."""
    return digest(canonical(arguments), length=16)


class Answer(Strict):
    """What a person may send with `approve`, `reject` and `modify`; all of it optional."""

    approval_id: str = Field(default="", max_length=100)
    reason: str = Field(default="", max_length=MAX_REASON)
    arguments: dict[str, Any] | None = None
    by: str = Field(default="", max_length=200)


class Decision(Contract):
    """An answer that counted: kept in the result as who, when and why.

    `by` is what the sender claims; the signal's identity is in its history event. `halt` and
    `unhalt` are an operator's, who stopped the run from outside and let it go on.
    """

    approval_id: str
    kind: str
    verdict: Literal["approve", "reject", "modify", "silence", "halt", "unhalt"]
    title: str = ""
    tool: str = ""
    reason: str = ""
    by: str = ""
    at: datetime
    asked_at: datetime | None = None
    """When the question was put; None where nobody was asked."""
    arguments: dict[str, Any] | None = None
    arguments_hash: str = ""

    @property
    def granted(self) -> bool:
        """Whether the thing asked may go on."""
        return self.verdict in {"approve", "modify"}


class UnusableAnswerError(ValueError):
    """An answer that cannot count; the message tells its sender why."""


def parse_answer(raw: Any) -> Answer:
    """Return what `raw`, one JSON object or nothing, says.

    Raises:
        UnusableAnswerError: It is something else, or has unknown or ill-typed fields.
    """
    if raw is None or raw == "":
        return Answer()
    if not isinstance(raw, dict):
        raise UnusableAnswerError(
            f"an answer is one JSON object or nothing, not {type(raw).__name__}; "
            'for example {"reason": "checked"}'
        )
    try:
        return Answer.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "answer"
        raise UnusableAnswerError(
            f"{where}: {first['msg']}; fields are approval_id, reason, arguments, by"
        ) from None


def need_second_person(answer: Answer, requester: str) -> None:
    """Refuse an answer of nobody, or of whoever asked for the run.

    Raises:
        UnusableAnswerError: It takes a second person, and this is none.
    """
    if not answer.by.strip():
        raise UnusableAnswerError(
            'this agent takes answers of named people only: {"by": "..."}; nothing was changed'
        )
    if is_same_person(answer.by, requester):
        raise UnusableAnswerError(
            f"{answer.by!r} asked for this run, so somebody else has to answer; nothing was changed"
        )


def rule(question: Question | None, verdict: Verdict, answer: Answer, at: datetime) -> Decision:
    """Return the decision that `answer` makes on `question`.

    Raises:
        UnusableAnswerError: Nothing is open, another question was meant, or a modification
            brings no arguments.
    """
    if question is None:
        raise UnusableAnswerError("no question is open; nothing was changed")
    if answer.approval_id and answer.approval_id != question.id:
        raise UnusableAnswerError(
            f"the open question is {question.id!r}, not {answer.approval_id!r}; nothing was changed"
        )
    if verdict == "modify" and answer.arguments is None:
        raise UnusableAnswerError('modify needs {"arguments": {...}}; nothing was changed')
    if len(canonical(answer.arguments)) > MAX_ARGUMENTS:
        raise UnusableAnswerError(
            f"the arguments have more than {MAX_ARGUMENTS} bytes; nothing was changed"
        )
    ways = [way for way, _ in question.options]
    if verdict == "modify" and ways and "modify" not in ways:
        raise UnusableAnswerError(f"a {question.kind} question takes {ways}; nothing was changed")
    if verdict == "modify" and question.arguments is None:
        raise UnusableAnswerError(f"a {question.kind} question has no arguments to modify")
    arguments = answer.arguments if verdict == "modify" else question.arguments
    return Decision(
        approval_id=question.id,
        kind=question.kind,
        verdict=verdict,
        title=question.title,
        tool=question.tool,
        reason=answer.reason,
        by=answer.by,
        at=at,
        asked_at=question.asked_at,
        arguments=arguments,
        arguments_hash=arguments_hash(arguments),
    )


def unasked(form: Form, at: datetime) -> Decision:
    """Return the decision of a dry run, which asks nobody: it grants nothing."""
    return Decision(
        approval_id="",
        kind=form.kind,
        verdict="silence",
        title=form.title,
        tool=form.tool,
        reason="a dry run asks nobody",
        at=at,
    )


def silent(question: Question, at: datetime) -> Decision:
    """Return the decision that nobody took: it grants nothing."""
    return Decision(
        approval_id=question.id,
        kind=question.kind,
        verdict="silence",
        title=question.title,
        tool=question.tool,
        reason="nobody answered in time",
        at=at,
        asked_at=question.asked_at,
        arguments=question.arguments,
        arguments_hash=question.arguments_hash,
    )
