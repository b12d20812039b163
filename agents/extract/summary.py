"""Merging by code: the rows of a batch, and what each field comes to over all of them."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Context, Decimal
from typing import Any, Final, Literal, cast

from agents.extract.form import fields_of
from domain.batch import Document, FieldSummary, Form, Summary
from domain.contract import canonical

Kind = Literal["number", "text", "date", "boolean", "list", "object"]
_SHOWN: Final = 20
_MOST_SHOWN: Final = 200  # characters of a value
_MOST_DISTINCT: Final = 50_000  # values that are told apart; a summary is held in memory
_PLACES, _ONE = Decimal("0.000001"), Decimal(1)
# Digits for any number that a float can be: the default's 28 would round a sum, or refuse one.
_EXACT: Final = Context(prec=1_000)
_KINDS: Final[Mapping[str, Kind]] = {
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "array": "list",
    "object": "object",
}


class Summing:
    """Sums up documents one by one, in constant memory but for the values told apart."""

    def __init__(self, form: Form) -> None:
        definitions = {**form.get("$defs", {}), **form.get("definitions", {})}
        self._fields = {
            name: _Field(name, kind_of(field, definitions))
            for name, field in fields_of(form).items()
        }
        self._rows = 0

    def add(self, document: Document) -> None:
        """Count a document that has a row."""
        self._rows += 1
        for name, field in self._fields.items():
            found = document.fields.get(name)
            field.add(found.value if found else None)

    def summary(self) -> Summary:
        """Return what it has come to."""
        fields = tuple(field.summary() for field in self._fields.values())
        return Summary(rows=self._rows, fields=fields)


def row(document: Document) -> dict[str, Any]:
    """Return a document's row: its name, and the bare values."""
    values = {name: found.value for name, found in document.fields.items()}
    return {"document": document.name, "values": values}


def kind_of(field: Mapping[str, Any], definitions: Mapping[str, Any]) -> Kind:
    """Return how a field is summed up."""
    if "$ref" in field:
        field = definitions.get(str(field["$ref"]).rpartition("/")[2], {})
    declared: Any = field.get("type", "string")
    kinds = cast("list[str]", declared) if isinstance(declared, list) else [str(declared)]
    kind = next((each for each in kinds if each != "null"), "string")
    if kind == "string" and field.get("format") == "date":
        return "date"
    return _KINDS.get(kind, "text")


class _Field:
    """One field over all documents."""

    def __init__(self, name: str, kind: Kind) -> None:
        self._name = name
        self._kind: Kind = kind
        self._filled = 0
        self._empty = 0
        self._numbers = 0
        self._items = 0
        self._total = Decimal(0)
        self._range: list[Any] = []
        self._values: Counter[str] = Counter()

    def add(self, value: Any) -> None:
        if value is None:
            self._empty += 1
            return
        self._filled += 1
        if isinstance(value, list):
            entries = cast("list[Any]", value)
            self._items += len(entries)
            for entry in entries:
                self._count(entry)
        elif self._kind == "number" and isinstance(value, int | float):
            self._widen(Decimal(str(value)))
            self._total = _EXACT.add(self._total, Decimal(str(value)))
            self._numbers += 1
        elif self._kind == "date" and (day := _day(value)):
            self._widen(day)
        else:
            self._count(value)

    def _widen(self, value: Any) -> None:
        self._range = [min([value, *self._range]), max([value, *self._range])]

    def _count(self, value: Any) -> None:
        word = value if isinstance(value, str) else canonical(value).decode("utf-8", "replace")
        word = word[:_MOST_SHOWN]
        if word in self._values or len(self._values) < _MOST_DISTINCT:
            self._values[word] += 1

    def summary(self) -> FieldSummary:
        figures: dict[str, Any] = {}
        if self._range:
            figures |= {"least": self._range[0], "most": self._range[1]}
        if self._numbers:
            mean = _plain(_EXACT.divide(self._total, Decimal(self._numbers)))
            figures |= {"total": self._total, "mean": mean}
        if self._values:
            figures |= {"values": self._shown(), "distinct": len(self._values)}
        if self._kind == "list":
            figures["items"] = self._items
        return FieldSummary(
            name=self._name, kind=self._kind, filled=self._filled, empty=self._empty, **figures
        )

    def _shown(self) -> dict[str, int]:
        """Return the most frequent values; of equally frequent ones the first by name."""
        ordered = sorted(self._values.items(), key=lambda item: (-item[1], item[0]))
        return dict(ordered[:_SHOWN])


def _plain(number: Decimal) -> Decimal:
    """Return a number to six places, without zeros at its end or an exponent."""
    short = _EXACT.normalize(_EXACT.quantize(number, _PLACES))
    # Without zeros at its end, 1000 is 1E+3.
    return _EXACT.quantize(short, _ONE) if short == short.to_integral_value() else short


def _day(value: Any) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        return ""


def merged_schema(form: Form) -> dict[str, Any]:
    """Return the JSON Schema of a merged batch: rows by the form, the summary, the failures."""
    fields = fields_of(form)
    values = {name: {"anyOf": [field, {"type": "null"}]} for name, field in fields.items()}
    # Names of our own, so that none of the form's is hidden.
    summary = Summary.model_json_schema(mode="serialization", ref_template="#/$defs/batch.{model}")
    definitions = {f"batch.{name}": part for name, part in summary.pop("$defs", {}).items()}
    failure = {"$ref": "#/$defs/batch.Failure"}
    shape: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Batch",
        "type": "object",
        "properties": {
            "rows": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "document": {"type": "string"},
                        "values": {
                            "type": "object",
                            "properties": values,
                            "additionalProperties": False,
                        },
                    },
                    "required": ["document", "values"],
                    "additionalProperties": False,
                },
            },
            "summary": summary,
            "failed": {"type": "array", "items": failure},
        },
        "required": ["rows", "summary", "failed"],
        "$defs": {**form.get("$defs", {}), **definitions},
    }
    if "definitions" in form:
        shape["definitions"] = form["definitions"]
    return shape
