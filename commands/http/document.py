"""The OpenAPI document: the routes' own, with the schema of every workflow's input put in."""

import json
import re
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from commands.http.problems import MEDIA_TYPE
from commands.kinds import Kind, startable

_EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "agent": {"agent": "bench", "task": '{"turns": 2, "result_bytes": 100, "latency_ms": 0}'},
    "audit": {"ledger": "/srv/ledgers/2026.csv", "title": "Accounts of 2026"},
}


def install(app: FastAPI) -> None:
    """Make `app` say what its workflows take, and not only that they take something."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi


def written(app: FastAPI) -> str:
    """Return the document as it is kept in docs/openapi.json."""
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _document(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = made["components"]["schemas"]
    starts = [_start(kind, schemas) for _, kind in sorted(startable().items())]
    schemas["StartRun"] = {
        "title": "StartRun",
        "description": schemas["StartRun"]["description"],
        "oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in starts],
        "discriminator": {
            "propertyName": "workflow",
            "mapping": {
                kind.name: f"#/components/schemas/{name}"
                for (_, kind), name in zip(sorted(startable().items()), starts, strict=True)
            },
        },
    }
    content = made["paths"]["/v1/runs"]["post"]["requestBody"]["content"]["application/json"]
    content["examples"] = {
        name: {"value": {"workflow": name, "input": given}} for name, given in _EXAMPLES.items()
    }
    for parameter in made["paths"]["/v1/runs"]["get"]["parameters"]:
        if parameter["name"] == "workflow":
            parameter["schema"]["enum"] = ["", *sorted(startable())]
    for path in made["paths"].values():
        for operation in path.values():
            _say_problem(operation["responses"])
    return made


def _say_problem(responses: dict[str, Any]) -> None:
    """Say of problems that they are problems, and not any JSON."""
    for response in responses.values():
        content = response.get("content", {})
        told = content.get("application/json", {}).get("schema", {}).get("$ref", "")
        if told.endswith("/Problem"):
            content[MEDIA_TYPE] = content.pop("application/json")


def _start(kind: Kind, schemas: dict[str, Any]) -> str:
    """Put the start of one workflow among the schemas, and return its name there."""
    title = "".join(part.capitalize() for part in re.split(r"[_-]", kind.name))
    inner = kind.schema()
    prefix = f"{title}Input"
    for name, schema in inner.pop("$defs", {}).items():
        schemas[f"{prefix}.{name}"] = _moved(schema, prefix)
    schemas[prefix] = _moved(inner, prefix)
    schemas[f"Start{title}"] = {
        "title": f"Start{title}",
        "type": "object",
        "additionalProperties": False,
        "required": ["workflow", "input"] if "required" in inner else ["workflow"],
        "properties": {
            "workflow": {"type": "string", "const": kind.name},
            "input": {"$ref": f"#/components/schemas/{prefix}"},
        },
    }
    return f"Start{title}"


def _moved(schema: Any, prefix: str) -> Any:
    """Return a schema whose references lead to where its definitions have been put."""
    text = json.dumps(schema).replace('"#/$defs/', f'"#/components/schemas/{prefix}.')
    return json.loads(text)
