"""An agent's card: what it does, where it is spoken to, and what it needs and answers."""

from typing import Any, Final

from a2a.types.a2a_pb2 import (
    AgentCapabilities,
    AgentCard,
    AgentExtension,
    AgentInterface,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from a2a.utils.constants import (
    PROTOCOL_VERSION_0_3,
    PROTOCOL_VERSION_CURRENT,
    TransportProtocol,
)
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from domain.spec import AgentSpec

VERSION: Final = "0.1.0"
SCHEMAS: Final = "urn:holdfast:a2a:schemas:v1"
DATA: Final = "data"
# The first that a client knows; many still speak the version before.
_SPOKEN: Final = (
    (TransportProtocol.JSONRPC, PROTOCOL_VERSION_CURRENT),
    (TransportProtocol.HTTP_JSON, PROTOCOL_VERSION_CURRENT),
    (TransportProtocol.JSONRPC, PROTOCOL_VERSION_0_3),
)
_TEXT: Final = "text/plain"
_JSON: Final = "application/json"
_SCHEME: Final = "token"


def path(agent: str) -> str:
    """Return where an agent is spoken to."""
    return f"/a2a/{agent}"


def card(spec: AgentSpec, address: str) -> AgentCard:
    """Return an agent's card.

    Args:
        spec: The agent.
        address: How the service is reached from outside, without a slash at its end.
    """
    inputs = [_TEXT, _JSON]
    outputs = [_JSON if spec.answer_schema else _TEXT]
    return AgentCard(
        name=spec.name,
        description=spec.description or spec.name,
        version=VERSION,
        supported_interfaces=[
            AgentInterface(
                url=f"{address}{path(spec.name)}",
                protocol_binding=binding.value,
                protocol_version=version,
            )
            for binding, version in _SPOKEN
        ],
        capabilities=AgentCapabilities(
            streaming=True, push_notifications=False, extensions=[_schemas(spec)]
        ),
        default_input_modes=inputs,
        default_output_modes=outputs,
        skills=[
            AgentSkill(
                id=spec.name,
                name=spec.name,
                description=_about(spec),
                tags=sorted(spec.tool_names) or ["text"],
                input_modes=inputs,
                output_modes=outputs,
            )
        ],
        security_schemes={
            _SCHEME: SecurityScheme(
                http_auth_security_scheme=HTTPAuthSecurityScheme(
                    scheme="Bearer", description="A token of `python starter.py tokens add`."
                )
            )
        },
        security_requirements=[SecurityRequirement(schemes={_SCHEME: StringList()})],
    )


def _about(spec: AgentSpec) -> str:
    parts = [spec.description or spec.name]
    if spec.inputs:
        names = ", ".join(spec.inputs)
        parts.append(f"The message's metadata must have {DATA!r}, an object of texts with {names}.")
    if spec.answer_schema:
        parts.append("Its answer is JSON of the schema in this card's extension.")
    return " ".join(parts)


def _schemas(spec: AgentSpec) -> AgentExtension:
    told: dict[str, Any] = {"inputs": list(spec.inputs), "answer": spec.answer_schema}
    return AgentExtension(
        uri=SCHEMAS,
        description=f"What {DATA!r} in a message's metadata must hold, and the answer's schema.",
        required=False,
        params=ParseDict(told, Struct()),
    )
