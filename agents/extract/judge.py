"""What stands of an extraction, by rules that no model can influence."""

import re
from collections.abc import Mapping
from typing import Any, cast

from agents.extract import form as forms
from agents.reading.words import flat
from domain.batch import Form, Found


class UnusableError(ValueError):
    """An answer from which no field can be taken; the message says why."""


def judged(answer: Any, text: str, form: Form, min_confidence: float) -> dict[str, Found]:
    """Return the fields of an answer, those marked that a person has to look at.

    Args:
        answer: As the model gave it.
        text: The document.
        form: The fields that were asked for.
        min_confidence: A field that the model is less sure of is unsure.

    Raises:
        UnusableError: It does not fit the form.
    """
    if wrong := forms.problems(forms.answer_schema(form), answer):
        raise UnusableError(f"its answer does not fit the schema: {'; '.join(wrong)}")
    whole = flat(text)
    required = frozenset(form.get("required", ()))
    fields: dict[str, Mapping[str, Any]] = answer
    return {
        name: _judged(fields[name], whole, min_confidence, required=name in required)
        for name in forms.fields_of(form)
    }


def _judged(taken: Mapping[str, Any], whole: str, least: float, *, required: bool) -> Found:
    value, quote, confidence = taken["value"], taken["quote"], float(taken["confidence"])
    # Nothing found needs no evidence; something found does.
    quoted = is_quoted(quote, whole) if value is not None or quote.strip() else True
    unsure = confidence < least or not quoted or (required and value is None)
    return Found(
        value=value,
        confidence=confidence,
        quote=quote,
        quoted=quoted,
        standing="unsure" if unsure else "stands",
    )


def is_quoted(quote: str, whole: str) -> bool:
    """Whether a document, flattened, has these words: whole ones, in this order."""
    wanted = flat(quote)
    if not wanted:
        return False
    before = r"(?<!\w)" if wanted[0].isalnum() else ""
    after = r"(?!\w)" if wanted[-1].isalnum() else ""
    return re.search(f"{before}{re.escape(wanted)}{after}", whole) is not None


def corrected(found: Mapping[str, Found], changed: Mapping[str, Any]) -> dict[str, Found]:
    """Return the fields after a person's yes: theirs where they gave one, else as they were."""
    after: dict[str, Found] = {}
    for name, field in found.items():
        if name in changed and changed[name] != field.value:
            value = changed[name]
            standing = "emptied" if value is None else "corrected"
            field = field.model_copy(  # noqa: PLW2901 - the field as it is from now on
                update={"value": value, "standing": standing, "was": field.value}
            )
        elif field.standing == "unsure":
            field = field.model_copy(update={"standing": "approved"})  # noqa: PLW2901
        after[name] = field
    return after


def emptied(found: Mapping[str, Found]) -> dict[str, Found]:
    """Return the fields after a person's no: the unsure ones have no value."""
    return {
        name: field.model_copy(update={"value": None, "standing": "emptied", "was": field.value})
        if field.standing == "unsure"
        else field
        for name, field in found.items()
    }


def correction_problems(
    form: Form, unsure: Mapping[str, frozenset[str]], changed: Mapping[str, Any]
) -> str:
    """Return what is wrong with a person's corrections; nothing if they may count.

    Args:
        form: The fields.
        unsure: The fields that each document's question is about, by its name.
        changed: Fields by document, as the person sent them.
    """
    for document, fields in changed.items():
        if document not in unsure:
            return f"no document {document!r} is asked about; there are {sorted(unsure)}"
        if not isinstance(fields, dict):
            return f'{document}: expected {{"field": value}}, not {type(fields).__name__}'
        values = {name: _value(field) for name, field in cast("dict[str, Any]", fields).items()}
        if other := sorted(values.keys() - unsure[document]):
            there = sorted(unsure[document])
            return f"{document}: {other[0]!r} is not asked about; the fields are {there}"
        written = {name: value for name, value in values.items() if value is not None}
        if wrong := forms.problems(forms.values_schema(form), written):
            return f"{document}: {'; '.join(wrong)}"
    return ""


def _value(given: Any) -> Any:
    """Return the value in what a person sent: bare, or in the form that they were shown."""
    if isinstance(given, dict) and "value" in given:
        return cast("dict[str, Any]", given)["value"]
    return cast("Any", given)


def values_of(changed: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return checked corrections as bare values, by document and field."""
    return {
        document: {name: _value(field) for name, field in fields.items()}
        for document, fields in changed.items()
    }
