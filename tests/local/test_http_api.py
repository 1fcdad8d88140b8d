"""The HTTP API: payload format 2.0, routes, failures."""

import base64
import json
from typing import Any

import httpx
import pytest

from tests.local.conftest import Stack


async def told(answer: httpx.Response) -> Any:
    return json.loads(answer.text)


async def test_form_post_arrives_in_base64(stack: Stack) -> None:
    """A form body is base64-encoded, header names are in lower case, repeated query parameters are joined."""
    answer = await stack.http.post("/api/echo?a=1&a=2&b=x%20y", data={"To": "+15550100"}, headers={"X-Twilio": "s"})

    event = (await told(answer))["event"]
    assert ("2.0", "POST /api/echo") == (event["version"], event["routeKey"])
    assert (True, b"To=%2B15550100") == (event["isBase64Encoded"], base64.b64decode(event["body"]))
    assert {"a": "1,2", "b": "x y"} == event["queryStringParameters"]
    assert ("/api/echo", "a=1&a=2&b=x%20y") == (event["rawPath"], event["rawQueryString"])
    assert "s" == event["headers"]["x-twilio"]
    assert ("POST", "/api/echo") == tuple(event["requestContext"]["http"][name] for name in ("method", "path"))


async def test_json_post_arrives_as_text(stack: Stack) -> None:
    """A JSON body is text; cookies are parted from the headers; a request without a body has none."""
    event = (await told(await stack.http.post("/api/echo", json={"a": 1}, headers={"cookie": "k=v; l=w"})))["event"]
    empty = (await told(await stack.http.get("/api/items/7")))["event"]

    assert (False, '{"a":1}') == (event["isBase64Encoded"], event["body"])
    assert ["k=v", "l=w"] == event["cookies"]
    assert "cookie" not in event["headers"]
    assert "body" not in empty


async def test_routes(stack: Stack) -> None:
    """Path parameters are decoded, greedy ones take the rest, and what has no route is API Gateway's 404."""
    item = (await told(await stack.http.put("/api/items/a%20b")))["event"]
    file = (await told(await stack.http.get("/api/files/x/y/z.txt")))["event"]
    wrong_method = await stack.http.get("/api/echo")
    nowhere = await stack.http.get("/api/nowhere")

    assert ("ANY /api/items/{item_id}", {"item_id": "a b"}) == (item["routeKey"], item["pathParameters"])
    assert {"path": "x/y/z.txt"} == file["pathParameters"]
    assert [(404, {"message": "Not Found"})] * 2 == [
        (each.status_code, each.json()) for each in (wrong_method, nowhere)
    ]


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        ("raise", 500, b'{"message": "Internal Server Error"}'),
        ("malformed", 500, b'{"message": "Internal Server Error"}'),
        ("bare", 200, b'{"hello": "world"}'),
        ("binary", 200, b"\x00\x01\x02"),
    ],
)
async def test_answers(stack: Stack, answer: str, status: int, body: bytes) -> None:
    """A failure or malformed answer is 500; an answer without a status is JSON; binary bodies are decoded."""
    got = await stack.http.get(f"/api/items/1?answer={answer}")

    assert (status, body) == (got.status_code, got.content)


async def test_cookies_and_headers_of_an_answer(stack: Stack) -> None:
    """Cookies of an answer become headers of their own; its own headers pass."""
    got = await stack.http.post("/api/echo?answer=cookies", content="hi", headers={"content-type": "text/plain"})

    assert (201, "hi", "yes") == (got.status_code, got.text, got.headers["x-own"])
    assert ["a=1", "b=2"] == got.headers.get_list("set-cookie")


async def test_slow_function_is_service_unavailable(stack: Stack) -> None:
    """Beyond the integration's timeout the client gets 503, and the feed calls it a violation."""
    got = await stack.http.get("/api/items/1?sleep=1")

    assert (503, {"message": "Service Unavailable"}) == (got.status_code, got.json())
    assert "503" in (await stack.record("violation"))["what"]


async def test_webhook_and_answer_are_in_the_feed(stack: Stack) -> None:
    """The feed shows a webhook with its call and parameters, and the answer to it, but no signature."""
    await stack.http.post("/api/echo", data={"CallSid": "CA1", "From": "+1"}, headers={"X-Twilio-Signature": "s3cret"})

    records = (await stack.http.get("/local/traffic?call_sid=CA1")).json()["records"]
    assert ["webhook", "invoke", "twiml"] == [record["kind"] for record in records]
    assert {"CallSid": "CA1", "From": "+1"} == records[0]["fields"]


async def test_throttled_function_is_service_unavailable(stack: Stack) -> None:
    """With no worker allowed, a webhook gets 503."""
    await stack.http.put("/local/workers/web/faults", json={"concurrency": 0})

    assert 503 == (await stack.http.post("/api/echo")).status_code
