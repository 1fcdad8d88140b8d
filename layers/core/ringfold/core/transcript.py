"""The durable transcript of a conversation: what was said and heard, in order, in one form for every channel."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from ringfold.core import events as ev
from ringfold.core.history import Entry

MAX_TOOL_CHARS: Final = 2000
"""A tool's result is kept up to here; the rest is in the tool's own system."""


def build_transcript(greeting: str, told: Iterable[Entry]) -> list[dict[str, Any]]:
    """Turn transcript entries into what is stored.

    Returns:
        ``{"role": "caller" | "agent" | "event", "text", "at"}`` in order; the caller's may be ``typed``, the agent's
        may have ``tools``: ``[{"name", "input", "result", "ok"}]``. ``at`` is ISO 8601, UTC.
    """
    first = [{"role": "agent", "text": greeting, "greeting": True}] if greeting else []
    return [*first, *(_line(entry) for entry in told)]


def tail_of(transcript: Sequence[Mapping[str, Any]], count: int) -> list[dict[str, str]]:
    """The last utterances, as a call back is reminded of them; nothing when the caller never spoke."""
    if not any(line["role"] == "caller" for line in transcript):
        return []
    said = [line for line in transcript if line["role"] != "event"]
    lines = [line for line in said if str(line.get("text", "")).strip() and not line.get("greeting")]
    return [{"role": str(line["role"]), "text": str(line["text"])} for line in lines[-count:]]


def _line(entry: Entry) -> dict[str, Any]:
    line: dict[str, Any] = {"role": entry["role"], "text": entry["text"], "at": _time_of(str(entry["key"]))}
    if entry.get("typed"):
        line["typed"] = True
    tools = [tool for step in entry.get("steps", ()) for tool in step["tools"]]
    if tools:
        line["tools"] = [_tool(tool) for tool in tools]
    return line


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    result = tool["result"]
    return {
        "name": tool["name"],
        "input": _json(tool["input"]),
        "result": None if result is None else _json(str(result)[:MAX_TOOL_CHARS]),
        "ok": bool(tool["ok"]),
    }


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _time_of(key: str) -> str:
    at = datetime.fromtimestamp(ev.stamp_of(key) / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
