"""The webhooks and the handshake as a deployment builds them: from the environment, over real services."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from functions.incoming import app as incoming
from functions.relay_connect import app as relay_connect
from local.demo.load import seed_directory
from ringfold import bootstrap
from ringfold.adapters import aws as clients
from ringfold.adapters.directory import Directory
from ringfold.adapters.sessions import Sessions
from ringfold.core import end_reasons, events
from ringfold.core.commands import Append
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.errors import ConfigError
from tests.aws import Aws
from tests.world import BASE, RELAY, Carrier, authorizer_event, call_params, http_event, relay_of, spoken

SERVICES = (
    bootstrap.settings,
    bootstrap.secrets,
    bootstrap.voice_service,
    bootstrap.handshake_service,
    bootstrap.finisher,
)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Each test is a cold start."""
    for service in SERVICES:
        service.cache_clear()
    clients.forget_clients()
    yield
    for service in SERVICES:
        service.cache_clear()
    clients.forget_clients()


@dataclass
class Deployment:
    aws: Aws
    carrier: Carrier


@pytest.fixture
def deployed(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The environment of a function, and the demo behind it."""
    prefix = f"/ringfold/{aws.table}/"
    secrets = aws.client("secretsmanager")
    demo = seed_directory(aws.client("dynamodb"), secrets, aws.table, prefix)
    arn = secrets.create_secret(Name=f"{prefix}relay-token", SecretString=json.dumps({"key": "k"}))["ARN"]
    settings = {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "STAGE": "test",
        "TABLE_NAME": aws.table,
        "AIRLINE_TABLE_NAME": aws.airline_table,
        "WATCHDOG_QUEUE_URL": "https://sqs.example.com/queue",
        "PUBLIC_BASE_URL": BASE,
        "RELAY_URL": RELAY,
        "CONNECTIONS_URL": "https://relay.example.com/prod",
        "RELAY_TOKEN_SECRET_ARN": arn,
        "SECRET_PREFIX": prefix,
        "RELAY_FUNCTION": "relay",
        "TURN_DISPATCH": "inline",
        "HANDSHAKE_SIGNATURE": "enforce",
        "LOG_LEVEL": "INFO",
        "MODEL_ID": "model",
        "FALLBACK_MODEL_ID": "other-model",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    (account,) = [row for row in demo["accounts"] if row["id"] == "acc_skyowl"]
    return Deployment(aws, Carrier(account["account_sid"], account["auth_token"]))


@pytest.mark.accept("E25", "G8")
def test_a_call_goes_from_its_first_ring_to_its_end_and_is_remembered(deployed: Deployment) -> None:
    """Answered, connected, hung up, closed with its reason; called back, it goes on."""
    carrier = deployed.carrier

    def post(path: str, **changes: str) -> dict[str, object]:
        event = http_event(path, call_params(carrier, **changes), auth_token=carrier.auth_token)
        return incoming.handler(event, None)

    url = relay_of(post("/api/voice/incoming")).get("url") or ""
    context = relay_connect.handler(authorizer_event(url, carrier.auth_token), None)["context"]
    spoke = {"type": events.PROMPT, "rid": "r1", "text": "I'd like an aisle seat.", "lang": "en-US"}
    key = events.frame_key(1, int(time.time() * 1000), events.PROMPT, "m1")
    Sessions(deployed.aws.client("dynamodb"), deployed.aws.table).append(context["call_sid"], Append(key, spoke))
    post("/api/voice/status", CallStatus="completed")
    again = post("/api/voice/incoming", call_sid="CA" + "2" * 32)

    directory = Directory(deployed.aws.client("dynamodb"), deployed.aws.table)
    found = directory.conversation(
        OrganizationId(context["organization_id"]), ConversationId(context["conversation_id"])
    )
    assert found is not None
    assert ("closed", end_reasons.CALLER_HUNG_UP, "completed") == (
        found["state"],
        found["end_reason"],
        found["call_status"],
    )
    assert "aisle seat" in found["doc"]
    assert "cut off" in (relay_of(again).get("welcomeGreeting") or "")


def test_services_are_built_once(deployed: Deployment) -> None:
    """One of each per cold start."""
    assert bootstrap.voice_service() is bootstrap.voice_service()
    assert bootstrap.handshake_service() is bootstrap.handshake_service()


def test_a_function_without_settings_still_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """The caller hears a sentence, the log names the kind of fault."""
    answer = incoming.handler(http_event("/api/voice/incoming", {"CallSid": "CA1"}), None)

    assert spoken(answer)
    assert "ConfigError" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="TABLE_NAME"):
        bootstrap.settings()


def test_every_service_down_still_answers(deployed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fallback call with nothing reachable: a sentence, and well before Twilio gives up."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    event = http_event("/api/voice/incoming", call_params(deployed.carrier, ErrorCode="11200"), auth_token="x")

    assert spoken(incoming.handler(event, None))
