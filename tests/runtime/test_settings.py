"""The environment decides, in the open, and secrets stay out of sight."""

from datetime import timedelta

import pytest

from runtime.settings import Settings, SettingsError


def test_a_secret_is_in_no_text_of_the_settings() -> None:
    """Neither repr nor str nor JSON shows a key or a database password."""
    settings = Settings.load(
        {
            "OPENAI_API_KEY": "sk-first",
            "ANTHROPIC_API_KEY": "sk-second",
            "HOLDFAST_DATABASE_URL": "postgresql://user:sk-third@host/name",
        }
    )

    shown = f"{settings!r} {settings} {settings.model_dump_json()}"

    assert "sk-" not in shown
    assert settings.secrets() == ("sk-second", "sk-first", "sk-third")


def test_variables_are_typed() -> None:
    """Seconds become a timedelta, an empty variable counts as absent."""
    settings = Settings.load({"HOLDFAST_GRACEFUL_TIMEOUT": "1.5", "HOLDFAST_TASK_QUEUE": ""})

    assert settings.graceful_timeout == timedelta(seconds=1.5)
    assert settings.task_queue == "holdfast"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HOLDFAST_WORKER_CONCURRENCY", "many"),
        ("HOLDFAST_WORKER_CONCURRENCY", "0"),
        ("HOLDFAST_GRACEFUL_TIMEOUT", "soon"),
        ("HOLDFAST_LOG_LEVEL", "loud"),
        ("HOLDFAST_METRICS_PORT", "70000"),
    ],
)
def test_a_bad_value_names_its_variable(variable: str, value: str) -> None:
    """One line that names the variable and its value."""
    with pytest.raises(SettingsError) as caught:
        Settings.load({variable: value})

    assert variable in str(caught.value)
    assert repr(value) in str(caught.value)
    assert "\n" not in str(caught.value)
