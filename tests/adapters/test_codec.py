"""Plain values to DynamoDB attributes and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.adapters.codec import dump, dump_item, load, load_item
from tests.aws import Aws

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False, width=32).filter(lambda number: not number.is_integer())
    | st.text(max_size=20)
    | st.sets(st.text(min_size=1, max_size=5), min_size=1, max_size=3)
    | st.sets(st.integers(0, 99), min_size=1, max_size=3)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_stored_comes_back(value: Any) -> None:
    """Any value of ours survives the way to the wire and back."""
    assert value == load(dump(value))


@pytest.mark.parametrize("value", [set(), {1, "a"}, {True}, float("nan"), float("inf"), b"x", object()])
def test_what_cannot_be_stored_is_refused(value: Any) -> None:
    """An empty or mixed set, a number that is none, a foreign type."""
    with pytest.raises(TypeError):
        dump(value)


@pytest.mark.parametrize("attribute", [{}, {"B": b"x"}, {"BS": [b"x"]}])
def test_what_we_never_store_is_not_read(attribute: dict[str, Any]) -> None:
    """Binary values are none of ours."""
    with pytest.raises(TypeError):
        load(attribute)


def test_whole_numbers_stay_whole() -> None:
    """A counter is an int, however DynamoDB writes it."""
    assert [5, 5, 5.5] == [load({"N": text}) for text in ("5", "5.0", "5.5")]
    assert int is type(load({"N": "5E+0"}))


def test_an_item_survives_the_real_table(aws: Aws) -> None:
    """The table engine takes what is written, and gives the same back."""
    item = {"pk": "a", "sk": "b", "n": 1, "f": 0.25, "t": "", "m": {"x": [True, None]}, "s": {"p"}, "ns": {1, 2}}
    client = aws.client("dynamodb")

    client.put_item(TableName=aws.table, Item=dump_item(item))

    key = dump_item({"pk": "a", "sk": "b"})
    assert item == load_item(client.get_item(TableName=aws.table, Key=key)["Item"])
