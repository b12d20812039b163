"""Everything that the environment decides, read once and typed."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, TypedDict
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from domain.fairness import weights_of
from runtime.secret_files import SecretFileError, secret

PROJECT: Final = Path(__file__).resolve().parent.parent

_PREFIX: Final = "HOLDFAST_"
# Names that other programs share; everything else is HOLDFAST_ and the field's name.
_SHARED: Final[Mapping[str, str]] = {
    "openai_api_key": "OPENAI_API_KEY",
    "openai_base_url": "OPENAI_BASE_URL",
    "anthropic_api_key": "ANTHROPIC_API_KEY",
    "anthropic_base_url": "ANTHROPIC_BASE_URL",
    "otlp_endpoint": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "otlp_traces_endpoint": "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "otlp_protocol": "OTEL_EXPORTER_OTLP_PROTOCOL",
    "temporal_cli": "TEMPORAL_CLI",
}


_SECRET: Final = ("openai_api_key", "anthropic_api_key", "local_api_key", "database_url")
_FOREIGN: Final = ("TEMPORAL_API_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_HEADERS: Final = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_LEAST: Final = 8  # characters; what is shorter stands in too many words


class ModelAccess(TypedDict):
    """What the providers are built from; an empty key is none."""

    openai_api_key: str
    openai_base_url: str | None
    anthropic_api_key: str
    anthropic_base_url: str | None
    local_api_key: str
    local_base_url: str | None


class SettingsError(ValueError):
    """A variable of the environment does not say what it should."""


def _seconds(value: object) -> object:
    return timedelta(seconds=float(value)) if isinstance(value, str | int | float) else value


def _weights(value: object) -> object:
    return weights_of(value) if isinstance(value, str) else value


Seconds = Annotated[timedelta, BeforeValidator(_seconds)]


def _names(value: object) -> object:
    if not isinstance(value, str):
        return value
    return frozenset(name.strip() for name in value.split(",") if name.strip())


Names = Annotated[frozenset[str], BeforeValidator(_names)]
Weights = Annotated[dict[str, float], BeforeValidator(_weights)]
Positive = Annotated[timedelta, Field(gt=timedelta()), BeforeValidator(_seconds)]


class Settings(BaseModel):
    """The process's settings; secrets never show in its repr."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    home: Path = PROJECT / ".holdfast"
    database_url: SecretStr | None = None
    """SQLAlchemy URL; secret, since it may carry a password."""
    migrate: bool = True
    """Whether a process brings the database up to its version; else `starter.py migrate` does."""
    task_queue: str = "holdfast"
    metrics_host: str = "127.0.0.1"
    """Metrics name agents and tenants, so they leave the machine only when asked to."""
    metrics_port: int = Field(default=9464, ge=0, le=65535)
    """0 takes a free port."""
    metrics_tenants: Names = Field(default=frozenset[str](), max_length=50)
    """Tenants whose numbers have their name; all others' are `other`: acme,globex"""
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    log_prompts: bool = False
    worker_concurrency: int = Field(default=100, ge=1)
    """Activities that one worker process runs at once."""
    cached_workflows: int = Field(default=1000, ge=50)
    """Runs that one worker keeps in memory.

    Where there are few more places than runs at work, a run can lose its place while a check (a
    local activity) is under way: the check is lost and its task waits until it times out, after
    ten seconds. With 0 places half of ten runs had not ended after a minute, with 9 a sixth of
    the runs lost a task, with 32 none.
    """
    deployment: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    """Name of the workers' deployment; unset: they have no versions. See docs/deploys.md."""
    build_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.-]+$")
    """Name of this build; unset: a hash of the sources."""
    sandbox: bool = False
    """Whether workflow code is loaded anew for every run, so that runs cannot share state."""
    tenant_weights: Weights = Field(default_factory=dict[str, float])
    """Tenants' parts of the turns on shared queues, against 1 for all others: acme=3,globex=0.5"""
    graceful_timeout: Seconds = timedelta(seconds=20)
    """What a running activity gets to finish after SIGTERM before it is handed back."""
    server_port: int = Field(default=7233, ge=1, le=65535)
    """Preferred port of the embedded server; a free one is taken when it is busy."""
    ui_port: int = Field(default=8233, ge=1, le=65535)
    retention: Seconds = timedelta(days=30)
    """How long the embedded server keeps closed runs."""
    memory_retention: Positive | None = None
    """How long anything is remembered; unset: until it is forgotten."""
    artifact_retention: Positive | None = None
    """How long an artifact is kept that nobody stores or reads again; unset: for ever."""
    embeddings: str | None = Field(default=None, pattern="^(openai|local):.+$")
    """Model that memories are also found by, for example openai:text-embedding-3-small."""
    mcp: Path | None = None
    """File of MCP servers that lend agents tools; unset: `mcp.toml` under `home`, if any."""

    encryption_keys: Path | None = None
    """File of named keys, or directory with a file each; unset: nothing is encrypted."""
    signing_key: Path | None = None
    """File of the Ed25519 key that audit logs are signed with; `audit-log keygen` makes one."""
    privileges: Path | None = None
    """File of what agents may use for a tenant; unset: `privileges.toml` under `home`, if any."""

    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str | None = None
    local_api_key: SecretStr | None = None
    local_base_url: str | None = None
    """The operator's own OpenAI-compatible server, for example http://127.0.0.1:11434/v1."""
    route_small: str | None = None
    """Models of the route `small`, in order: openai:gpt-5-nano,anthropic:claude-haiku-4-5"""
    route_large: str | None = None
    routes: Path | None = None
    """File of named routes; unset: `routes.toml` under `home`, if any."""
    offline_url: str | None = None
    """Where the offline model listens; unset: the one recorded under `home`."""
    otlp_endpoint: str | None = None
    otlp_traces_endpoint: str | None = None
    """The whole URL for traces, where it is not `otlp_endpoint` and /v1/traces."""
    otlp_protocol: str = Field(default="http/protobuf", pattern="^(http/protobuf|grpc)$")
    trace_content: bool = False
    """Whether traces hold what was said: prompts, replies, arguments and results, redacted."""
    four_eyes: bool = True
    """Whether the HTTP service lets nobody answer the runs that they asked for."""
    others: tuple[SecretStr, ...] = ()
    """Secrets that libraries read by themselves; known here so that they appear nowhere."""
    temporal_cli: str | None = None

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from `environ` (the process's own by default).

        An empty variable counts as absent, as shells and container manifests leave them. A secret
        can be in a file that the variable with `_FILE` after its name points to.

        Raises:
            SettingsError: a value does not convert; names the variable, never a secret's value.
        """
        environ = os.environ if environ is None else environ
        found = {
            field: environ[variable]
            for field in cls.model_fields
            if environ.get(variable := variable_of(field))
        }
        try:
            return cls.model_validate({**found, **_secrets(environ)})
        except ValidationError as error:
            raise SettingsError(_explain(error, found)) from None

    @property
    def database(self) -> str:
        """The database's URL: the one given, else a SQLite file under `home`."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite+aiosqlite:///{self.home / 'holdfast.db'}"

    @property
    def named_tenants(self) -> frozenset[str]:
        """The tenants that metrics name: those that are told, and those that have a weight."""
        return self.metrics_tenants | {"default", *self.tenant_weights}

    @property
    def mcp_file(self) -> Path | None:
        """The file of MCP servers; None where there is none."""
        usual = self.home / "mcp.toml"
        return self.mcp or (usual if usual.exists() else None)

    @property
    def privileges_file(self) -> Path | None:
        """The file of tenants' privileges; None where there is none."""
        usual = self.home / "privileges.toml"
        return self.privileges or (usual if usual.exists() else None)

    def model_access(self) -> ModelAccess:
        """Return keys and addresses of the models, in the clear: for the providers alone."""
        return {
            "openai_api_key": _clear(self.openai_api_key),
            "openai_base_url": self.openai_base_url,
            "anthropic_api_key": _clear(self.anthropic_api_key),
            "anthropic_base_url": self.anthropic_base_url,
            "local_api_key": _clear(self.local_api_key),
            "local_base_url": self.local_base_url,
        }

    def secrets(self) -> tuple[str, ...]:
        """Return the values that must not appear anywhere, longest first."""
        named = (self.openai_api_key, self.anthropic_api_key, self.local_api_key)
        keys = [_clear(key) for key in (*named, *self.others)]
        found = [key for key in keys if key]
        if self.database_url is not None:
            password = urlsplit(self.database).password
            found += [password] if password else []
        return tuple(sorted(found, key=len, reverse=True))

    def prepare_home(self) -> Path:
        """Create `home`, readable by its owner only, and return it."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.home


def _clear(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _secrets(environ: Mapping[str, str]) -> Mapping[str, object]:
    """Return the settings that are secret, by reference or not.

    Raises:
        SettingsError: A file cannot be used; names the variable and the file.
    """
    try:
        named = {field: secret(variable_of(field), environ) for field in _SECRET}
        foreign = [secret(variable, environ) for variable in _FOREIGN]
    except SecretFileError as error:
        raise SettingsError(str(error)) from None
    # "name=value,name=value": what libraries send with traces.
    headers = ",".join(environ.get(each, "") for each in _HEADERS).split(",")
    foreign += [header.partition("=")[2] for header in headers]
    others = tuple(SecretStr(value) for value in foreign if len(value) >= _LEAST)
    return {**{field: value for field, value in named.items() if value}, "others": others}


def variable_of(field: str) -> str:
    """Return the environment variable that sets `field`."""
    return _SHARED.get(field, f"{_PREFIX}{field.upper()}")


def _explain(error: ValidationError, found: Mapping[str, str]) -> str:
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0])
    secret = "key" in field or "url" in field
    shown = "the value given" if secret else repr(found.get(field))
    wrong = first["msg"].removeprefix("Value error, ")
    return f"{variable_of(field)} is {shown}: {wrong}; correct it or unset it"
