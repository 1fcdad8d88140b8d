"""The bridge to a language model, against a small stand-in of an OpenAI-compatible API over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, EventStreamError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.model.app import build_app
from local.model.openai_bridge import OpenAIBrain
from tests.local.model.builders import AIRLINE_TOOLS, MODEL, a_client, read_stream, tool_result, tool_use, user
from tests.local.model.conftest import ServerThread


@dataclass
class FakeOpenAI:
    """Answers with what it was told; keeps what it was asked."""

    chunks: list[Any] = field(default_factory=list)
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)
    authorization: str = ""

    async def complete(self, http: Request) -> Response:
        self.asked.append(await http.json())
        self.authorization = http.headers.get("authorization", "")
        if self.status != 200:
            return JSONResponse({"error": {"message": "no"}}, status_code=self.status)
        return StreamingResponse(self._lines(), media_type="text/event-stream")

    async def _lines(self) -> AsyncIterator[str]:
        for chunk in self.chunks:
            yield f"data: {chunk if isinstance(chunk, str) else json.dumps(chunk)}\n\n"
        yield "data: [DONE]\n\n"


@dataclass
class Bridge:
    """The stand-in, and a client whose model is behind it."""

    fake: FakeOpenAI
    url: str
    client: Any

    def ask(self, *messages: Any, **fields: Any) -> tuple[str, list[dict[str, Any]], str]:
        """Ask and read the answer to its end."""
        fields = {"toolConfig": {"tools": AIRLINE_TOOLS}} | fields
        answer = self.client.converse_stream(modelId=MODEL, messages=list(messages) or [user("Hi")], **fields)
        return read_stream(answer["stream"])


@pytest.fixture(scope="module")
def running() -> Iterator[Bridge]:
    """A bridge to a stand-in."""
    fake = FakeOpenAI()
    app = Starlette(routes=[Route("/v1/chat/completions", fake.complete, methods=["POST"])])
    with ServerThread(app) as upstream:
        brain = OpenAIBrain(f"{upstream}/v1/", "small-model", "key-1")
        with ServerThread(build_app(brain)) as url:
            client = a_client(url)
            yield Bridge(fake, url, client)
            client.close()


@pytest.fixture
def bridge(running: Bridge) -> Bridge:
    """The bridge, its stand-in as new."""
    running.fake.chunks = [text_chunk("Hello"), text_chunk(" there."), end_chunk("stop")]
    running.fake.status = 200
    running.fake.asked.clear()
    httpx.put(f"{running.url}/_control/behaviour", json={}, trust_env=False)
    return running


def text_chunk(text: str) -> dict[str, Any]:
    """A chunk of text."""
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


def call_chunk(index: int, arguments: str, **start: str) -> dict[str, Any]:
    """A chunk of a tool call; its first one names it."""
    function = {"arguments": arguments} | ({"name": start["name"]} if start else {})
    call = {"index": index, "function": function} | ({"id": start["id"], "type": "function"} if start else {})
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}


def end_chunk(reason: str) -> dict[str, Any]:
    """The last chunk."""
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


def test_text_comes_back_as_it_streams(bridge: Bridge) -> None:
    """Text chunks become deltas, the finish reason becomes Converse's."""
    assert ("Hello there.", [], "end_turn") == bridge.ask()
    assert "Bearer key-1" == bridge.fake.authorization


def test_usage_is_the_other_models(bridge: Bridge) -> None:
    """Token counts of the last chunk are passed on."""
    bridge.fake.chunks.append({"choices": [], "usage": {"prompt_tokens": 41, "completion_tokens": 2}})

    answer = bridge.client.converse(modelId=MODEL, messages=[user("Hi")])

    assert (41, 2, 43) == tuple(answer["usage"][key] for key in ("inputTokens", "outputTokens", "totalTokens"))


def test_tool_calls_come_back(bridge: Bridge) -> None:
    """Two calls after a word, their arguments in fragments."""
    bridge.fake.chunks = [
        text_chunk("Let me look."),
        call_chunk(0, "", id="call_a", name="lookup_reservation"),
        call_chunk(0, '{"confirmation_code":'),
        call_chunk(0, '"ABC123"}'),
        call_chunk(1, "{}", id="call_b", name="end_call"),
        end_chunk("stop"),
    ]

    text, calls, stop_reason = bridge.ask()

    assert ("Let me look.", "tool_use") == (text, stop_reason)
    assert [
        {"toolUseId": "call_a", "name": "lookup_reservation", "input": '{"confirmation_code":"ABC123"}'},
        {"toolUseId": "call_b", "name": "end_call", "input": "{}"},
    ] == [{key: call[key] for key in ("toolUseId", "name", "input")} for call in calls]


def test_the_conversation_is_translated(bridge: Bridge) -> None:
    """System prompt, tool calls and results arrive in the other API's form and order."""
    result = tool_result("t1", {"found": False}, status="error")
    result["content"].append({"text": "And now?"})

    bridge.ask(
        user("ABC123", "please"),
        tool_use("t1", confirmation_code="ABC123"),
        result,
        system=[{"text": "Be brief."}],
        inferenceConfig={"maxTokens": 99, "temperature": 0.5, "stopSequences": ["END"]},
    )

    asked = bridge.fake.asked[-1]
    arguments = '{"confirmation_code": "ABC123"}'
    assert [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "ABC123\nplease"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "t1", "type": "function", "function": {"name": "lookup_reservation", "arguments": arguments}}
            ],
        },
        {"role": "tool", "tool_call_id": "t1", "content": 'error: {"found": false}'},
        {"role": "user", "content": "And now?"},
    ] == asked["messages"]
    assert ("small-model", 99, 0.5, ["END"], True) == tuple(
        asked[key] for key in ("model", "max_tokens", "temperature", "stop", "stream")
    )
    assert "lookup_reservation" == asked["tools"][0]["function"]["name"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"any": {}}, "required"),
        ({"tool": {"name": "end_call"}}, {"type": "function", "function": {"name": "end_call"}}),
        ({"auto": {}}, None),
    ],
)
def test_tool_choice_is_translated(bridge: Bridge, choice: dict[str, Any], expected: Any) -> None:
    """A forced tool is forced there too."""
    bridge.ask(toolConfig={"tools": AIRLINE_TOOLS, "toolChoice": choice})

    assert expected == bridge.fake.asked[-1].get("tool_choice")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "ThrottlingException"),
        (401, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (500, "InternalServerException"),
        (502, "ServiceUnavailableException"),
    ],
)
def test_refusals_become_bedrocks(bridge: Bridge, status: int, code: str) -> None:
    """An error of the other API is an error at open here, with Bedrock's name."""
    bridge.fake.status = status

    with pytest.raises(ClientError) as refused:
        bridge.ask()

    assert code == refused.value.response["Error"]["Code"]


def test_a_broken_stream_is_a_stream_error(bridge: Bridge) -> None:
    """Nonsense amid the answer ends it with an exception inside the stream."""
    bridge.fake.chunks.insert(1, "{nonsense")

    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        bridge.ask()


def test_faults_apply_to_the_bridge(bridge: Bridge) -> None:
    """The behaviour's faults and scripts work in front of any brain."""
    httpx.put(
        f"{bridge.url}/_control/behaviour",
        json={"script": [{"text": "Scripted."}], "first_token_ms": 0},
        trust_env=False,
    )

    assert "Scripted." == bridge.ask()[0]
    assert [] == bridge.fake.asked


def test_an_unreachable_model_is_unavailable() -> None:
    """Nobody listens: the service is unavailable."""
    with ServerThread(build_app(OpenAIBrain("http://127.0.0.1:9/v1"))) as url:
        client = a_client(url)
        with pytest.raises(ClientError, match="ServiceUnavailableException"):
            client.converse_stream(modelId=MODEL, messages=[user("Hi")])
        client.close()
