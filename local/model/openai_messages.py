"""Converse's messages as OpenAI's chat messages, and OpenAI's chunks as pieces of an answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.model.pieces import Finish, Piece, Text, ToolInput, ToolStart
from local.model.request import ConverseRequest

STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "content_filtered",
}


def build_chat_request(request: ConverseRequest, model: str) -> dict[str, Any]:
    """The body of ``POST /chat/completions``."""
    inference = request.body.get("inferenceConfig", {})
    body: dict[str, Any] = {
        "model": model,
        "messages": list(_messages(request)),
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    for ours, theirs in (("temperature", "temperature"), ("topP", "top_p"), ("stopSequences", "stop")):
        if inference.get(ours):
            body[theirs] = inference[ours]
    if request.tools:
        body["tools"] = [_tool(spec) for spec in request.tools.values()]
    if request.tool_choice == "any":
        body["tool_choice"] = "required"
    elif request.tool_choice:
        body["tool_choice"] = {"type": "function", "function": {"name": request.tool_choice}}
    return body


class AnswerReader:
    """Puts the chunks of one answer together."""

    def __init__(self, input_tokens: int) -> None:
        """Start an answer to a request of about so many tokens."""
        self._input_tokens = input_tokens
        self._output_tokens = 0
        self._stop_reason = "end_turn"
        self._open_call: int | None = None

    def read(self, chunk: Mapping[str, Any]) -> Iterator[Piece]:
        """The pieces in one chunk; usage and the finish reason are kept for the end."""
        usage = chunk.get("usage") or {}
        self._input_tokens = usage.get("prompt_tokens", self._input_tokens)
        counted = usage.get("completion_tokens")
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            if delta.get("content"):
                self._output_tokens += 1
                yield Text(delta["content"])
            for call in delta.get("tool_calls") or []:
                yield from self._read_call(call)
            reason = choice.get("finish_reason")
            if reason:
                self._stop_reason = STOP_REASONS.get(reason, reason)
        self._output_tokens = counted if counted is not None else self._output_tokens

    def _read_call(self, call: Mapping[str, Any]) -> Iterator[Piece]:
        function = call.get("function") or {}
        index = call.get("index", 0)
        if index != self._open_call:
            self._open_call = index
            yield ToolStart(str(call.get("id") or f"call_{index}"), str(function.get("name", "")))
        if function.get("arguments"):
            self._output_tokens += 1
            yield ToolInput(function["arguments"])

    def finish(self) -> Finish:
        """The end of the answer. Some servers say ``stop`` after a tool call; Converse does not."""
        reason = "tool_use" if self._open_call is not None and self._stop_reason == "end_turn" else self._stop_reason
        return Finish(reason, self._input_tokens, self._output_tokens)


def _messages(request: ConverseRequest) -> Iterator[dict[str, Any]]:
    if request.system:
        yield {"role": "system", "content": request.system}
    for message in request.messages:
        texts = [block["text"] for block in message["content"] if "text" in block]
        if message["role"] == "user":
            for block in message["content"]:
                if "toolResult" in block:
                    result = block["toolResult"]
                    yield {"role": "tool", "tool_call_id": result["toolUseId"], "content": _result_text(result)}
            if texts:
                yield {"role": "user", "content": "\n".join(texts)}
        else:
            yield _assistant(message, texts)


def _assistant(message: Mapping[str, Any], texts: list[str]) -> dict[str, Any]:
    calls = [
        {
            "id": use["toolUseId"],
            "type": "function",
            "function": {"name": use["name"], "arguments": json.dumps(use["input"])},
        }
        for use in (block["toolUse"] for block in message["content"] if "toolUse" in block)
    ]
    built: dict[str, Any] = {"role": "assistant", "content": "\n".join(texts) or None}
    return {**built, "tool_calls": calls} if calls else built


def _result_text(result: Mapping[str, Any]) -> str:
    parts = [
        json.dumps(content["json"]) if "json" in content else str(content.get("text", ""))
        for content in result["content"]
    ]
    text = "\n".join(parts)
    return f"error: {text}" if result.get("status") == "error" else text


def _tool(spec: Mapping[str, Any]) -> dict[str, Any]:
    function = {
        "name": spec["name"],
        "description": spec.get("description", ""),
        "parameters": spec["inputSchema"]["json"],
    }
    return {"type": "function", "function": function}
