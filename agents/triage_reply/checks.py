"""What a draft must not have: it is sent as it stands."""

import re
from collections.abc import Sequence

from agents.toolkit import AnswerToCheck

# "[your name]", "{{order}}", "<date>": what a template leaves for a person to fill in.
_BLANK = re.compile(r"\[[A-Za-z][^\]\n]{0,40}\]|\{\{.*?\}\}|<[A-Za-z][A-Za-z _-]{0,30}>|\bTODO\b")


def complete(made: AnswerToCheck) -> Sequence[str]:
    """Refuse a draft with a blank that nobody will fill in."""
    found = _BLANK.search(str(getattr(made.answer, "reply", made.answer)))
    return [f"the reply has a blank, {found[0]!r}: write it out or leave it away"] if found else []
