"""Calls on the numbers of the API's tests: the voice webhooks over the same tables, signed as Twilio signs."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from ringfold.adapters.calls import Calls
from ringfold.adapters.directory import Directory
from ringfold.adapters.secrets import Secrets
from ringfold.adapters.sessions import Sessions
from ringfold.adapters.transcripts import Transcripts
from ringfold.core.lines import conversation_id_of
from ringfold.core.signature import webhook_signature
from ringfold.log import Log
from ringfold.service.answers import Reply
from ringfold.service.finish import Finish
from ringfold.service.voice import Voice
from ringfold.service.webhook import WebhookRequest
from tests.admin.numbers_desk import BASE, RELAY_URL, TOKEN, Office

CALL_SID = "CA" + "1" * 32


@dataclass
class Heard:
    """What Twilio is told."""

    status: int
    body: str

    @property
    def _root(self) -> ET.Element:
        return ET.fromstring(self.body)  # noqa: S314 - our own TwiML

    @property
    def relay(self) -> dict[str, str]:
        """Attributes of the relay session; none when there is none."""
        found = self._root.find("./Connect/ConversationRelay")
        return dict(found.attrib) if found is not None else {}

    @property
    def spoken(self) -> str:
        return " ".join(say.text or "" for say in self._root.iter("Say"))

    @property
    def dialled(self) -> str:
        return "".join(dial.text or "" for dial in self._root.iter("Dial"))


@dataclass
class PhoneLine:
    """Twilio, calling."""

    office: Office
    reads: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        aws, table = self.office.desk.aws, self.office.desk.aws.table
        dynamodb = aws.client("dynamodb", parameter_validation=False)
        dynamodb.meta.events.register("before-call.dynamodb", self._count)
        prefix = f"/ringfold/{table}/"
        secrets = Secrets(aws.client("secretsmanager"), prefix=prefix, relay_key_id=f"{prefix}relay")
        self.voice = Voice(
            directory=Directory(dynamodb, table),
            calls=Calls(dynamodb, table),
            secrets=secrets,
            finish=Finish(Sessions(dynamodb, table), Transcripts(dynamodb, table), lambda _: True, lambda *_: None),
            public_base_url=BASE,
            relay_url=RELAY_URL,
            log=Log("INFO", lambda _: None),
            clock=time.time,
        )

    def _count(self, model: Any, params: Mapping[str, Any], **_: Any) -> None:
        self.reads.append((model.name, params))

    def call(self, phone_number: str, *, base: str = BASE, account_sid: str = "", call_sid: str = CALL_SID) -> Heard:
        """Dial a number."""
        return self._send("/api/voice/incoming", base, self._form(phone_number, account_sid, call_sid))

    def hang_up(self, phone_number: str, *, base: str = BASE, account_sid: str = "") -> Heard:
        """The call is over."""
        form = {**self._form(phone_number, account_sid, CALL_SID), "CallStatus": "completed"}
        return self._send("/api/voice/status", base, form)

    def lose(self, phone_number: str, *, base: str = BASE) -> Heard:
        """The relay session broke off; the caller is still there."""
        conversation_id = conversation_id_of(self.office.account_sid, CALL_SID)
        form = {
            **self._form(phone_number, "", CALL_SID),
            "CallStatus": "in-progress",
            "SessionId": "VX1",
            "SessionStatus": "failed",
        }
        return self._send(f"/api/voice/action/{conversation_id}", base, form, conversation_id)

    def _form(self, phone_number: str, account_sid: str, call_sid: str) -> dict[str, str]:
        sid = account_sid or self.office.account_sid
        who = {"From": "+15125550999", "To": phone_number, "CallStatus": "ringing"}
        return {"CallSid": call_sid, "AccountSid": sid, **who}

    def _send(self, path: str, base: str, form: Mapping[str, str], conversation_id: str = "") -> Heard:
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": webhook_signature(base + path, form.items(), TOKEN),
        }
        body = urlencode(form).encode()
        request = WebhookRequest("POST", path, "", headers, body, conversation_id)
        route = {"incoming": self.voice.incoming, "status": self.voice.status}.get(
            path.split("/")[3], self.voice.action
        )
        reply: Reply = route(request)
        return Heard(reply.status, reply.body)
