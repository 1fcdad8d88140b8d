"""Texts, as Twilio carries them: in by a signed webhook, out by its Messages resource, with reports of their way.

Strict: what Twilio would not take, or would not understand in an answer, is a violation in the feed. A keyword blocks
and unblocks a pair of numbers as Twilio's default opt-out does; Twilio answers it itself, and so does this.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import xml.etree.ElementTree as ET  # our own answers, on loopback
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from local.carrier.books import Books, Number
from local.carrier.rest.operation import rfc_2822
from local.carrier.webhooks import API_VERSION, PLACES, Answer, Webhooks, new_client

KEPT: Final = 2_000
WHATSAPP: Final = "whatsapp:"
STOP: Final = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
START: Final = frozenset({"start", "yes", "unstop"})
HELP: Final = frozenset({"help", "info"})
STEPS: Final = ("queued", "sent", "delivered")
PAUSE_S: Final = 0.15
TRIES: Final = 2
"""A webhook that fails is asked once more, with the same idempotency token; then its fallback."""


@dataclass
class TextManners:
    """How the carrier treats outbound texts.

    Attributes:
        outcome: The last report: ``delivered``, ``undelivered`` or ``failed``.
        error_code: Told with it when it is not ``delivered``.
        reports: In which order reports are sent: ``in order``, ``reversed`` or ``twice``.
    """

    outcome: str = "delivered"
    error_code: int | None = None
    reports: str = "in order"


@dataclass
class Texting:
    """The texts of one carrier.

    Attributes:
        messages: Every text, in and out, by SID, as the Messages resource shows it; the oldest go first.
        opted_out: Pairs (number, contact) that a keyword has blocked.
        manners: How outbound ones are treated.
    """

    books: Books
    feed: Any = None
    manners: TextManners = field(default_factory=TextManners)
    messages: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)
    opted_out: set[tuple[str, str]] = field(default_factory=set)
    _http: httpx.AsyncClient | None = None
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    # -- in ------------------------------------------------------------------------------------------------------------

    async def write(self, to: str, sender: str, body: str, media: list[dict[str, str]]) -> dict[str, Any]:
        """Somebody writes to one of our numbers; returns the message once its webhook has been answered.

        Raises:
            LookupError: If no account has the number.
        """
        number = self.books.holder(bare(to))
        if number is None:
            raise LookupError(f"no account has the number {bare(to)}")
        account = self.books.accounts[number.account_sid]
        message = self.enter(account.sid, to, sender, body, "inbound", "received", media)
        word = "".join(filter(str.isalnum, body)).lower()
        pair = (to, sender)
        if word in STOP:
            self.opted_out.add(pair)
        if word in START:
            self.opted_out.discard(pair)
        answers = {"STOP": STOP, "START": START, "HELP": HELP}
        if keyword := next((name for name, words in answers.items() if word in words), ""):
            self.enter(account.sid, sender, to, f"(Twilio's own answer to {keyword})", "outbound-reply", "delivered")
        params = self._params(message, media)
        answer = await self._ask(number, params)
        if answer is not None:
            await self._obey(account.sid, message, answer)
        return message

    def _params(self, message: Mapping[str, Any], media: list[dict[str, str]]) -> dict[str, str]:
        sid = message["sid"]
        params = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "AccountSid": message["account_sid"],
            "From": message["from"],
            "To": message["to"],
            "Body": message["body"],
            "NumMedia": str(len(media)),
            "NumSegments": message["num_segments"],
            "SmsStatus": "received",
            "ApiVersion": API_VERSION,
        }
        for at, each in enumerate(media):
            params |= {f"MediaUrl{at}": each["url"], f"MediaContentType{at}": each["content_type"]}
        if message["from"].startswith(WHATSAPP):
            params |= {"WaId": bare(message["from"]).lstrip("+"), "ProfileName": "A texter"}
        else:
            params |= {who + what: value for who in ("From", "To") for what, value in PLACES.items()}
        return params

    async def _ask(self, number: Number, params: dict[str, str]) -> Answer | None:
        """Ask the webhook, once more after a failure, then the fallback."""
        account = self.books.accounts[number.account_sid]
        hooks = Webhooks(self._client(), lambda: account.auth_token)
        headers = {"I-Twilio-Idempotency-Token": secrets.token_hex(16)}
        urls = [(number.url("sms_url"), number.settings.get("sms_method") or "POST")] * TRIES
        urls += [(number.url("sms_fallback_url"), number.settings.get("sms_fallback_method") or "POST")]
        answer = None
        for url, method in urls:
            if not url:
                continue
            answer = await hooks.send(url, params, method=method, headers=headers)
            self._tell("message_webhook", url=url, sid=params["MessageSid"], status=answer.status, ms=answer.took_ms)
            if 200 <= answer.status < 300:
                return answer
        self._violation(f"11200: no webhook took {params['MessageSid']}", answer)
        return None

    async def _obey(self, account_sid: str, message: Mapping[str, Any], answer: Answer) -> None:
        """Do what the TwiML says; anything but <Message> and an empty <Response> is a violation."""
        if not answer.body.strip():
            return
        try:
            response = ET.fromstring(answer.body)  # noqa: S314 - our own answer
        except ET.ParseError:
            self._violation("12100: the answer is no XML", answer)
            return
        if response.tag != "Response":
            self._violation(f"12200: <{response.tag}> is no <Response>", answer)
            return
        for verb in response:
            if verb.tag != "Message":
                self._violation(f"12200: <{verb.tag}> cannot stand in the answer to a text", answer)
                continue
            words = (verb.findtext("Body") or verb.text or "").strip()
            self.enter(account_sid, message["from"], message["to"], words, "outbound-reply", "delivered")

    # -- out -----------------------------------------------------------------------------------------------------------

    def send(self, account_sid: str, to: str, sender: str, body: str, callback: str) -> dict[str, Any]:
        """One of our numbers writes; the reports follow."""
        message = self.enter(account_sid, to, sender, body, "outbound-api", "queued")
        if callback:
            task = asyncio.get_running_loop().create_task(self._report(message, callback))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return message

    async def _report(self, message: dict[str, Any], callback: str) -> None:
        account = self.books.accounts[message["account_sid"]]
        hooks = Webhooks(self._client(), lambda: account.auth_token)
        manners = self.manners
        steps = [*STEPS[:-1], manners.outcome]
        order = {"reversed": steps[::-1], "twice": [each for step in steps for each in (step, step)]}
        for state in order.get(manners.reports, steps):
            await asyncio.sleep(PAUSE_S)
            final = state == manners.outcome
            if final or message["status"] in STEPS[:-1]:
                message["status"] = state
            code = manners.error_code if final and state != "delivered" else None
            message["error_code"] = code or message["error_code"]
            params = {
                "MessageSid": message["sid"],
                "SmsSid": message["sid"],
                "AccountSid": message["account_sid"],
                "From": message["from"],
                "To": message["to"],
                "MessageStatus": state,
                "SmsStatus": state,
                "ApiVersion": API_VERSION,
                **({"ErrorCode": str(code)} if code else {}),
            }
            answer = await hooks.send(callback, params)
            self._tell("message_status", sid=message["sid"], state=state, status=answer.status)
            if not 200 <= answer.status < 300:
                self._violation(f"11200: the report of {message['sid']} was answered {answer.status}", answer)

    # -- what is kept --------------------------------------------------------------------------------------------------

    def between(self, number: str, contact: str) -> list[dict[str, Any]]:
        """The texts between a number, by whatever channel, and a contact's address; all without one; oldest first."""
        return [
            each
            for each in self.messages.values()
            if bare(number) in (bare(each["to"]), bare(each["from"]))
            and (not contact or contact in (each["to"], each["from"]))
        ]

    def enter(
        self,
        account_sid: str,
        to: str,
        sender: str,
        body: str,
        direction: str,
        status: str,
        media: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """Note a text down."""
        sid = ("MM" if media else "SM") + secrets.token_hex(16)
        uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{sid}"
        now = rfc_2822(time.time())
        message = {
            "sid": sid,
            "account_sid": account_sid,
            "to": to,
            "from": sender,
            "body": body,
            "status": status,
            "direction": direction,
            "num_segments": str(1 if len(body) <= 160 else -(-len(body) // 153)),
            "num_media": str(len(media or [])),
            "messaging_service_sid": None,
            "api_version": API_VERSION,
            "price": None,
            "price_unit": "USD",
            "error_code": None,
            "error_message": None,
            "date_created": now,
            "date_updated": now,
            "date_sent": None,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "uri": f"{uri}.json",
        }
        self.messages[sid] = message
        while len(self.messages) > KEPT:
            self.messages.popitem(last=False)
        self._tell("text", sid=sid, direction=direction, to=to, sender=sender, text=body)
        return message

    async def close(self) -> None:
        """Report nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            self._http = new_client("https:")
        return self._http

    def _tell(self, kind: str, **fields: Any) -> None:
        if self.feed is not None:
            self.feed.record(kind, source="carrier", **fields)

    def _violation(self, what: str, answer: Answer | None) -> None:
        detail = answer.error or answer.body[:200].decode(errors="replace") if answer else ""
        self._tell("violation", what=what, detail=detail)


def bare(address: str) -> str:
    """The number of an address."""
    return address.removeprefix(WHATSAPP)
