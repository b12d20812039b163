"""What secrets look like, by the forms that their issuers gave them.

Where a name of a secret belongs and its value is written, the value is recognised by these, and
refused before it lies in a repository.
"""

import re
from functools import cache
from typing import Final

FORMS: Final = {
    "private key": r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
    "AWS key": r"\b(?:AKIA|ASIA|AGPA|AROA)[0-9A-Z]{16}\b",
    "GitHub token": r"\b(?:gh[pousr]_[0-9A-Za-z]{36,255}|github_pat_[0-9A-Za-z_]{22,255})\b",
    "GitLab token": r"\bgl(?:pat|dt|rt|ptt)-[0-9A-Za-z_-]{20,100}",
    "Slack token": r"\bxox[abeoprs]-[0-9A-Za-z-]{10,250}",
    "Stripe key": r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,250}\b",
    "Anthropic key": r"\bsk-ant-[0-9A-Za-z_-]{20,250}",
    "OpenAI key": r"\bsk-(?:proj-|svcacct-|admin-)?[0-9A-Za-z_-]{20,250}",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}",
    "SendGrid key": r"\bSG\.[0-9A-Za-z_-]{16,64}\.[0-9A-Za-z_-]{16,64}",
    "npm token": r"\bnpm_[0-9A-Za-z]{36}\b",
    "PyPI token": r"\bpypi-AgE[0-9A-Za-z_-]{40,250}",
    "Hugging Face token": r"\bhf_[0-9A-Za-z]{30,60}\b",
    "Holdfast token": r"\bhf_[2-9a-hj-np-z]{10}_[0-9A-Za-z_-]{43}",
    "webhook secret": r"\bwhsec_[0-9A-Za-z+/_-]{20,200}={0,2}",
    "JSON web token": r"\beyJ[0-9A-Za-z_-]{10,1000}\.eyJ[0-9A-Za-z_-]{10,1000}"
    r"\.[0-9A-Za-z_-]{10,1000}",
    "password in an address": r"\b[a-z][a-z0-9+.-]{1,30}://[^\s:/@]{1,100}:[^\s:/@]{3,200}@[^\s/]",
    "bearer token": r"\b[Bb]earer [0-9A-Za-z._~+/-]{24,500}=*",
    "password": r"(?i)\b(?:password|passwd|pwd|api[_-]?key|secret[_-]?key|access[_-]?token)"
    r"[\"']?\s{0,3}[:=]\s{0,3}[\"'][^\s\"']{8,200}[\"']",
}
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_MOST: Final = 10_000  # characters that are looked at


def is_variable(name: str) -> bool:
    """Whether a text can be the name of a variable of the environment."""
    return _VARIABLE.fullmatch(name) is not None and not kind_of_secret(name)


def kind_of_secret(text: str) -> str:
    """Return what kind of secret is in a text; empty: none that is known by its form."""
    found = _all().search(text[:_MOST])
    if found is None:
        return ""
    return next(kind for kind, form in FORMS.items() if re.search(form, found[0]))


@cache
def _all() -> re.Pattern[str]:
    # One form sets a flag, which counts for a group of its own only.
    forms = (form.removeprefix("(?i)") for form in FORMS.values())
    return re.compile("|".join(f"(?:{form})" for form in forms))
