"""Runs a command: its event loop, its errors as one line, its exit code."""

import asyncio
import functools
import logging
import os
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import typer

from commands import console
from commands.errors import Exit, explain

INTERRUPTED = 130


def guarded(
    command: Callable[..., Coroutine[Any, Any, Exit | None]],
) -> Callable[..., None]:
    """Make a Typer command of an async function; what it returns is the exit code."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        # The SDK logs what it also raises; a person reads it once, from here.
        logging.getLogger("temporalio").setLevel(logging.CRITICAL)
        try:
            code = asyncio.run(command(*args, **options))
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            # The reader of a pipe has gone; point stdout away so that the exit says nothing.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise typer.Exit(Exit.OK) from None
        except typer.Exit:
            raise
        except Exception as error:  # noqa: BLE001 - a person never sees a traceback
            code = _failed(error, as_json=bool(options.get("json")))
        raise typer.Exit(int(code or Exit.OK))

    return run


def _failed(error: Exception, *, as_json: bool) -> Exit:
    line, code = explain(error) or (
        (
            f"unexpected {type(error).__name__}: {error}; "
            "HOLDFAST_LOG_LEVEL=debug shows where it came from"
        ),
        Exit.FAILED,
    )
    if os.environ.get("HOLDFAST_LOG_LEVEL") == "debug":
        traceback.print_exception(error)
    console.fail(line, code, as_json=as_json)
    return code
