"""One `starter.py up` for all tests of the command line."""

from collections.abc import Generator

import pytest

from tests.e2e.cli import Cli, Up


@pytest.fixture(scope="session")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cli]:
    """The command line beside a server, an offline model and a worker."""
    made = Cli(tmp_path_factory.mktemp("cli"))
    up = Up(made)
    yield made
    up.stop()


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line with no server anywhere."""
    return Cli(tmp_path_factory.mktemp("alone"))
