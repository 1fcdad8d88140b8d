"""The handler of the authorizer, ``$connect`` and ``$disconnect``; see tests/service/test_handshake.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.relay_connect import app
from ringfold import bootstrap
from ringfold.errors import ConfigError
from tests.world import RELAY, World, authorizer_event

ARN = "arn:aws:execute-api:us-east-1:000000000000:abc/prod/$connect"
DENY = {
    "principalId": "nobody",
    "policyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": ARN}],
    },
    "context": {},
}


def test_connect_does_nothing_but_say_yes() -> None:
    """The authorizer has settled everything; posting now would be refused."""
    assert {"statusCode": 200} == app.handler(
        {"requestContext": {"eventType": "CONNECT", "routeKey": "$connect"}}, None
    )


def test_a_refusal_is_a_policy(world: World) -> None:
    """A denied handshake becomes the gateway's 403, with no context and no reason."""
    assert DENY == app.handler(authorizer_event(f"{RELAY}?token=forged"), None)


@pytest.mark.parametrize(
    "change",
    [
        {"queryStringParameters": None, "multiValueQueryStringParameters": None},
        {"headers": None},
        {"requestContext": {}},
        {"requestContext": None},
    ],
    ids=str,
)
def test_an_odd_event_is_refused(world: World, change: dict[str, Any]) -> None:
    """Missing pieces are a refusal, never an exception."""
    assert DENY == app.handler({**authorizer_event(f"{RELAY}?token=a.b"), **change}, None)


def test_a_function_without_settings_refuses(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault of ours refuses the handshake and is told in the log, without the exception's text."""

    def fail() -> Any:
        raise ConfigError("TABLE_NAME is missing, and a canary")

    monkeypatch.setattr(bootstrap, "handshake_service", fail)

    answers = [
        app.handler(authorizer_event(f"{RELAY}?token=a.b"), None),
        app.handler({"requestContext": {"eventType": "DISCONNECT"}}, None),
    ]

    assert [DENY, {"statusCode": 200}] == answers
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"ERROR"} == {line["level"] for line in lines}
    assert "canary" not in json.dumps(lines)
