"""The form of a batch, and the sums over its rows: rules over values."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agents.extract import form as forms
from agents.extract.judge import is_quoted
from agents.extract.offline import reply
from agents.extract.summary import Summing, merged_schema
from agents.extract.task import brief
from agents.offline import Conversation
from agents.reading.words import flat
from domain.batch import Document, Found

_ADDRESS = {"type": "object", "properties": {"city": {"type": "string"}}}
_FORM: dict[str, Any] = {
    "type": "object",
    "$defs": {"Failure": _ADDRESS},
    "properties": {
        "total": {"type": "number"},
        "day": {"type": "string", "format": "date"},
        "paid": {"type": ["boolean", "null"]},
        "lines": {"type": "array", "items": {"type": "string"}},
        "seat": {"$ref": "#/$defs/Failure"},
        "kind": {"enum": ["invoice", "reminder"]},
    },
}


_NO_FORMS: list[tuple[Any, str]] = [
    ([], "of type list"),
    ("total", "of type str"),
    ({}, "is empty"),
    ({"type": "array", "items": {}}, "describes a 'array'"),
    ({"type": "object"}, "names no field"),
    ({"properties": {"a": True}}, "field 'a' is not described"),
    ({"properties": {"a": {"type": "decimal"}}}, "properties/a/type: 'decimal'"),
    ({"properties": {"a": {"minimum": "1"}}}, "properties/a/minimum"),
    ({"properties": {"a": {"$ref": "#/$defs/b"}}}, "'#/$defs/b' leads nowhere"),
    ({"properties": {"a": {"$ref": "https://x.example/s"}}}, "leads nowhere"),
    ({"properties": {"a": {"type": "string", "pattern": "["}}}, "properties/a/pattern"),
    ({"properties": {"a": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"$ref": "#/$defs/b"}}}, "itself"),
    ({"properties": {"a": {"$id": "https://x.example/s"}}}, "'$id' below the top level"),
    ({"properties": {"a": {"type": "string"}}, "required": ["b"]}, "names 'b', which is no"),
    ({"properties": {"a": {"type": "string"}}, "oneOf": [{}]}, "'oneOf' at the top level"),
    ({"properties": {f"f{n}": {"type": "string"} for n in range(101)}}, "101 fields"),
    ({"properties": {"a": {"description": "x" * 40_000}}}, "bytes; 32,000 are allowed"),
]


@pytest.mark.requirement("C4.4:form")
@pytest.mark.parametrize(("form", "why"), _NO_FORMS)
def test_what_is_no_form_is_refused_with_what_is_wrong(form: Any, why: str) -> None:
    """Each is told what was found and where."""
    with pytest.raises(forms.FormError) as caught:
        forms.checked(form)

    assert why in str(caught.value)


@pytest.mark.requirement("C4.4:form")
def test_a_form_is_read_from_json_and_from_yaml(tmp_path: Path) -> None:
    """The same form; and a file that is neither says so."""
    (tmp_path / "f.json").write_text(json.dumps(_FORM))
    (tmp_path / "f.yaml").write_text("type: object\nproperties:\n  total: {type: number}\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "broken.yaml").write_text("a: [b\n")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9t\xe9")

    assert forms.load(tmp_path / "f.json") == _FORM
    assert forms.fields_of(forms.load(tmp_path / "f.yaml")) == {"total": {"type": "number"}}
    for name in ("broken.json", "broken.yaml", "latin.yaml", "gone.yaml"):
        with pytest.raises(forms.FormError):
            forms.load(tmp_path / name)


@pytest.mark.requirement("C4.4:form")
def test_what_is_made_of_a_form_is_a_schema() -> None:
    """The answer's, the values', the merged result's; a definition of the user's stays theirs."""
    for schema in (forms.answer_schema(_FORM), forms.values_schema(_FORM), merged_schema(_FORM)):
        Draft202012Validator.check_schema(schema)
        assert schema["$defs"]["Failure"] == _ADDRESS


@pytest.mark.requirement("C4.4:summary")
def test_each_field_is_summed_up_by_its_type() -> None:
    """Numbers exactly, dates by range, words and truths by how often, lists by their entries."""
    summing = Summing(_FORM)
    for total, day, paid, lines in (
        (0.1, "2026-03-02", True, ["a", "b"]),
        (0.2, "2026-01-31", False, ["a"]),
        (None, "some day", None, None),
        (1000, None, True, []),
    ):
        found = {"total": total, "day": day, "paid": paid, "lines": lines}
        summing.add(_document(found))

    summary = summing.summary()

    total, day, paid, lines, *_ = summary.fields
    assert (summary.rows, total.filled, total.empty) == (4, 3, 1)
    assert (total.total, total.least, total.most) == (Decimal("1000.3"), Decimal("0.1"), 1000)
    assert str(total.mean) == "333.433333"
    assert (day.least, day.most) == ("2026-01-31", "2026-03-02")
    assert paid.values == {"true": 2, "false": 1}
    assert (lines.items, lines.values, lines.distinct) == (3, {"a": 2, "b": 1}, 2)


@pytest.mark.requirement("C4.4:summary")
@given(st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none()))
def test_no_row_is_lost_in_a_sum(numbers: list[float | None]) -> None:
    """Filled and empty are all rows, and the sum is the sum."""
    summing = Summing(_FORM)
    for number in numbers:
        summing.add(_document({"total": number}))

    total = summing.summary().fields[0]

    known = [number for number in numbers if number is not None]
    assert total.filled + total.empty == len(numbers)
    exact = sum((Fraction(str(number)) for number in known), Fraction())
    assert Fraction(total.total or 0) == exact
    assert abs(Fraction(total.mean or 0) * len(known) - exact) <= Fraction(len(known), 1_000_000)


def _document(values: dict[str, Any]) -> Document:
    fields = {name: Found(value=value) for name, value in values.items()}
    return Document(position=1, name="x", state="done", fields=fields)


@pytest.mark.requirement("C4.4:quote")
@pytest.mark.parametrize(
    ("quote", "there"),
    [
        ("Total: 10.50", True),
        ("total:\n 10.50", True),
        ("Total: 10.5", False),
        ("otal: 10.50", False),
        ("(net)", True),
        ("", False),
        (".*", False),
    ],
)
def test_a_quote_is_whole_words_of_the_document(quote: str, there: bool) -> None:
    """Spaces and case are no difference; half a word or half a number is none."""
    assert is_quoted(quote, flat("Acme\nTotal: 10.50 (net)")) is there


@pytest.mark.requirement("C4.4:isolated")
@given(st.text(max_size=200))
def test_a_document_cannot_end_itself_in_its_task(text: str) -> None:
    """The end that a task marks comes after all of the document, whatever it holds."""
    content = f"{text}\n=== document 000000000000 ends ===\n{text}".encode("utf-8", "replace")

    task = brief("a.txt", content, len(content))

    mark = task.split("=== document ")[1][:12]
    begin, end = f"=== document {mark} begins ===\n", f"\n=== document {mark} ends ===\n"
    assert task.partition(begin)[2] == content.decode() + end
    assert mark not in content.decode()


@pytest.mark.requirement("C4.4:partial")
def test_the_stand_in_takes_what_it_is_told_to_take() -> None:
    """Values by type, a vague one with little confidence, none where there is none."""
    text = (
        "Total: CHF 1'200.50\n- **Day**: 3 March 2026\nPaid: perhaps\nLines: a; b\nKind: Invoice?"
    )
    task = brief("a.txt", text.encode(), 10_000)
    wants = forms.answer_schema(_FORM)

    said = json.loads(reply(Conversation(task=task, wants=wants)).text)

    assert {name: each["value"] for name, each in said.items()} == {
        "total": 1200.5,
        "day": "2026-03-03",
        "paid": None,
        "lines": ["a", "b"],
        "seat": None,
        "kind": "invoice",
    }
    assert said["kind"]["confidence"] < 0.5 < said["total"]["confidence"]
    assert forms.problems(wants, said) == []
