"""The part of JSON Schema that tool arguments are checked by: types, required, enum, bounds, known names.

Written here because a general validator costs the speaking path its import and tells a model little it can act on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

_TYPES: Final[Mapping[str, Callable[[object], bool]]] = MappingProxyType(
    {
        "string": lambda value: isinstance(value, str),
        "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
        "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
        "boolean": lambda value: isinstance(value, bool),
        "object": lambda value: isinstance(value, Mapping),
        "array": lambda value: isinstance(value, list | tuple),
        "null": lambda value: value is None,
    }
)
MAX_FAULTS: Final = 5


def faults_of(schema: Mapping[str, Any], value: object, where: str = "arguments") -> list[str]:
    """What is wrong with a value, in sentences a model can act on; empty when nothing is.

    Args:
        schema: ``type``, ``enum``, ``pattern``, ``minLength``, ``maxLength``, ``minimum``, ``maximum``,
            ``properties``, ``required``, ``additionalProperties: false`` and ``items`` are looked at.
        value: What the model gave.
        where: Its name in the sentences.
    """
    expected = schema.get("type")
    if isinstance(expected, str) and not _TYPES[expected](value):
        return [f"{where}: expected {_article(expected)}, got {_shown(value)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where}: expected one of {', '.join(map(str, schema['enum']))}, got {_shown(value)}"]
    if isinstance(value, str):
        return _text_faults(schema, value, where)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number_faults(schema, value, where)
    if isinstance(value, Mapping):
        return _object_faults(schema, value, where)[:MAX_FAULTS]
    if isinstance(value, list | tuple) and isinstance(schema.get("items"), Mapping):
        faults = [f for i, item in enumerate(value) for f in faults_of(schema["items"], item, f"{where}[{i}]")]
        return faults[:MAX_FAULTS]
    return []


def _object_faults(schema: Mapping[str, Any], value: Mapping[str, Any], where: str) -> list[str]:
    properties: Mapping[str, Any] = schema.get("properties", {})
    inside = "" if where == "arguments" else f"{where}."
    faults = [f"{inside}{name}: is required" for name in schema.get("required", ()) if name not in value]
    if schema.get("additionalProperties") is False:
        known = ", ".join(properties)
        faults += [f"{inside}{name[:64]}: unknown; known: {known}" for name in value if name not in properties]
    for name, inner in properties.items():
        if name in value:
            faults += faults_of(inner, value[name], f"{inside}{name}")
    return faults


def _text_faults(schema: Mapping[str, Any], value: str, where: str) -> list[str]:
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 2000)
    if not shortest <= len(value) <= longest:
        return [f"{where}: expected {shortest} to {longest} characters, got {len(value)}"]
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        return [f"{where}: expected {schema.get('description', schema['pattern'])}, got {_shown(value)}"]
    return []


def _number_faults(schema: Mapping[str, Any], value: float, where: str) -> list[str]:
    if "minimum" in schema and value < schema["minimum"]:
        return [f"{where}: expected at least {schema['minimum']}, got {value}"]
    if "maximum" in schema and value > schema["maximum"]:
        return [f"{where}: expected at most {schema['maximum']}, got {value}"]
    return []


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
