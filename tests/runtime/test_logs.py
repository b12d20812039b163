"""Logs are JSON lines that carry the run and leave the conversation and secrets out."""

import json
import logging
from collections.abc import Generator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from activities.guarding.redacting import redactor
from runtime import logs
from runtime.settings import Settings


class _Input(BaseModel):
    amount: int


@pytest.fixture
def untouched() -> Generator[None]:
    """Puts the process's logging back, which pytest has its own handlers in."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines()]


@pytest.mark.usefixtures("untouched")
def test_a_line_names_its_run_and_hides_the_conversation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Bound fields are in the line; prompts, arguments and keys are not."""
    logs.configure(Settings(openai_api_key=SecretStr("sk-secret")), str)

    with structlog.contextvars.bound_contextvars(run="run-1", turn=3, agent="bench", tool="look"):
        structlog.stdlib.get_logger("any").info(
            "called", arguments="who is it", header="Bearer sk-secret"
        )
    (line,) = _lines(capsys.readouterr().err)

    assert {"run": "run-1", "turn": 3, "agent": "bench", "tool": "look"}.items() <= line.items()
    assert "who is it" not in str(line)
    assert line["header"] == "Bearer ***"


@pytest.mark.usefixtures("untouched")
def test_an_error_is_one_line_without_its_input(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback becomes the type, the first line and the places; values stay out."""
    logs.configure(Settings(), str)

    with pytest.raises(ValidationError) as caught:
        _Input.model_validate({"amount": "the customer's words"})
    logging.getLogger("plain").error("failed", exc_info=caught.value)
    (line,) = _lines(capsys.readouterr().err)

    assert line["error"] == "ValidationError: _Input: amount"
    assert "customer" not in str(line)


@pytest.mark.usefixtures("untouched")
def test_prompts_are_logged_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """HOLDFAST_LOG_PROMPTS shows them, for whoever looks for a fault."""
    logs.configure(Settings(log_prompts=True), str)

    structlog.stdlib.get_logger("any").info("called", arguments="who is it")
    (line,) = _lines(capsys.readouterr().err)

    assert line["arguments"] == "who is it"


@pytest.mark.requirement("C6.7:redacted")
@pytest.mark.usefixtures("untouched")
def test_nothing_personal_is_in_any_place_of_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """In the event, a field, a key, a number, a nested value, an error, or an unknown object."""
    logs.configure(Settings(), redactor())
    mail, card = "ada@example.org", 4111111111111111

    class Thing:
        def __repr__(self) -> str:
            return f"Thing({mail})"

    structlog.stdlib.get_logger("any").info(
        f"sent to {mail}",
        who=mail,
        card=card,
        nested={mail: [mail, {"x": (card, mail)}]},
        thing=Thing(),
        error=ValueError(mail),
        password="hunter2",
        authorization="Bearer x",
        run="run-0f4c1e7a2b9d4c6e8a1f3b5d7c9e0a2b",
        at_ns=1763751234567890123,
    )
    logging.getLogger("plain").warning("from %s", mail)
    text = capsys.readouterr().err

    lines = _lines(text)
    assert "ada@" not in text
    assert str(card) not in text
    assert "hunter2" not in text
    assert (lines[0]["password"], lines[0]["authorization"]) == ("***", "***")
    assert lines[0]["run"] == "run-0f4c1e7a2b9d4c6e8a1f3b5d7c9e0a2b"
    assert lines[0]["at_ns"] == 1763751234567890123


@pytest.mark.requirement("C6.7:redacting-bounded")
@pytest.mark.usefixtures("untouched")
def test_a_line_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    """A megabyte of text, and ten thousand values, are cut; no line breaks out of its line."""
    logs.configure(Settings(), redactor())

    structlog.stdlib.get_logger("any").info(
        'many\n{"level": "info"}', long="a@b.de " * 150_000, values=list(range(10_000))
    )
    text = capsys.readouterr().err

    (line,) = _lines(text)
    assert len(text) < 50_000
    assert line["values"][-1] == "(more was left out)"
