"""Faults of what is said: replies that take the place of the dialogue's own."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from local.model.behaviour import Plan
from local.model.dialogue.reply import Call, Reply
from local.model.pacing import split_tokens
from local.model.pieces import Finish, Piece, Text, ToolInput, ToolStart
from local.model.request import ConverseRequest

MARKDOWN: Final = (
    "# Your flight\n\n**OWL-101** is *delayed*. Here is what I know:\n\n"
    "1. New departure: `4:30 PM`\n2. Gate: B12\n- See [the status page](https://example.com/status?id=101&x=<1>)\n\n"
    "| flight | gate |\n|---|---|\n| OWL-101 | B12 |\n\n"
    '<speak>Please <break time="1s"/> wait.</speak> Write to help@skyowl.example or visit https://skyowl.example/help. '
    "Bell: \a, form feed: \f. Ça va? 😀 $12.50 & done."
)
LONG: Final = " ".join(f"This is sentence {number} of a very long answer." for number in range(1, 1251))
BROKEN_JSON: Final = '{"confirmation_code": "ABC1'
SAMPLE_INPUT: Final[dict[str, Any]] = {"string": "ABC123", "integer": 1, "number": 1, "boolean": True, "array": []}


def replace_reply(plan: Plan, request: ConverseRequest, reply: Reply) -> Reply:
    """The reply a content fault puts in place of the dialogue's; the same reply when there is none."""
    if plan.scripted is not None:
        return _scripted(plan.scripted)
    change = _CHANGES.get(plan.fault)
    return change(request, reply) if change else reply


def reply_pieces(reply: Reply, request: ConverseRequest, plan: Plan) -> Iterator[Piece]:
    """A reply as pieces, cut at ``maxTokens`` and at a stop sequence."""
    text, stop_reason = reply.text, "tool_use" if reply.calls else "end_turn"
    for stop in request.stop_sequences:
        if stop and stop in text:
            text, stop_reason = text[: text.index(stop)], "stop_sequence"
    pieces: list[Piece] = [Text(token) for token in split_tokens(text)]
    for call in reply.calls if stop_reason != "stop_sequence" else ():
        pieces.append(ToolStart(f"tooluse_{secrets.token_urlsafe(16)}", call.name))
        pieces += [ToolInput(part) for part in _fragments(_input_text(call, plan))]
    written = [piece for piece in pieces if not isinstance(piece, ToolStart)]
    if len(written) > request.max_tokens:
        last = written[request.max_tokens - 1]
        pieces = pieces[: next(at for at, piece in enumerate(pieces) if piece is last) + 1]
        stop_reason = "max_tokens"
    yield from pieces
    count = min(len(written), request.max_tokens)
    yield Finish(plan.stop_reason or stop_reason, request.input_tokens, count)


def _input_text(call: Call, plan: Plan) -> str:
    return BROKEN_JSON if plan.fault == "bad_tool_json" else json.dumps(call.input)


def _fragments(text: str) -> list[str]:
    # The first fragment is empty, as Claude's is.
    return ["", *(text[start : start + 12] for start in range(0, len(text), 12))]


def _scripted(entry: Mapping[str, Any]) -> Reply:
    calls = (Call(str(entry["tool"]), dict(entry.get("input", {}))),) if entry.get("tool") else ()
    return Reply(str(entry.get("text", "")), calls)


def _made_up_call(request: ConverseRequest) -> Call:
    """A call of an offered tool, one without side effects if there is one, its required fields filled somehow."""
    names = sorted(request.tools, key=lambda name: not name.startswith(("lookup", "get", "find", "list")))
    if not names:
        return Call("lookup_reservation", {"confirmation_code": "ABC123"})
    schema = request.tools[names[0]]["inputSchema"]["json"]
    properties = schema.get("properties", {})
    wanted = schema.get("required", list(properties))
    return Call(names[0], {name: SAMPLE_INPUT.get(properties.get(name, {}).get("type"), "ABC123") for name in wanted})


def _only_a_call(request: ConverseRequest, reply: Reply) -> Reply:
    return Reply("", reply.calls or (_made_up_call(request),))


def _wrong_types(request: ConverseRequest, reply: Reply) -> Reply:
    call = (reply.calls or (_made_up_call(request),))[0]
    return Reply("", (Call(call.name, {name: [{"not": value}, 7] for name, value in call.input.items()}),))


_CHANGES: Final[dict[str, Callable[[ConverseRequest, Reply], Reply]]] = {
    "empty": lambda request, reply: Reply(""),
    "blank": lambda request, reply: Reply(" \n  \t"),
    "tool_only": _only_a_call,
    "bad_tool_json": _only_a_call,
    "bad_tool_types": _wrong_types,
    "unknown_tool": lambda request, reply: Reply("", (Call("read_minds", {"of": "the caller"}),)),
    "tool_loop": lambda request, reply: Reply("", (_made_up_call(request),)),
    "markdown": lambda request, reply: Reply(MARKDOWN),
    "long": lambda request, reply: Reply(LONG),
}
