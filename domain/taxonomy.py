"""The fixed set of categories that tickets are sorted into: typed, checked before any is read."""

import re
from typing import Any

from pydantic import Field, ValidationError, field_validator

from domain.contract import Contract, Strict

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class TaxonomyError(ValueError):
    """It is no taxonomy; the message says what is wrong and where."""


class Category(Strict):
    """One category.

    Attributes:
        description: What belongs here, in a sentence that the model reads.
        examples: Tickets that belong here, at least one: what is like none of all is novel.
        guidance: What a reply to such a ticket says; the drafter reads it.
    """

    description: str = Field(min_length=1)
    examples: tuple[str, ...] = Field(min_length=1)
    guidance: str = ""


class Taxonomy(Strict):
    """The categories by name; a ticket gets exactly one."""

    categories: dict[str, Category] = Field(min_length=2, max_length=100)

    @field_validator("categories")
    @classmethod
    def _named(cls, categories: dict[str, Category]) -> dict[str, Category]:
        wrong = [name for name in categories if not _NAME.fullmatch(name)]
        if wrong:
            raise ValueError(
                f"category {wrong[0]!r}: names are lower case letters, digits, _ and -, "
                "at most 40, beginning with a letter"
            )
        return categories

    def answer_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a classification: the category first, one of those here."""
        return {
            "type": "object",
            "properties": {
                "category": {"type": "string", "enum": list(self.categories)},
                "confidence": {
                    "type": "number",
                    "minimum": 0,
                    "maximum": 1,
                    "description": "how probable it is that a careful colleague agrees",
                },
            },
            "required": ["category", "confidence"],
            "additionalProperties": False,
        }


class Example(Contract):
    """A known ticket and its category."""

    text: str
    category: str


def taxonomy(value: Any) -> Taxonomy:
    """Return the taxonomy that `value`, parsed YAML or JSON, describes.

    Raises:
        TaxonomyError: Names the first thing that is wrong.
    """
    if not isinstance(value, dict):
        raise TaxonomyError(
            "a taxonomy is a mapping with `categories`: a name, a description and examples each"
        )
    try:
        return Taxonomy.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "taxonomy"
        raise TaxonomyError(f"{where}: {first['msg']}") from None
