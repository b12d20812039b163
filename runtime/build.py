"""Names the code that a worker runs."""

import hashlib
from functools import cache
from typing import Final

from runtime.settings import PROJECT

_FOLDERS: Final = ("agents", "activities", "domain", "runtime", "workflows")
_SUFFIXES: Final = (".json", ".lock", ".md", ".py", ".toml", ".yaml")
_LENGTH: Final = 16


@cache
def build_id() -> str:
    """Return a hash of the project's own sources, its prompts among them.

    The SDK's default reads and compiles every loaded module: three seconds at each start
    where no bytecode is cached, while a killed worker's runs wait for the next one.
    """
    known = hashlib.sha256()
    for folder in _FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.*")):
            if path.suffix in _SUFFIXES:
                known.update(path.read_bytes())
    known.update((PROJECT / "requirements.txt").read_bytes())
    return known.hexdigest()[:_LENGTH]
