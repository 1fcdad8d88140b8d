"""Texts over real tables: the demo's numbers, a Twilio that takes texts or does not, a model by script."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ringfold.adapters import codec
from ringfold.adapters.directory import Directory
from ringfold.adapters.messages import Refused, Taken
from ringfold.adapters.texts import Texts
from ringfold.channels.sms import write_texts
from ringfold.core.session import Snapshot
from ringfold.core.signature import webhook_signature
from ringfold.core.texts import Text, Thread
from ringfold.service.answerer import Written
from ringfold.service.answers import Reply
from ringfold.service.replies import Replies
from ringfold.service.texting import INCOMING_PATH, STATUS_PATH, Texting
from ringfold.service.webhook import WebhookRequest
from tests.aws import Aws
from tests.world import BASE, World

NUMBER = "+15125550100"
CONTACT = "+15125551234"
ACCOUNT = "acc_skyowl"
THREAD = Thread("org_skyowl", NUMBER, "sms", CONTACT)
SIDS = itertools.count(1)


@dataclass
class Twilio:
    """Takes texts.

    Attributes:
        sent: (to, body) of every text it has taken.
        faults: What befalls the next sends: ``"lost"`` it takes the text and its answer is lost, or an error.
    """

    sent: list[tuple[str, str]] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)
    looks: int = 0
    callbacks: list[str] = field(default_factory=list)

    def send(self, _account: str, _token: str, *, to: str, sender: str, body: str, status_callback: str) -> Taken:
        del sender
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and fault != "lost":
            raise fault
        self.sent.append((to, body))
        self.callbacks.append(status_callback)
        if fault == "lost":
            raise Killed
        return Taken(f"SM{len(self.sent):032x}", "queued")

    def find(self, _account: str, _token: str, *, to: str, sender: str, body: str, since_ms: int) -> Taken | None:
        del sender, since_ms
        self.looks += 1
        at = next((at for at, each in enumerate(self.sent, 1) if each == (to, body)), None)
        return Taken(f"SM{at:032x}", "sent") if at else None


class Killed(BaseException):
    """The worker is gone."""


@dataclass
class Writer:
    """Answers with what it is told, and notes what it was asked."""

    answers: list[str] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    told: list[Snapshot] = field(default_factory=list)

    def answer(self, snapshot: Snapshot, messages: Any, _conversation_id: str) -> Written:
        self.told.append(snapshot)
        self.asked.append([block["text"] for each in messages for block in each["content"]])
        if self.meanwhile:
            self.meanwhile.pop(0)()
        text = self.answers.pop(0) if self.answers else f"Answer {len(self.asked)}."
        return Written(text, "" if text else "Throttled", 1)


@dataclass
class TextWorld:
    """The services of texts, with everything around them.

    Attributes:
        quiet: Threads that were to be remembered once they are quiet.
    """

    world: World
    outbox: str
    twilio: Twilio = field(default_factory=Twilio)
    writer: Writer = field(default_factory=Writer)
    quiet: list[tuple[Thread, int]] = field(default_factory=list)

    @property
    def store(self) -> Texts:
        return Texts(self.world.dynamodb, self.world.aws.table, self.outbox, clock=self.world.clock)

    def texting(self, **changes: Any) -> Texting:
        parts: dict[str, Any] = {
            "directory": Directory(self.world.dynamodb, self.world.aws.table),
            "texts": self.store,
            "secrets": self.world.secrets(),
            "public_base_url": BASE,
            "log": self.world.log(),
            "clock": self.world.clock,
        }
        return Texting(**{**parts, **changes})

    def replies(self, **changes: Any) -> Replies:
        parts: dict[str, Any] = {
            "directory": Directory(self.world.dynamodb, self.world.aws.table),
            "store": self.store,
            "secrets": self.world.secrets(),
            "sender": self.twilio,
            "writers": {"sms": self.writer, "whatsapp": self.writer},
            "shape": write_texts,
            "public_base_url": BASE,
            "is_refusal": lambda exc: isinstance(exc, Refused),
            "log": self.world.log(),
            "clock": self.world.clock,
            "remember": lambda thread, seen: self.quiet.append((thread, seen)),
        }
        return Replies(**{**parts, **changes})

    def text(self, body: str, *, texting: Texting | None = None, token: str = "", **changes: str) -> Reply:
        """A text comes in, as Twilio tells it; time passes a little."""
        self.world.now += 0.01
        params = self.params(body, **changes)
        return (texting or self.texting()).incoming(self.request(INCOMING_PATH, params, token=token))

    def params(self, body: str, **changes: str) -> dict[str, str]:
        sid = f"SM{next(SIDS):032x}"
        return {
            "MessageSid": sid,
            "SmsSid": sid,
            "AccountSid": self.world.carriers[ACCOUNT].account_sid,
            "From": CONTACT,
            "To": NUMBER,
            "Body": body,
            "NumMedia": "0",
            "NumSegments": "1",
            **changes,
        }

    def report(self, callback: str, sid: str, state: str, code: str = "") -> Reply:
        """Twilio reports of an outbound text."""
        params = {
            "MessageSid": sid,
            "AccountSid": self.world.carriers[ACCOUNT].account_sid,
            "From": NUMBER,
            "To": CONTACT,
            "MessageStatus": state,
            **({"ErrorCode": code} if code else {}),
        }
        query = callback.partition("?")[2]
        return self.texting().status(self.request(STATUS_PATH, params, query=query))

    def request(self, path: str, params: Mapping[str, str], *, query: str = "", token: str = "") -> WebhookRequest:
        url = f"{BASE}{path}" + (f"?{query}" if query else "")
        signed = webhook_signature(url, params.items(), token or self.world.carriers[ACCOUNT].auth_token)
        headers = {"x-twilio-signature": signed, "content-type": "application/x-www-form-urlencoded"}
        return WebhookRequest("POST", path, query, headers, urlencode(params).encode())

    def texts(self) -> list[Text]:
        return self.store.recent(THREAD)

    def handed_on(self) -> list[dict[str, Any]]:
        """What the outbox holds."""
        items = self.world.dynamodb.scan(TableName=self.outbox, ConsistentRead=True)["Items"]
        return [codec.load_item(item) for item in items]


def build(world: World, aws: Aws) -> TextWorld:
    """A world with an outbox table."""
    outbox = f"{aws.table}-outbox"
    world.dynamodb.create_table(
        TableName=outbox,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return TextWorld(world, outbox)
