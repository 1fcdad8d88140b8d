"""Pieces as Converse writes them."""

from __future__ import annotations

from typing import Any

from local.model.converse import EventWriter, build_response
from local.model.pieces import Finish, Piece, Text, ToolInput, ToolStart

PIECES: list[Piece] = [
    Text("Let me"),
    Text(" look."),
    ToolStart("t1", "lookup_reservation"),
    ToolInput(""),
    ToolInput('{"confirmation_code": "ABC123"}'),
    ToolStart("t2", "end_call"),
    ToolInput("{}"),
    Finish("tool_use", 812, 6),
]


def _events(pieces: list[Piece]) -> list[tuple[str, dict[str, Any]]]:
    writer = EventWriter(latency_ms=420)
    events = [event for piece in pieces for event in writer.write(piece)]
    return [(name, {key: value for key, value in fields.items() if key != "p"}) for name, fields in events]


def test_events_come_in_converse_order() -> None:
    """Text starts with its delta, a tool call with its start; every block is closed; metadata is last."""
    names = [name for name, _ in _events(PIECES)]

    assert [
        "messageStart",
        *["contentBlockDelta"] * 2,
        "contentBlockStop",
        "contentBlockStart",
        *["contentBlockDelta"] * 2,
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ] == names


def test_blocks_are_numbered() -> None:
    """Each block has the next index, on all its events."""
    indexes = [fields["contentBlockIndex"] for _, fields in _events(PIECES) if "contentBlockIndex" in fields]

    assert [0, 0, 0, 1, 1, 1, 1, 2, 2, 2] == indexes


def test_metadata_tells_tokens_and_latency() -> None:
    """The last event carries usage and latency."""
    name, fields = _events(PIECES)[-1]

    assert "metadata" == name
    assert {"inputTokens": 812, "outputTokens": 6, "totalTokens": 818} == fields["usage"]
    assert {"latencyMs": 420} == fields["metrics"]


def test_an_empty_answer_is_a_message_without_blocks() -> None:
    """Nothing said is a start, a stop and metadata."""
    assert ["messageStart", "messageStop", "metadata"] == [name for name, _ in _events([Finish("end_turn", 9, 0)])]


def test_a_whole_answer_joins_the_pieces() -> None:
    """Converse gives the same content in one body."""
    body = build_response(PIECES, latency_ms=7)

    content = body["output"]["message"]["content"]
    assert {"text": "Let me look."} == content[0]
    assert {"confirmation_code": "ABC123"} == content[1]["toolUse"]["input"]
    assert {} == content[2]["toolUse"]["input"]
    assert "tool_use" == body["stopReason"]
    assert {"latencyMs": 7} == body["metrics"]
