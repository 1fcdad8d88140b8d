"""The events API Gateway and SQS hand to Lambda, built as AWS builds them (reference: aws.md section 1.2)."""

import base64
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

Pairs = Sequence[tuple[str, str]]
_TEXT_TYPES: Final = re.compile(r"(text/.*|application/(json|xml|javascript|.+\+json|.+\+xml))(;.*)?$", re.IGNORECASE)
_ACCOUNT: Final = "000000000000"


def new_id() -> str:
    """An id as API Gateway makes them: URL-safe base64 that ends in `=`."""
    return base64.urlsafe_b64encode(os.urandom(11)).decode()


def now_ms() -> int:
    """The time of day in milliseconds."""
    return int(time.time() * 1000)


def _clf_time(epoch_ms: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(epoch_ms / 1000))


# --- HTTP API, payload format 2.0 --------------------------------------------------------------------------------


@dataclass(frozen=True)
class HttpRequest:
    """A request as it came in."""

    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes
    source_ip: str


def build_http_event(
    request: HttpRequest,
    route_key: str,
    path_parameters: Mapping[str, str],
    authorizer: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The HTTP API's event: header names in lower case, repeated headers joined, form bodies in base64."""
    headers: dict[str, str] = {}
    cookies: list[str] = []
    for name, value in request.headers:
        lower = name.lower()
        if lower == "cookie":
            cookies += [part.strip() for part in value.split(";")]
        else:
            headers[lower] = f"{headers[lower]},{value}" if lower in headers else value
    at_ms = now_ms()
    host = headers.get("host", "")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": _ACCOUNT,
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split(".", maxsplit=1)[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": new_id(),
            "routeKey": route_key,
            "stage": "$default",
            "time": _clf_time(at_ms),
            "timeEpoch": at_ms,
        },
        "isBase64Encoded": False,
    }
    if authorizer is not None:
        event["requestContext"]["authorizer"] = dict(authorizer)
    if cookies:
        event["cookies"] = cookies
    if query := parse_qsl(request.query, keep_blank_values=True):
        event["queryStringParameters"] = _joined(query)
    if path_parameters:
        event["pathParameters"] = dict(path_parameters)
    if request.body:
        event["body"], event["isBase64Encoded"] = _encode_body(request.body, headers.get("content-type", ""))
    return event


def _joined(pairs: Pairs) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _encode_body(body: bytes, content_type: str) -> tuple[str, bool]:
    """Text types pass as they are; everything else, a form post included, goes in base64."""
    if _TEXT_TYPES.match(content_type):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


# --- WebSocket API -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Handshake:
    """What a WebSocket was opened with; header names in the sender's case."""

    connection_id: str
    connected_ms: int
    domain: str
    stage: str
    headers: Pairs
    query: str
    source_ip: str

    @property
    def queries(self) -> Pairs:
        """The decoded query."""
        return parse_qsl(self.query, keep_blank_values=True)


def _relay_context(handshake: Handshake, event_type: str, route_key: str, stamp_ms: int) -> dict[str, Any]:
    request_id = new_id()
    user_agent = next((value for name, value in handshake.headers if name.lower() == "user-agent"), None)
    identity = {"sourceIp": handshake.source_ip}
    if user_agent is not None:
        identity["userAgent"] = user_agent
    return {
        "routeKey": route_key,
        "eventType": event_type,
        "messageDirection": "IN",
        "connectionId": handshake.connection_id,
        "connectedAt": handshake.connected_ms,
        "requestTimeEpoch": stamp_ms,
        "requestTime": _clf_time(stamp_ms),
        "requestId": request_id,
        "extendedRequestId": request_id,
        "apiId": "local",
        "domainName": handshake.domain,
        "stage": handshake.stage,
        "identity": identity,
    }


def _with_request(event: dict[str, Any], handshake: Handshake) -> dict[str, Any]:
    event["headers"] = dict(handshake.headers)
    event["multiValueHeaders"] = _multi(handshake.headers)
    if queries := handshake.queries:
        event["queryStringParameters"] = dict(queries)
        event["multiValueQueryStringParameters"] = _multi(queries)
    return event


def _multi(pairs: Pairs) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def build_authorizer_event(handshake: Handshake, region: str) -> dict[str, Any]:
    """The event of the REQUEST authorizer."""
    arn = f"arn:aws:execute-api:{region}:{_ACCOUNT}:local/{handshake.stage}/$connect"
    context = _relay_context(handshake, "CONNECT", "$connect", now_ms())
    return _with_request({"type": "REQUEST", "methodArn": arn, "requestContext": context}, handshake)


def build_connect_event(handshake: Handshake, authorizer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The event of `$connect`."""
    context = _relay_context(handshake, "CONNECT", "$connect", now_ms())
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    return _with_request({"requestContext": context, "isBase64Encoded": False}, handshake)


def build_message_event(
    handshake: Handshake, authorizer: Mapping[str, Any] | None, route_key: str, body: str, stamp_ms: int
) -> dict[str, Any]:
    """The event of one frame: no headers and no query string, as at AWS."""
    context = _relay_context(handshake, "MESSAGE", route_key, stamp_ms)
    context["messageId"] = new_id()
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    return {"requestContext": context, "body": body, "isBase64Encoded": False}


def build_disconnect_event(
    handshake: Handshake, authorizer: Mapping[str, Any] | None, code: int, reason: str
) -> dict[str, Any]:
    """The event of `$disconnect`."""
    context = _relay_context(handshake, "DISCONNECT", "$disconnect", now_ms())
    context["disconnectStatusCode"] = code
    context["disconnectReason"] = reason
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    headers = [(name, value) for name, value in handshake.headers if name.lower() in {"host", "x-forwarded-for"}]
    event = {"requestContext": context, "headers": dict(headers), "multiValueHeaders": _multi(headers)}
    return {**event, "isBase64Encoded": False}


# --- SQS ---------------------------------------------------------------------------------------------------------


def build_queue_event(messages: Sequence[Mapping[str, Any]], queue_arn: str, region: str) -> dict[str, Any]:
    """The event of an SQS event source mapping, from what ReceiveMessage gave."""
    return {"Records": [_queue_record(message, queue_arn, region) for message in messages]}


def _queue_record(message: Mapping[str, Any], queue_arn: str, region: str) -> dict[str, Any]:
    attributes = {
        name: {
            "stringValue": value.get("StringValue"),
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": value["DataType"],
        }
        for name, value in message.get("MessageAttributes", {}).items()
    }
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": attributes,
        "md5OfBody": message.get("MD5OfBody", ""),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
