"""The judge of names, types and ranges, and that its tables are the service's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.model import shapes
from local.model.errors import BedrockError
from local.model.request import parse_request
from tests.local.model.builders import AIRLINE_TOOLS, MODEL, a_body, a_request, tool_result, tool_use, user


def judge(changes: Mapping[str, Any]) -> None:
    """A valid request with these top-level fields instead of its own."""
    parse_request("request-1", MODEL, json.dumps({**a_body(), **changes}).encode())


SERVICE = botocore.session.get_session().get_service_model("bedrock-runtime")


@pytest.mark.parametrize(
    ("shape", "ours"),
    [
        ("ConverseStreamRequest", shapes.TOP_LEVEL | {"modelId"}),
        ("ContentBlock", shapes.CONTENT),
        ("ToolResultContentBlock", shapes.TOOL_RESULT_CONTENT),
        ("SystemContentBlock", shapes.SYSTEM_CONTENT),
        ("Tool", shapes.TOOL),
        ("ToolChoice", shapes.TOOL_CHOICE),
    ],
)
def test_the_tables_are_botocores(shape: str, ours: frozenset[str]) -> None:
    """A field the service has is known here, and no other."""
    members: Mapping[str, Any] = SERVICE.shape_for(shape).members  # type: ignore[attr-defined]  # of structures

    assert set(members) == ours


@pytest.mark.parametrize(
    "changes",
    [
        {"thinking": {"type": "enabled"}},
        {"messages": "hello"},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "system", "content": [{"text": "hi"}]}]},
        {"messages": [{"role": "user", "content": [{"text": "hi", "image": {}}]}]},
        {"messages": [{"role": "user", "content": [{"words": "hi"}]}]},
        {"messages": [{"role": "user", "content": [{"text": 7}]}]},
        {"messages": [{"role": "user", "content": [{"text": "hi"}], "name": "Jane"}]},
        {"system": [{"text": ""}]},
        {"system": "You are kind."},
        {"inferenceConfig": {"maxTokens": 0}},
        {"inferenceConfig": {"maxTokens": 1.5}},
        {"inferenceConfig": {"maxTokens": True}},
        {"inferenceConfig": {"max_tokens": 300}},
        {"inferenceConfig": {"temperature": 1.5}},
        {"inferenceConfig": {"topP": -1}},
        {"toolConfig": {}},
        {"toolConfig": {"tools": []}},
        {"toolConfig": {"tools": [{"toolSpec": {"name": "a b", "inputSchema": {"json": {"type": "object"}}}}]}},
        {"toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": {"type": "string"}}}}]}},
        {"toolConfig": {"tools": [{"toolSpec": {"name": "a", "inputSchema": {}}}]}},
        {"toolConfig": {"tools": AIRLINE_TOOLS, "toolChoice": {"auto": {}, "any": {}}}},
    ],
    ids=str,
)
def test_what_the_service_has_no_room_for_is_refused(changes: dict[str, Any]) -> None:
    """Unknown fields, wrong types and values out of range are validation errors."""
    with pytest.raises(BedrockError) as refused:
        judge(changes)

    assert "ValidationException" == refused.value.name


@pytest.mark.parametrize(
    ("messages", "part"),
    [
        ([user("hi"), tool_use("a/b"), tool_result("a/b")], "pattern"),
        ([user("hi"), tool_use("t1", "look up"), tool_result("t1")], "pattern"),
        ([user("hi"), tool_use("t1"), tool_result("t1", status="unknown")], "enum value set: [success, error]"),
    ],
)
def test_tool_blocks_are_checked(messages: list[Any], part: str) -> None:
    """Tool names, ids and statuses follow the service's patterns."""
    with pytest.raises(BedrockError) as refused:
        a_request(*messages)

    assert part in refused.value.message


def test_an_error_result_needs_content() -> None:
    """A tool result with status error and no content is refused, in Bedrock's words."""
    result = tool_result("t1", status="error")
    result["content"][0]["toolResult"]["content"] = []

    with pytest.raises(BedrockError, match="cannot be empty when status value is error"):
        a_request(user("hi"), tool_use("t1"), result)


def test_a_json_result_must_be_an_object() -> None:
    """A list or a number as the JSON of a tool result is refused."""
    result = tool_result("t1")
    result["content"][0]["toolResult"]["content"] = [{"json": [1, 2]}]

    with pytest.raises(BedrockError, match="Provide a json object"):
        a_request(user("hi"), tool_use("t1"), result)


@pytest.mark.parametrize("model_id", ["anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-sonnet-4-6"])
def test_newer_models_need_an_inference_profile(model_id: str) -> None:
    """A base id of a newer Claude is refused as Bedrock refuses it."""
    with pytest.raises(BedrockError, match="on-demand throughput isn’t supported"):
        a_request(model_id=model_id)


def test_a_profile_arn_is_a_model_id() -> None:
    """An inference profile may be named by its ARN."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456"

    assert arn == a_request(model_id=arn).model_id


def test_an_empty_body_is_a_conversation_without_start() -> None:
    """No body at all is refused like an empty conversation."""
    with pytest.raises(BedrockError, match="must start with a user message"):
        parse_request("r", MODEL, b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(shapes.CONTENT)), inner),
    max_leaves=8,
)


@given(st.sampled_from(["messages", "system", "toolConfig", "inferenceConfig"]), JSON)
def test_whatever_comes_is_judged(field: str, value: Any) -> None:
    """However odd a field, nothing but a validation error gets out."""
    name = "ValidationException"
    try:
        judge({field: value})
    except BedrockError as refused:
        name = refused.name

    assert "ValidationException" == name
