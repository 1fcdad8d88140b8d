"""Runs TwiML: one document after another, until the call ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final

from local.carrier import voice, webhooks
from local.carrier.captions import record_cut, record_sound
from local.carrier.relay_settings import relay_settings
from local.carrier.session import RelaySession, SessionResult
from local.carrier.twiml import Document, Element, TwimlError, parse

if TYPE_CHECKING:
    from local.carrier.call import CarrierCall

CONTENT_TYPE: Final = "text/xml"
APOLOGY: Final = "We are sorry. An application error has occurred. Goodbye."
PLAY_S: Final = 2.0
RING_S: Final = 1.0
BRIDGE_S: Final = 10.0


class Ended(Exception):
    """The call is over: leaves the running document from wherever it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Page:
    """A document and the URL it came from, which its relative URLs start from."""

    document: Document
    url: str


class Program:
    """The TwiML of one call, being run."""

    def __init__(self, call: CarrierCall, hooks: webhooks.Webhooks) -> None:
        self.session: RelaySession | None = None
        self.last_result: SessionResult | None = None
        self.status = "ringing"
        self._call = call
        self._hooks = hooks
        self._time = call.time
        self._record = call.record
        self._sequence = 0
        self.hung_up = False
        self._disturbed = asyncio.Event()
        self._configured = call.line.configured
        self._fallen_back = False
        self._diversion: Page | tuple[str, str] | None = None
        self._input: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        self._sessions = 0
        self._session_id = ""
        self.listening = False
        self._ending = "hang-up"

    # -- the whole call --------------------------------------------------------------------------------------------

    async def run(self) -> Ended:
        """From the first webhook to the last status callback."""
        if self._call.line.refusal:
            return self._refuse(self._call.line.refusal)
        ending = await self._run_pages()
        self.status = "completed"
        if self._configured.status_url:
            await self._time.sleep(self._call.manners.status_delay_s)
            await self._send(self._configured.status_url, self._status_params(), self._configured.status_method)
        return ending

    def _refuse(self, why: str) -> Ended:
        """The call does not come through, and the application never hears of it."""
        self.status = "failed"
        self._record.add("violation", what=why, code=int(why.partition(":")[0]))
        self._record.add("state", state="rejected")
        return Ended("rejected")

    async def _run_pages(self) -> Ended:
        try:
            page = await self._first_page()
            while True:
                page = await self._run_page(page)
        except Ended as ended:
            return ended

    async def _first_page(self) -> Page:
        return await self._follow(self._configured.voice_url, {}, self._configured.voice_method)

    async def _fall_back(self, exc: TwimlError, url: str) -> Page:
        """What the number's fallback URL says, where there is one; else, and if it fails too, an apology."""
        if not self._configured.fallback_url or self._fallen_back:
            await self._apologise(exc)
        self._fallen_back = True
        self._record.add("violation", what=str(exc), code=exc.code)
        more = {"ErrorCode": str(exc.code), "ErrorUrl": url}
        try:
            return await self._fetch(self._configured.fallback_url, more, self._configured.fallback_method)
        except TwimlError as again:
            await self._apologise(again)
            raise Ended("failed") from again  # never reached: apologising ends the call

    async def _apologise(self, exc: TwimlError) -> None:
        self._record.add("violation", what=str(exc), code=exc.code)
        await self._utter(APOLOGY)
        raise Ended("failed") from exc

    async def _run_page(self, page: Page) -> Page:
        """Run one document; returns the one that follows it."""
        self._check()
        if page.document.verbs and page.document.verbs[0].name != "Reject":
            self._answer()
        for verb in page.document.verbs:
            following = await self._perform(verb, page.url)
            self._check()
            if self._diversion is not None:
                return await self._divert()
            if following is not None:
                return following
        raise Ended("application")

    def _answer(self) -> None:
        if self.status == "ringing":
            self.status = "in-progress"
            self._record.add("state", state="in-progress")

    def _check(self) -> None:
        if self.hung_up:
            raise Ended(self._ending)

    async def _divert(self) -> Page:
        diversion, self._diversion = self._diversion, None
        self._disturbed.clear()
        assert diversion is not None
        return diversion if isinstance(diversion, Page) else await self._follow(diversion[0], {}, diversion[1])

    # -- webhooks --------------------------------------------------------------------------------------------------

    def _params(self) -> dict[str, str]:
        line = self._call.line
        return webhooks.voice_params(
            call_sid=self._call.call_sid,
            account_sid=line.account_sid,
            from_number=line.from_number,
            to_number=line.to_number,
            status=self.status,
        )

    def _status_params(self) -> dict[str, str]:
        seconds = max(1, round(self._time.now_s()))
        more = {
            "CallDuration": str(seconds),
            "Duration": str(-(-seconds // 60)),
            "Timestamp": format_datetime(datetime.now(UTC)),
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(self._sequence),
            "SipResponseCode": "200",
        }
        self._sequence += 1
        return self._params() | more

    async def _send(self, url: str, params: dict[str, str], method: str = "POST") -> webhooks.Answer:
        answer = await self._hooks.send(url, params, method=method)
        self._record.add(
            "webhook",
            method=method,
            url=url,
            params=params,
            status=answer.status,
            took_ms=answer.took_ms,
            **({"error": answer.error} if answer.error else {}),
        )
        if answer.error or answer.status >= 400:
            what = answer.error or f"11200: {method} {url} was answered {answer.status}"
            self._record.add("violation", what=what, code=11200)
        return answer

    async def _fetch(self, url: str, more: dict[str, str] | None = None, method: str = "POST") -> Page:
        """Ask the application what to do next.

        Raises:
            TwimlError: If there is no usable answer.
        """
        answer = await self._send(url, self._params() | (more or {}), method)
        if answer.error or answer.status >= 300:
            raise TwimlError(11200, answer.error or f"{url} was answered {answer.status}")
        return self.page_of(answer.body, answer.content_type, url)

    def page_of(self, body: bytes, content_type: str, url: str) -> Page:
        """Read a document and report its faults.

        Raises:
            TwimlError: If Twilio could not run it.
        """
        self._record.add("twiml", xml=body.decode(errors="replace"), url=url, content_type=content_type)
        document = parse(body, content_type)
        for fault in document.faults:
            self._record.add("violation", what=f"12200: {fault}", code=12200)
        return Page(document, url)

    async def _follow(self, url: str, more: dict[str, str], method: str = "POST") -> Page:
        """As :meth:`_fetch`, but without a usable answer the number's fallback URL is asked."""
        try:
            return await self._fetch(url, more, method or "POST")
        except TwimlError as exc:
            return await self._fall_back(exc, url)

    # -- verbs -----------------------------------------------------------------------------------------------------

    async def _perform(self, verb: Element, base: str) -> Page | None:
        match verb.name:
            case "Connect":
                return await self._connect(verb, base)
            case "Say":
                await self._utter(verb.text)
            case "Play":
                await self._utter_sound(f"[plays {verb.text}]")
            case "Pause":
                await self._rest(float(verb.get("length", "1")))
            case "Dial":
                return await self._dial(verb, base)
            case "Gather":
                return await self._gather(verb, base)
            case "Redirect":
                return await self._follow(webhooks.absolute(base, verb.text), {}, verb.get("method"))
            case "Hangup":
                raise Ended("application")
            case "Reject":
                self._record.add("state", state=verb.get("reason", "rejected"))
                raise Ended("rejected")
        return None

    async def _connect(self, verb: Element, base: str) -> Page | None:
        noun = next((child for child in verb.children if child.name == "ConversationRelay"), None)
        if noun is None or not noun.get("url"):
            self._record.add("violation", what="12200: <Connect> without a usable <ConversationRelay>", code=12200)
            return None
        result = await self._relay(noun)
        if self._diversion is not None:
            return None
        action = verb.get("action")
        failed = result.status == "failed"
        manners = self._call.manners
        await self._time.sleep(manners.failed_action_delay_s if failed else manners.action_delay_s)
        if self.hung_up:
            self.status = "completed"
        if not action:
            return None
        params = self._action_params(result)
        method, url = verb.get("method", "POST"), webhooks.absolute(base, action)
        if self.hung_up:
            await self._send(url, self._params() | params, method)  # what it answers is ignored: nobody is there
            return None
        return await self._follow(url, params, method)

    async def _relay(self, noun: Element) -> SessionResult:
        self._sessions += 1
        status = "ringing" if self._sessions == 1 else "in_progress"
        session = RelaySession(
            self._call.facts(status),
            relay_settings(noun),
            self._call.manners,
            time=self._time,
            record=self._record,
            judge=self._call.new_judge(),
            clock=self._call.clock,
        )
        self._session_id = session.session_id
        self.session = session
        self._check()
        try:
            self.last_result = await session.run()
        finally:
            self.session = None
        self._record.add("state", relay=self.last_result.status)
        return self.last_result

    def _action_params(self, result: SessionResult) -> dict[str, str]:
        params = {
            "SessionId": self._session_id,
            "SessionStatus": result.status,
            "SessionDuration": str(round(result.duration_s)),
        }
        if result.handoff_data is not None:
            params["HandoffData"] = result.handoff_data
        if result.status == "failed":
            params |= {"ErrorCode": result.error_code, "ErrorMessage": result.error_message}
        return params

    async def _dial(self, verb: Element, base: str) -> Page | None:
        target = next((child.text for child in verb.children if child.name == "Number"), verb.text)
        outcome = self._call.manners.dial_outcome
        self._record.add("state", state="in-progress", dialing=target)
        await self._rest(RING_S)
        if outcome == "completed":
            self._record.add("state", state="in-progress", bridged=target)
            await self._rest(BRIDGE_S)
        else:
            self._record.add("note", what=f"{target} was dialled: {outcome}")
        if self.hung_up or not verb.get("action"):
            return None
        seconds = "10" if outcome == "completed" else "0"
        params = {"DialCallStatus": outcome, "DialCallSid": self._call.call_sid, "DialCallDuration": seconds}
        return await self._follow(webhooks.absolute(base, verb.get("action")), params, verb.get("method"))

    async def _gather(self, verb: Element, base: str) -> Page | None:
        while not self._input.empty():
            self._input.get_nowait()
        for child in verb.children:
            await self._perform(child, base)
            if not self._input.empty():
                break
        timeout = verb.get("timeout", "5")
        timeout_s = self._time.real_s(5.0 if timeout == "auto" else float(timeout))
        params = await self._collect(verb, timeout_s)
        if not params and not verb.flag("actionOnEmptyResult"):
            return None
        self._check()
        return await self._follow(webhooks.absolute(base, verb.get("action") or base), params, verb.get("method"))

    async def _collect(self, verb: Element, timeout_s: float) -> dict[str, str]:
        self.listening = True
        try:
            return await self._listen(verb, timeout_s)
        finally:
            self.listening = False

    async def _listen(self, verb: Element, timeout_s: float) -> dict[str, str]:
        digits, finish_on = "", verb.get("finishOnKey", "#")
        kinds = verb.get("input", "dtmf").split()
        while not self.hung_up and len(digits) < int(verb.get("numDigits", "1000")):
            try:
                kind, what = await asyncio.wait_for(self._input.get(), timeout_s)
            except TimeoutError:
                break
            if kind == "speech" and "speech" in kinds:
                return {"SpeechResult": what, "Confidence": "0.9"}
            if kind == "dtmf" and what in finish_on:
                return {"Digits": digits, "FinishedOnKey": what}
            if kind == "dtmf":
                digits += what
        return {"Digits": digits} if digits else {}

    # -- the voice outside a relay session -------------------------------------------------------------------------

    async def _utter(self, text: str) -> None:
        utterance = self._call.clock.add_text(self._time.now_s(), text, voice.Style("none"), last=True)
        if utterance is not None:
            self._record.add("agent_text", utterance=utterance.number, text=text, first=True, verb="Say")
            await self._let_sound()

    async def _utter_sound(self, label: str) -> None:
        self._call.clock.add_sound(self._time.now_s(), label, PLAY_S, voice.Style("none"))
        await self._let_sound()

    async def _let_sound(self) -> None:
        clock = self._call.clock
        while not self._disturbed.is_set() and self._input.empty() and (due_s := clock.next_s()) is not None:
            await self._rest(due_s - self._time.now_s())
            for sound in clock.advance(self._time.now_s()):
                record_sound(self._record, sound)
        record_cut(self._record, clock.purge(self._time.now_s()), "hang-up" if self.hung_up else "input")

    async def _rest(self, call_s: float) -> None:
        """Let time pass, unless the caller hangs up or somebody redirects the call."""
        try:
            await asyncio.wait_for(self._disturbed.wait(), self._time.real_s(call_s))
        except TimeoutError:
            return

    # -- what befalls the call -------------------------------------------------------------------------------------

    async def speak(self, text: str, **how: Any) -> bool:
        if self.session is not None:
            await self.session.wait_up()
        if self.session is not None:
            return await self.session.speak(text, **how)
        self._record.add("caller", text=text, final=True, lost="" if text else "silence")
        await self._input.put(("speech", text))
        return False

    async def press(self, digits: str, *, interval_s: float) -> None:
        if self.session is not None:
            await self.session.press(digits, interval_s=interval_s)
            return
        for digit in digits:
            self._record.add("digit", digit=digit, lost="")
            await self._input.put(("dtmf", digit))

    async def hang_up(self, unfinished: str, *, reason: str = "hang-up") -> None:
        self.hung_up, self._ending = True, reason
        self._disturbed.set()
        await self._input.put(("hang-up", ""))
        if self.session is not None:
            await self.session.hang_up(unfinished)

    def divert(self, to: Page | tuple[str, str]) -> None:
        """The REST interface gives the call new TwiML, as text or by URL and method; a relay session ends for it."""
        self._diversion = to
        self._disturbed.set()
        if self.session is not None:
            self.session.finish("completed")
