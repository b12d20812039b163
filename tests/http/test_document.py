"""The OpenAPI document and the registry behind it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from temporalio.workflow import _Definition

from commands.http.app import build
from commands.http.document import written
from commands.kinds import OWNED, kinds, startable
from tests.http.conftest import Copies, key
from workflows import WORKFLOWS
from workflows.attended import Attended

_KEPT = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.mark.requirement("C4.9:document")
def test_the_kept_document_is_current() -> None:
    """`python starter.py serve --openapi > docs/openapi.json` writes it."""
    assert _KEPT.read_text(encoding="utf-8") == written(build())


@pytest.mark.requirement("C4.9:document")
async def test_the_service_gives_its_document_to_everyone(copies: Copies) -> None:
    """It says what can be asked, and holds nothing that only a token may see."""
    answer = await copies.http[0].get("/openapi.json")

    assert answer.json() == json.loads(written(build()))


@pytest.mark.requirement("C4.9:document")
def test_every_reference_leads_somewhere_and_every_route_is_described() -> None:
    """No schema is missing; each operation has words, a tag, and its problems."""
    text = written(build())
    document: dict[str, Any] = json.loads(text)

    schemas = document["components"]["schemas"]
    missing = set(re.findall(r'#/components/schemas/([^"]+)"', text)) - schemas.keys()
    operations = [each for path in document["paths"].values() for each in path.values()]
    assert missing == set()
    assert all(each["description"] and each["tags"] for each in operations)
    guarded = [each for each in operations if each.get("security")]
    assert all({"401", "403", "503"} <= each["responses"].keys() for each in guarded)
    assert len(operations) - len(guarded) == 3  # the webhooks', and the two of health


@pytest.mark.requirement("C4.9:registry")
def test_what_can_be_started_is_what_the_worker_serves() -> None:
    """Every attended workflow is there under its type, with a schema that is one."""
    served = {
        _Definition.must_from_class(each).name for each in WORKFLOWS if issubclass(each, Attended)
    }

    assert {kind.workflow for kind in kinds().values()} == served
    for kind in kinds().values():
        schema = kind.schema()
        Draft202012Validator.check_schema(schema)
        assert not OWNED & schema["properties"].keys()
        assert kind.request().model_dump()  # every field has a default
        assert kind.about.endswith(".")


@pytest.mark.requirement("C4.9:registry")
async def test_a_part_of_anothers_run_cannot_be_started(copies: Copies) -> None:
    """It is watched and answered as any run is, but only the run above it starts it."""
    parts = kinds().keys() - startable().keys()
    program = await copies.program()

    answers = [
        await program.post("/v1/runs", json={"workflow": part}, headers=key(part)) for part in parts
    ]

    assert "ticket" in parts
    assert [answer.status_code for answer in answers] == [422] * len(parts)
