"""Arguments checked against a schema, told so that a model can correct them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.tools.schema import MAX_FAULTS, faults_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "minLength": 2, "maxLength": 6, "pattern": "^[A-Z]+$", "description": "capitals"},
        "cabin": {"type": "string", "enum": ["economy", "first"]},
        "bags": {"type": "integer", "minimum": 0, "maximum": 5},
        "names": {"type": "array", "items": {"type": "string"}},
        "who": {"type": "object", "properties": {"age": {"type": "number"}}, "required": ["age"]},
    },
    "required": ["code"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "arguments", [{"code": "AB"}, {"code": "AB", "cabin": "first", "bags": 5, "names": ["x"], "who": {"age": 1.5}}]
)
def test_right_arguments_have_no_fault(arguments: dict[str, Any]) -> None:
    """Optional ones may be missing."""
    assert [] == faults_of(SCHEMA, arguments)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "code: is required"),
        ({"code": 5}, "code: expected a string, got 5"),
        ({"code": "A"}, "code: expected 2 to 6 characters, got 1"),
        ({"code": "ab"}, "code: expected capitals, got 'ab'"),
        ({"code": "AB", "cabin": "sofa"}, "cabin: expected one of economy, first, got 'sofa'"),
        ({"code": "AB", "bags": True}, "bags: expected an integer, got True"),
        ({"code": "AB", "bags": -1}, "bags: expected at least 0, got -1"),
        ({"code": "AB", "bags": 6}, "bags: expected at most 5, got 6"),
        ({"code": "AB", "names": ["x", 1]}, "names[1]: expected a string, got 1"),
        ({"code": "AB", "who": {}}, "who.age: is required"),
        ({"code": "AB", "pin": 1}, "pin: unknown; known: code, cabin, bags, names, who"),
        ([], "arguments: expected an object, got []"),
    ],
)
def test_a_fault_is_told_with_its_cure(arguments: Any, told: str) -> None:
    """Which argument, what was expected, what came."""
    assert [told] == faults_of(SCHEMA, arguments)


def test_faults_are_told_together_but_not_by_the_hundred() -> None:
    """A model corrects several at once; a page of them helps nobody."""
    many = {f"x{i}": 1 for i in range(100)}

    assert MAX_FAULTS == len(faults_of(SCHEMA, many))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SCHEMA["properties"], "x"]), inner)
        ),
    )
)
def test_any_arguments_are_checked_without_an_error(arguments: Any) -> None:
    """However odd what the model writes."""
    faults_of(SCHEMA, arguments)
