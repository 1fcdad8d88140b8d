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


async def test_a_token_opens_what_its_scopes_open(stack: Stack) -> None:
    """The function is asked with the token's claims as text; without a token or a scope that opens it, it is not."""
    admin, viewer = stack.token(), stack.token("organization_viewer")

    nobody = await stack.http.get("/api/desk/things")
    seen = await stack.http.get("/api/desk/things", headers=viewer)
    refused = await stack.http.post("/api/desk/things", json={}, headers=viewer)
    made = await stack.http.post("/api/desk/things", json={}, headers=admin)

    context = seen.json()["requestContext"]["authorizer"]["jwt"]
    assert [401, 200, 403, 201] == [each.status_code for each in (nobody, seen, refused, made)]
    assert ("org_1", "[organization_viewer]", "2") == tuple(
        context["claims"][name] for name in ("organization_id", "cognito:groups", "version")
    )
    assert ["aws.cognito.signin.user.admin", "ringfold/read"] == context["scopes"]
    assert {"proxy": "things"} == made.json()["pathParameters"]
    assert ["changed"] == stack.changes


async def test_refusals_are_api_gateways_with_our_shape_beside(stack: Stack) -> None:
    """AWS's message and header, and the error shape of the API, so that a client reads one shape everywhere."""
    nobody = await stack.http.get("/api/desk/things")
    expired = await stack.http.get("/api/desk/things", headers=stack.token(valid_s=-1))
    refused = await stack.http.post("/api/desk/things", headers=stack.token("organization_viewer"))

    assert ("Unauthorized", "unauthenticated") == (nobody.json()["message"], nobody.json()["error"]["code"])
    assert ("Forbidden", "forbidden") == (refused.json()["message"], refused.json()["error"]["code"])
    assert "Bearer" == nobody.headers["www-authenticate"]
    assert 'error="invalid_token" error_description="the token has expired"' in expired.headers["www-authenticate"]
    assert 'scope="ringfold/manage" error="insufficient_scope"' in refused.headers["www-authenticate"]


async def test_a_token_counts_in_the_header_only(stack: Stack) -> None:
    """In a query it would stand in logs and histories; there it opens nothing."""
    bearer = stack.token()["authorization"].removeprefix("Bearer ")

    answer = await stack.http.get("/api/desk/things", params={"access_token": bearer, "authorization": bearer})

    assert 401 == answer.status_code


async def test_an_open_path_of_administration_needs_no_token(stack: Stack) -> None:
    """The more specific route wins over the greedy one behind a token, and has no authorizer in its event."""
    answer = await stack.http.get("/api/desk/open")

    assert (200, "GET /api/desk/open") == (answer.status_code, answer.json()["routeKey"])
    assert "authorizer" not in answer.json()["requestContext"]


async def test_administration_is_in_the_feed_without_secrets(stack: Stack) -> None:
    """Requests and answers of administrators are shown, but no token, and no secret of a body, now or later."""
    secret, document = "s3cr3t-of-the-account", {"name": "x", "auth_token": "s3cr3t-of-the-account"}
    admin = stack.token()

    await stack.http.post("/api/desk/things?access_token=abc", json=document, headers=admin)
    await stack.http.post("/api/desk/things", content=f"{{{secret}", headers=admin)
    await stack.http.get("/api/files/x", params={"note": f"{secret} {admin['authorization']}"})

    records = (await stack.http.get("/local/traffic")).json()["records"]
    assert {"api", "api_answer", "invoke", "webhook", "twiml", "log"} >= {record["kind"] for record in records}
    first, second = (record for record in records if record["kind"] == "api")
    assert ({"name": "x", "auth_token": "***"}, "access_token=***") == (first["body"], first["query"].strip("?"))
    assert "22 bytes" == second["body"]
    assert secret not in str(records)
    assert "eyJ" not in str(records)
