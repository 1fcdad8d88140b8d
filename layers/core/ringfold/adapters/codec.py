"""DynamoDB attribute values to plain Python and back.

boto3's own (de)serializer goes through ``Decimal`` and costs several times as much; we store no number that needs it:
counts, milliseconds and flags. Strings, numbers, booleans, null, maps, lists and sets of strings or numbers; an empty
set cannot be stored, so it must be left out by the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Attribute = Mapping[str, Any]
"""One attribute value on the wire, for example ``{"S": "abc"}``."""


def dump(value: Any) -> dict[str, Any]:
    """One plain value as an attribute.

    Raises:
        TypeError: If DynamoDB has no form for it, an empty set included.
    """
    if isinstance(value, str):
        return {"S": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": _number(value)}
    if isinstance(value, Mapping):
        return {"M": {name: dump(inner) for name, inner in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [dump(inner) for inner in value]}
    if isinstance(value, set | frozenset):
        return _dump_set(value)
    raise TypeError(f"cannot store a {type(value).__name__} in DynamoDB")


def load(attribute: Attribute) -> Any:
    """One attribute as a plain value; numbers become ``int`` when they are whole, else ``float``.

    Raises:
        TypeError: If it is of a kind we never store.
    """
    for kind, value in attribute.items():
        match kind:
            case "S" | "BOOL":
                return value
            case "N":
                return _parse(value)
            case "M":
                return {name: load(inner) for name, inner in value.items()}
            case "L":
                return [load(inner) for inner in value]
            case "NULL":
                return None
            case "SS":
                return set(value)
            case "NS":
                return {_parse(number) for number in value}
    raise TypeError(f"unknown attribute kind {'/'.join(attribute) or 'none'}")


def dump_item(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """A whole item, key or expression values, for the wire."""
    return {name: dump(value) for name, value in item.items()}


def load_item(item: Mapping[str, Attribute]) -> dict[str, Any]:
    """A whole item from the wire."""
    return {name: load(value) for name, value in item.items()}


def _dump_set(value: set[Any] | frozenset[Any]) -> dict[str, Any]:
    members = sorted(value)
    if members and all(isinstance(member, str) for member in members):
        return {"SS": members}
    if members and all(isinstance(member, int | float) and not isinstance(member, bool) for member in members):
        return {"NS": [_number(member) for member in members]}
    raise TypeError("a set is stored as strings or numbers, and never empty")


def _number(value: float) -> str:
    text = repr(value)
    if text in {"nan", "inf", "-inf"}:
        raise TypeError(f"cannot store {text} in DynamoDB")
    return text


def _parse(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() else number
