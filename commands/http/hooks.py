"""Webhooks: who may send one, how it is known to be theirs, and what it starts.

Signed as standardwebhooks.com has it: HMAC-SHA256 over `id.timestamp.body`. The id is under the
signature too, since it is the idempotency key: whoever could change it could replay a delivery.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, cast

from pydantic import AfterValidator, Field, ValidationError

from commands import admission
from commands.errors import Misuse, invalid
from commands.refusals import UnfitInput
from domain.contract import Strict, canonical
from domain.secret_forms import is_variable
from runtime.secret_files import secret

_MARK: Final = "whsec_"
_LEAST_SECRET: Final = 16  # bytes
_MOST_DIGITS: Final = 12  # of seconds since 1970
_NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_HOLE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*)\s*\}\}")
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def _variable(name: str) -> str:
    if not is_variable(name):
        raise ValueError("expected the name of a variable, not a secret itself")
    return name


Variable = Annotated[str, AfterValidator(_variable)]


class _Declared(Strict):
    """A webhook as the file has it."""

    name: str = Field(pattern=_NAME)
    workflow: str = "agent"
    tenant: str = Field(default="default", pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")
    secret_env: tuple[Variable, ...] | Variable
    tolerance_s: int = Field(default=300, ge=1, le=86_400)
    input: dict[str, Any]


class _File(Strict):
    """The file of webhooks."""

    webhook: tuple[_Declared, ...] = ()


@dataclass(frozen=True)
class Webhook:
    """A sender that is known, and what its deliveries start.

    Attributes:
        keys: Any of them signs: two while one takes the other's place.
        template: The run's input; `{{path}}` in it stands for what the delivery has there.
    """

    name: str
    workflow: str
    tenant: str
    keys: tuple[bytes, ...]
    tolerance_s: int
    template: dict[str, Any]

    def is_signed(self, headers: Mapping[str, str], body: bytes, now: float) -> bool:
        """Whether a delivery is this sender's, and of now. Takes as long for either answer."""
        delivery, moment = headers.get(ID, ""), headers.get(TIMESTAMP, "")
        told = b".".join((delivery.encode(), moment.encode(), body))
        signed = headers.get(SIGNATURE, "").split()
        good = False
        for key in self.keys:
            digest = base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
            for each in signed:
                good |= hmac.compare_digest(f"v1,{digest}".encode(), each.encode())
        return good and bool(delivery) and self._is_fresh(moment, now)

    def _is_fresh(self, moment: str, now: float) -> bool:
        fits = moment.isascii() and moment.isdigit() and len(moment) <= _MOST_DIGITS
        return fits and abs(now - int(moment)) <= self.tolerance_s

    def filled(self, delivered: Any) -> dict[str, Any]:
        """Return the run's input for what was delivered.

        Raises:
            UnfitInput: The delivery lacks something that the template names.
        """
        return cast("dict[str, Any]", _filled(self.template, delivered))


# For a name that is not known: it must take as long to be turned away as a wrong signature.
NOBODY: Final = Webhook("", "agent", "", (os.urandom(32),), 1, {})


def load(path: Path, environ: Mapping[str, str] | None = None) -> dict[str, Webhook]:
    """Return the webhooks that a TOML file declares, by name.

    Raises:
        Misuse: The file cannot be read, or declares what cannot be served.
    """
    try:
        declared = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise Misuse(f"--webhooks {str(path)!r}: {error.strerror}") from None
    except ValidationError as error:
        raise Misuse(f"--webhooks {str(path)!r}: {invalid(error)}") from None
    except ValueError as error:
        raise Misuse(f"--webhooks {str(path)!r} is not TOML: {error}") from None
    found = {each.name: _webhook(each, path, environ) for each in declared.webhook}
    if len(found) != len(declared.webhook):
        raise Misuse(f"--webhooks {str(path)!r}: two webhooks have the same name")
    return found


def _webhook(declared: _Declared, path: Path, environ: Mapping[str, str] | None) -> Webhook:
    where = f"--webhooks {str(path)!r}: webhook {declared.name!r}"
    try:
        admission.known(declared.workflow)
    except UnfitInput as error:
        raise Misuse(f"{where}: {error}") from None
    names = declared.secret_env
    names = (names,) if isinstance(names, str) else names
    keys = tuple(_key(name, secret(name, environ), where) for name in names)
    if not keys:
        raise Misuse(f"{where}: secret_env names no variable")
    return Webhook(
        declared.name,
        declared.workflow,
        declared.tenant,
        keys,
        declared.tolerance_s,
        declared.input,
    )


def _key(variable: str, secret: str, where: str) -> bytes:
    try:
        key = (
            base64.b64decode(secret.removeprefix(_MARK), validate=True)
            if secret.startswith(_MARK)
            else secret.encode()
        )
    except binascii.Error:
        key = b""
    if len(key) < _LEAST_SECRET:
        raise Misuse(
            f"{where}: the environment variable {variable!r} holds no secret; expected whsec_ and "
            f"the base64 of at least {_LEAST_SECRET} random bytes: "
            'echo "whsec_$(openssl rand -base64 32)"'
        )
    return key


def _filled(template: Any, delivered: Any) -> Any:
    if isinstance(template, dict):
        fields = cast("dict[str, Any]", template)
        return {name: _filled(each, delivered) for name, each in fields.items()}
    if isinstance(template, list):
        return [_filled(each, delivered) for each in cast("list[Any]", template)]
    return _text(template, delivered) if isinstance(template, str) else template


def _text(template: str, delivered: Any) -> Any:
    whole = _HOLE.fullmatch(template.strip())
    if whole is not None:  # alone in its place, a value keeps its type
        return _at(delivered, whole[1])
    return _HOLE.sub(lambda hole: _said(_at(delivered, hole[1])), template)


def _said(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value).decode()


def _at(delivered: Any, path: str) -> Any:
    found = delivered
    for name in path.split("."):
        inside: Any = None
        if isinstance(found, dict):
            inside = cast("dict[str, Any]", found).get(name)
        elif isinstance(found, list) and name.isdigit():
            inside = dict(enumerate(cast("list[Any]", found))).get(int(name))
        if inside is None:
            raise UnfitInput(
                f"the delivery has nothing at {path!r}, which this webhook's input needs",
                {path: "is missing"},
            )
        found = inside
    return found
