"""Valid Converse requests, and a client of the real kind."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import botocore.session
from botocore.config import Config

from local.model.request import ConverseRequest, parse_request

MODEL = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
FALLBACK = "us.amazon.nova-lite-v1:0"
VOICE = (
    "You are Skye, the voice assistant of SkyOwl Airlines. Help callers with their reservation.\n\n"
    "You are speaking with a caller in a phone call (channel: voice). Answer in one or two short sentences."
)
SMS = (
    "You are Skye, the assistant of SkyOwl Airlines.\n\n"
    "You are answering a text message (channel: sms). Answer in two or three sentences with the key details inline."
)


def a_tool(name: str, required: Sequence[str] = (), optional: Sequence[str] = ()) -> dict[str, Any]:
    """A tool whose inputs are all strings."""
    properties = {field: {"type": "string"} for field in (*required, *optional)}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"toolSpec": {"name": name, "description": f"The tool {name}.", "inputSchema": {"json": schema}}}


END_CALL = a_tool("end_call", ["farewell"])
AIRLINE_TOOLS = [
    a_tool("lookup_reservation", ["confirmation_code"]),
    a_tool("lookup_available_seats", ["flight_number"], ["cabin", "preference"]),
    a_tool("change_seat", ["confirmation_code", "seat"]),
    END_CALL,
]


def user(*texts: str) -> dict[str, Any]:
    """A message of the caller."""
    return {"role": "user", "content": [{"text": text} for text in texts]}


def assistant(*texts: str) -> dict[str, Any]:
    """A message of the agent."""
    return {"role": "assistant", "content": [{"text": text} for text in texts]}


def tool_use(tool_use_id: str, name: str = "lookup_reservation", **inputs: Any) -> dict[str, Any]:
    """A tool call of the agent."""
    return {"role": "assistant", "content": [{"toolUse": {"toolUseId": tool_use_id, "name": name, "input": inputs}}]}


def tool_result(tool_use_id: str, result: Mapping[str, Any] | None = None, status: str = "success") -> dict[str, Any]:
    """The result of a tool call."""
    content = [{"json": dict(result or {"ok": True})}]
    return {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": tool_use_id, "content": content, "status": status}}],
    }


def a_body(
    *messages: Mapping[str, Any], system: str = VOICE, tools: Sequence[Any] = AIRLINE_TOOLS, **more: Any
) -> dict[str, Any]:
    """The JSON body of a valid request; ``more`` are further top-level fields."""
    body: dict[str, Any] = {
        "messages": list(messages) or [user("Hello")],
        "system": [{"text": system}],
        "inferenceConfig": {"maxTokens": 300},
    }
    return body | ({"toolConfig": {"tools": list(tools)}} if tools else {}) | more


def a_request(*messages: Mapping[str, Any], model_id: str = MODEL, **more: Any) -> ConverseRequest:
    """The same as the brains see it."""
    return parse_request("request-1", model_id, json.dumps(a_body(*messages, **more)).encode())


def a_client(url: str, read_timeout: float = 5) -> Any:
    """A real Bedrock Runtime client that tries once."""
    session = botocore.session.get_session()
    config = Config(retries={"total_max_attempts": 1}, read_timeout=read_timeout, connect_timeout=2, proxies={})
    return session.create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


def read_stream(stream: Any) -> tuple[str, list[dict[str, Any]], str]:
    """Text, tool calls and stop reason of a ConverseStream answer; tool input as the text it came in."""
    text, calls, stop_reason = "", [], ""
    with contextlib.closing(stream):
        for event in stream:
            if "contentBlockStart" in event:
                calls.append({**event["contentBlockStart"]["start"]["toolUse"], "input": ""})
            elif "contentBlockDelta" in event:
                delta = event["contentBlockDelta"]["delta"]
                text += delta.get("text", "")
                if "toolUse" in delta:
                    calls[-1]["input"] += delta["toolUse"]["input"]
            elif "messageStop" in event:
                stop_reason = event["messageStop"]["stopReason"]
    return text, calls, stop_reason
