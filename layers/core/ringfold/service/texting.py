"""The message webhooks: a text comes in, or Twilio reports how far one of ours has got.

A text is stored, and what is stored is answered later by somebody else (:mod:`ringfold.service.replies`): the receiver
is thin and quick. A repeat is harmless: a text is keyed by its MessageSid, a report only ever takes a text further.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from ringfold.core import phone, texts, twiml
from ringfold.core.ids import AccountSid
from ringfold.core.lines import Number
from ringfold.core.texts import Keyword, Text, Thread
from ringfold.errors import AppError, SignatureError, WireError
from ringfold.log import Log
from ringfold.ports import LineDirectory, SecretStore
from ringfold.service.answers import Reply, refusal
from ringfold.service.deadline import Deadline
from ringfold.service.doorkeeper import Doorkeeper
from ringfold.service.webhook import WebhookRequest

PATIENCE_S: Final = 8.0
"""Twilio waits 15 s for the answer to a text."""
INCOMING_PATH: Final = "/api/sms/incoming"
STATUS_PATH: Final = "/api/sms/status"
OPTED_OUT: Final = "21610"
INACTIVE: Final = "inactive"
NO_ORGANIZATION: Final = "no organization"

Route = Callable[[WebhookRequest, Deadline, Log], Reply]


class TextStore(Protocol):
    """See :class:`ringfold.adapters.texts.Texts`."""

    def receive(self, text: Text, keyword: Keyword | None = None) -> bool: ...
    def report(self, message_id: str, sid: str, state: str, error_code: str) -> Text | None: ...
    def opt_out(self, thread: Thread, *, by: str) -> None: ...


class Texting:
    """Answers the message webhooks, always with an empty TwiML document: replies go through the REST API.

    Args:
        directory: Knows numbers and accounts.
        texts: Keeps texts.
        secrets: Holds auth tokens.
        public_base_url: Where Twilio reaches us unless an account or a number says otherwise.
        log: Its lines carry no words of anybody's.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        *,
        directory: LineDirectory,
        texts: TextStore,
        secrets: SecretStore,
        public_base_url: str,
        log: Log,
        clock: Callable[[], float],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._directory, self._texts, self._log, self._clock = directory, texts, log, clock
        self._doorkeeper = Doorkeeper(directory, secrets, public_base_url)
        self._patience_s = patience_s
        self._pool = ThreadPoolExecutor(max_workers=6, thread_name_prefix="aws")

    def incoming(self, request: WebhookRequest) -> Reply:
        """A text has come."""
        return self._answered("sms incoming", self._receive, request)

    def status(self, request: WebhookRequest) -> Reply:
        """Twilio reports on a text of ours."""
        return self._answered("sms status", self._report, request)

    def _answered(self, name: str, route: Route, request: WebhookRequest) -> Reply:
        """Run a route: the one place where errors become answers. After a 503 Twilio asks the fallback."""
        log = self._log.bind(route=name)
        try:
            return route(request, Deadline(self._pool, self._patience_s), log)
        except SignatureError as exc:
            log.warning("webhook refused", reason=exc.reason)
            return refusal()
        except WireError as exc:
            log.warning("webhook refused", reason=str(exc))
            return refusal()
        except AppError as exc:
            log.error("text could not be taken", error=type(exc).__name__, detail=str(exc))
            return failed()

    def _receive(self, request: WebhookRequest, deadline: Deadline, log: Log) -> Reply:
        sid, account_sid = request.get("MessageSid") or request.get("SmsSid"), request.get("AccountSid")
        if not sid.startswith(("SM", "MM")) or not account_sid.startswith("AC"):
            raise WireError("MessageSid and AccountSid: expected SM… or MM…, and AC…")
        ours, theirs = texts.parse_address(request.get("To")), texts.parse_address(request.get("From"))
        line = deadline.run(self._directory.find_line, ours.number if ours else "", account_sid)
        number = line.number
        if number is None or ours is None:
            self._doorkeeper.verify_by_account(request, line, deadline)
            log.warning("text to an unknown number", number=phone.mask(ours.number) if ours else "other")
            return Reply(twiml.empty())
        self._verify(request, number, AccountSid(account_sid), deadline)
        log = log.bind(organization_id=number.organization_id, number=phone.mask(number.phone_number), sid=sid)
        if theirs is None or phone.is_anonymous(theirs.number):
            log.warning("text from an address that cannot be answered")
            return Reply(twiml.empty())
        thread = Thread(number.organization_id, number.phone_number, ours.channel, theirs.number)
        keyword = texts.keyword_of(request.get("Body"), request.get("OptOutType"))
        why = "" if number.organization_id else NO_ORGANIZATION
        why = why or ("" if number.is_active and number.account.is_active else INACTIVE)
        text = self._read(request, thread, sid, number, why or (keyword or ""))
        is_new = deadline.run(self._texts.receive, text, keyword if not why else keyword or "help")
        log.info(
            "text received",
            contact=phone.mask(theirs.number),
            channel=ours.channel,
            repeated=not is_new,
            keyword=keyword or "",
            ignored=why,
            media=len(text.media),
        )
        return Reply(twiml.empty())

    def _verify(self, request: WebhookRequest, number: Number, account_sid: AccountSid, deadline: Deadline) -> None:
        if number.account.account_sid != account_sid:
            raise SignatureError("AccountSid is not the account that owns the number")
        tokens = self._doorkeeper.ask_tokens(number, deadline)
        account = deadline.run(self._directory.account, number.account.account_id) or number.account
        self._doorkeeper.verify(request, self._doorkeeper.base_urls(number, account), account, tokens, deadline)

    def _read(self, request: WebhookRequest, thread: Thread, sid: str, number: Number, why: str) -> Text:
        now_ms = int(self._clock() * 1000)
        count = request.get("NumMedia")
        media = [
            {"url": request.get(f"MediaUrl{at}")[:2000], "content_type": request.get(f"MediaContentType{at}")[:100]}
            for at in range(min(int(count) if count.isdigit() else 0, texts.MOST_MEDIA))
        ]
        segments = request.get("NumSegments")
        return Text(
            message_id=message_id_of(sid),
            thread=thread,
            direction="in",
            body=request.get("Body")[: texts.MOST_BODY],
            at_ms=now_ms,
            account_id=number.account.account_id,
            sid=sid,
            media=tuple(each for each in media if each["url"]),
            state=texts.IGNORED if why else texts.RECEIVED,
            state_ms=now_ms,
            reason=why,
            segments=int(segments) if segments.isdigit() else 0,
        )

    def _report(self, request: WebhookRequest, deadline: Deadline, log: Log) -> Reply:
        account_sid = request.get("AccountSid")
        ours = texts.parse_address(request.get("From"))
        line = deadline.run(self._directory.find_line, ours.number if ours else "", account_sid)
        self._doorkeeper.verify_by_account(request, line, deadline)
        sid, state = request.get("MessageSid"), request.get("MessageStatus") or request.get("SmsStatus")
        code = request.get("ErrorCode")
        message_id = dict(request.query).get("text", "")
        text = deadline.run(self._texts.report, message_id, sid, state, code)
        if text is None:
            log.warning("report of an unknown text", sid=sid, state=state)
            return Reply(twiml.empty())
        if code == OPTED_OUT:
            deadline.run(self._texts.opt_out, text.thread, by=OPTED_OUT)
        (log.warning if code else log.info)("text reported", sid=sid, state=state, code=code, before=text.state)
        return Reply(twiml.empty())


def message_id_of(sid: str) -> str:
    """Our id of a text with this SID: the same however often it comes."""
    return f"msg_{hashlib.sha256(sid.encode()).hexdigest()[:26]}"


def failed() -> Reply:
    """The answer when a text could not be taken: valid TwiML, and a status after which Twilio asks the fallback."""
    return Reply(twiml.empty(), 503)
