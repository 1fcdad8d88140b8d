"""Authorizer, $connect and $disconnect; the token in the query says what to do."""

import json
from typing import Any


def handler(event: Any, context: Any) -> Any:
    print(json.dumps({"gate": event}))  # noqa: T201 - a handler's log line
    if event.get("type") == "REQUEST":
        return authorize(event)
    if event["requestContext"]["eventType"] == "CONNECT":
        return connect(event)
    return {"statusCode": 200}


def authorize(event: Any) -> Any:
    token = event["queryStringParameters"]["token"]
    if token == "crash":
        raise RuntimeError("asked for")
    statement = {"Action": "execute-api:Invoke", "Effect": "Deny" if token == "deny" else "Allow", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        "principalId": "caller",
        "policyDocument": policy,
        "context": {"call_sid": f"CA{token}", "gen": 1, "ok": True},
    }


def connect(event: Any) -> Any:
    token = event["queryStringParameters"]["token"]
    if token == "early":
        import shared  # noqa: PLC0415 - the other ways through this function must start quickly

        client = shared.connections()
        try:
            client.post_to_connection(ConnectionId=event["requestContext"]["connectionId"], Data=b"too early")
        except client.exceptions.GoneException:
            return {"statusCode": 200}
        return {"statusCode": 500}
    if token == "broken":
        raise RuntimeError("asked for")
    return {"statusCode": 418 if token == "teapot" else 200}
