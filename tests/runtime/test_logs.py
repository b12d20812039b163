"""Logs are JSON lines that carry the run and leave the conversation and secrets out."""

import json
import logging
from collections.abc import Generator
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, SecretStr, ValidationError

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
