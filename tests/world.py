"""A small world around the voice functions: the demo data in real tables, a carrier that signs, a clock to turn."""

from __future__ import annotations

import base64
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from local.demo.load import seed_directory
from ringfold import bootstrap
from ringfold.adapters import codec
from ringfold.adapters.calls import Calls
from ringfold.adapters.directory import Directory
from ringfold.adapters.items import Key, wire_key
from ringfold.adapters.secrets import Secrets
from ringfold.core.signature import webhook_signature
from ringfold.log import Log
from ringfold.service.handshake import Handshake
from ringfold.service.voice import Voice
from tests.aws import Aws

BASE = "https://api.example.com"
RELAY = "wss://relay.example.com/prod"
CALLER = "+15125550147"
NOW = 1_800_000_000.0
RELAY_KEY = "relay-key-of-this-test"


@dataclass
class Carrier:
    """An account as Twilio holds it: what it sends is signed with its token."""

    account_sid: str
    auth_token: str


@dataclass
class World:
    """The functions with everything around them.

    Attributes:
        now: Epoch seconds; turn it as you like.
        finished: What the finisher was told: (call_sid, reason).
        lines: Parsed log lines.
    """

    aws: Aws
    dynamodb: Any
    secrets_client: Any
    carriers: dict[str, Carrier]
    prefix: str
    now: float = NOW
    finished: list[tuple[str, str]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def log(self) -> Log:
        return Log("DEBUG", lambda line: self.lines.append(json.loads(line)))

    def clock(self) -> float:
        return self.now

    def finish(self, call_sid: str, reason: str, *, now_ms: int) -> None:
        self.finished.append((call_sid, reason))

    def secrets(self) -> Secrets:
        return Secrets(
            self.secrets_client, prefix=self.prefix, relay_key_id=f"{self.prefix}relay-token", clock=self.clock
        )

    def voice(self, **changes: Any) -> Voice:
        """The voice service over real tables; any part can be replaced."""
        parts: dict[str, Any] = {
            "directory": Directory(self.dynamodb, self.aws.table, clock=self.clock),
            "calls": Calls(self.dynamodb, self.aws.table),
            "secrets": self.secrets(),
            "finish": self.finish,
            "public_base_url": BASE,
            "relay_url": RELAY,
            "log": self.log(),
            "clock": self.clock,
        }
        return Voice(**{**parts, **changes})

    def handshake(self, **changes: Any) -> Handshake:
        """The handshake service over real tables."""
        parts: dict[str, Any] = {
            "links": Calls(self.dynamodb, self.aws.table),
            "secrets": self.secrets(),
            "relay_url": RELAY,
            "policy": "enforce",
            "log": self.log(),
            "clock": self.clock,
        }
        return Handshake(**{**parts, **changes})

    def item(self, key: Key, table: str = "") -> dict[str, Any] | None:
        answer = self.dynamodb.get_item(TableName=table or self.aws.table, Key=wire_key(key), ConsistentRead=True)
        return codec.load_item(answer["Item"]) if "Item" in answer else None

    def items(self, prefix: str = "") -> list[dict[str, Any]]:
        """Every item whose partition key starts so."""
        found = self.dynamodb.scan(TableName=self.aws.table, ConsistentRead=True)["Items"]
        return [item for item in map(codec.load_item, found) if item["pk"].startswith(prefix)]

    def change(self, key: Key, **attributes: Any) -> None:
        """Overwrite attributes of an item; ``doc`` is merged."""
        item = self.item(key)
        assert item is not None
        if "doc" in attributes:
            attributes["doc"] = json.dumps({**json.loads(item["doc"]), **attributes["doc"]})
        self.dynamodb.put_item(TableName=self.aws.table, Item=codec.dump_item({**item, **attributes}))


@pytest.fixture
def world(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The demo, freshly seeded, behind the functions' handlers."""
    dynamodb, secrets = aws.client("dynamodb"), aws.client("secretsmanager")
    prefix = f"/ringfold/{aws.table}/"
    demo = seed_directory(dynamodb, secrets, aws.table, prefix)
    secrets.create_secret(Name=f"{prefix}relay-token", SecretString=json.dumps({"key": RELAY_KEY}))
    carriers = {row["id"]: Carrier(row["account_sid"], row["auth_token"]) for row in demo["accounts"]}
    made = World(aws, dynamodb, secrets, carriers, prefix)
    voice, handshake = made.voice(), made.handshake()
    monkeypatch.setattr(bootstrap, "voice_service", lambda: voice)
    monkeypatch.setattr(bootstrap, "handshake_service", lambda: handshake)
    yield made
    dynamodb.close()
    secrets.close()


def call_params(carrier: Carrier, call_sid: str = "CA" + "1" * 32, **changes: str) -> dict[str, str]:
    """What Twilio sends with a call to the demo's airline."""
    return {
        "CallSid": call_sid,
        "AccountSid": carrier.account_sid,
        "From": CALLER,
        "To": "+15125550100",
        "CallStatus": "ringing",
        "Direction": "inbound",
        "ApiVersion": "2010-04-01",
        **changes,
    }


def http_event(
    path: str,
    params: Mapping[str, str] | bytes,
    *,
    auth_token: str = "",
    method: str = "POST",
    base: str = BASE,
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """An HTTP API event (payload 2.0) as Twilio's request makes it, signed if a token is given."""
    raw = params if isinstance(params, bytes) else urlencode(params).encode()
    if method == "GET":
        query, raw = raw.decode(), b""
    url = base + path + (f"?{query}" if query else "")
    signed = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)
    sent = {"content-type": "application/x-www-form-urlencoded"}
    if auth_token:
        sent["x-twilio-signature"] = webhook_signature(url, signed, auth_token)
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {**sent, **(headers or {})},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        "body": base64.b64encode(raw).decode(),
        "isBase64Encoded": True,
    }


def authorizer_event(
    url: str, auth_token: str = "", *, connection_id: str = "c1=", signed_url: str = ""
) -> dict[str, Any]:
    """A REQUEST authorizer event as the handshake of this URL makes it."""
    headers = {"Host": urlsplit(url).netloc}
    if auth_token:
        headers["X-Twilio-Signature"] = webhook_signature(signed_url or url, [], auth_token)
    query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return {
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:000000000000:abc/prod/$connect",
        "headers": headers,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
        "requestContext": {"eventType": "CONNECT", "connectionId": connection_id, "stage": "prod"},
    }


def parse_twiml(answer: Mapping[str, Any]) -> ET.Element:
    """The TwiML of an answer, once it is one that Twilio would take."""
    assert answer["headers"]["content-type"].startswith("text/xml")
    root = ET.fromstring(answer["body"])  # noqa: S314 - our own answer
    assert "Response" == root.tag
    return root


def relay_of(answer: Mapping[str, Any]) -> ET.Element:
    """The ``<ConversationRelay>`` of an answer."""
    found = parse_twiml(answer).find("Connect/ConversationRelay")
    assert found is not None, answer["body"]
    return found


def spoken(answer: Mapping[str, Any]) -> str:
    """What the answer says."""
    return " ".join(say.text or "" for say in parse_twiml(answer).iter("Say"))
