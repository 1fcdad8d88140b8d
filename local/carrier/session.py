"""One ConversationRelay session: the relay protocol from Twilio's end, with a voice and a caller's ear.

Two tasks live while a link is up: one reads the application's frames, one turns the talk clock. The caller's doings
(speech, keys, hanging up) come in as method calls. Whatever ends the session completes one future.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Literal

from local.carrier import frames, voice
from local.carrier.captions import record_cut, record_sound
from local.carrier.judge import Judge
from local.carrier.link import HandshakeError, Link
from local.carrier.manners import CallTime, Manners
from local.carrier.numerals import read_out
from local.carrier.record import Record
from local.carrier.relay_settings import RelaySettings

MALFORMED_LIMIT: Final = 10
REPLAY_LIMIT: Final = 500
PLAY_S: Final = 2.0
DIGIT_S: Final = 0.25

SessionStatus = Literal["completed", "ended", "failed"]


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What ``setup`` says about the call."""

    call_sid: str
    account_sid: str
    auth_token: str
    from_number: str
    to_number: str
    call_status: str = "RINGING"
    direction: str = "inbound"


@dataclass(frozen=True, slots=True)
class SessionResult:
    """How a session ended, as the action callback tells it."""

    status: SessionStatus
    handoff_data: str | None = None
    error_code: str = ""
    error_message: str = ""
    duration_s: float = 0.0


class RelaySession:
    """Plays one session; :meth:`run` returns when it is over."""

    def __init__(
        self,
        facts: CallFacts,
        settings: RelaySettings,
        manners: Manners,
        *,
        time: CallTime,
        record: Record,
        judge: Judge,
        clock: voice.TalkClock,
    ) -> None:
        self.session_id = "VX" + secrets.token_hex(16)
        self.settings = settings
        self._facts = facts
        self._manners = manners
        self._time = time
        self._record = record
        self._judge = judge
        self._clock = clock
        self._link: Link | None = None
        self._over: asyncio.Future[SessionResult] = asyncio.get_running_loop().create_future()
        self._stir = asyncio.Event()
        self._up = asyncio.Event()
        self._backlog: deque[dict[str, Any]] = deque(maxlen=REPLAY_LIMIT)
        self._malformed = 0
        self._end: frames.End | None = None
        self._speaker_on = False
        self._asked_s: float | None = None
        self._turn = 0
        self._began_s = time.now_s()
        self._dropping = False
        self._closing = (1000, "Closing websocket session")
        self._language = settings.transcription_language

    # -- the life of a session -------------------------------------------------------------------------------------

    async def run(self) -> SessionResult:
        """Open the link, play the session to its end, close the link."""
        try:
            link = await self._open()
        except HandshakeError as exc:
            self._record.add("violation", what=str(exc), code=64102)
            return self._result("failed", error_code="64102", error_message=str(exc))
        self._greet()
        ticking = asyncio.create_task(self._tick())
        try:
            return await self._serve(link)
        finally:
            ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticking
            self._fall_silent("end of session")

    async def _open(self, *, setup: bool = True) -> Link:
        self._record.add("state", relay="connecting")
        link = await Link.open(
            self.settings.url,
            self._facts.auth_token,
            form=self._manners.handshake_form,
            within_s=self._manners.handshake_timeout_s,
        )
        self._record.add("connect", url=self.settings.url, session_id=self.session_id)
        self._link = link
        self._judge.new_link()
        if setup:
            await self.send(self._setup())
        self._record.add("state", relay="up")
        self._up.set()
        return link

    async def _serve(self, link: Link) -> SessionResult:
        while True:
            reading = asyncio.create_task(self._read(link))
            await self._first_of(reading)
            if self._over.done():
                await self._close(link, reading)
                return self._over.result()
            self._link = None
            if self._end is not None and not self._dropping:
                return await self._over  # it ended the session properly and did not wait for us to close
            failure = self._failure(link)
            self._record.add("state", relay="down")
            restored = await self._reconnect() if self.settings.application_reconnect else None
            if restored is None:
                return self._over.result() if self._over.done() else failure
            link = restored

    async def _first_of(self, task: asyncio.Task[Any]) -> None:
        """Until the task is done or the session is over."""
        waiting: set[asyncio.Future[Any]] = {task, self._over}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    async def _close(self, link: Link, reading: asyncio.Task[None]) -> None:
        self._link = None
        code, reason = self._closing
        await link.close(code, reason)
        self._record.add("disconnect", code=code, reason=reason, by="twilio")
        await reading

    def _failure(self, link: Link) -> SessionResult:
        code, reason = link.closed_as
        by = "drop" if self._dropping else "app"
        self._record.add("disconnect", code=code, reason=reason, by=by)
        if by == "app" and not self._judge.ended:
            self._record.add("violation", what=f"the application closed the WebSocket ({code} {reason})".strip())
        self._dropping = False
        return self._result("failed", error_code="64105", error_message="Websocket ended")

    async def _reconnect(self) -> Link | None:
        for attempt in range(self._manners.reconnect_tries):
            await asyncio.wait({self._over}, timeout=self._time.real_s(self._manners.reconnect_delay_s * (attempt + 1)))
            if self._over.done():
                return None
            with contextlib.suppress(HandshakeError):
                link = await self._open(setup=self._manners.repeat_setup)
                backlog, self._backlog = self._backlog, deque(maxlen=REPLAY_LIMIT)
                for frame in backlog:
                    await self.send(frame)
                return link
        return None

    def finish(self, status: SessionStatus) -> None:
        """End the session from Twilio's side: the caller hung up, or the call was redirected."""
        self._finish(self._result(status))

    def _finish(self, result: SessionResult) -> None:
        if not self._over.done():
            self._over.set_result(result)

    def _result(self, status: SessionStatus, **more: Any) -> SessionResult:
        return SessionResult(status, duration_s=self._time.now_s() - self._began_s, **more)

    # -- frames out ------------------------------------------------------------------------------------------------

    async def send(self, frame: dict[str, Any] | str | bytes) -> None:
        """Send a frame to the application; while a dropped link is being restored it waits in the backlog."""
        shown: Any = frame if isinstance(frame, dict) else repr(frame)[:500]
        link = self._link
        if link is None:
            kept = self.settings.application_reconnect and isinstance(frame, dict) and not self._over.done()
            if kept and isinstance(frame, dict):
                self._backlog.append(frame)
            self._record.add(
                "note", what="frame kept until reconnected" if kept else "frame lost: no link", frame=shown
            )
            return
        self._record.add("frame_in", frame=shown)
        if isinstance(frame, dict) and frame["type"] in ("prompt", "interrupt") and frame.get("last", True):
            self._judge.fence(self._time.wall_s(), frame["type"])
        await link.send(frame)

    def _setup(self) -> dict[str, Any]:
        facts = self._facts
        return {
            "type": "setup",
            "sessionId": self.session_id,
            "accountSid": facts.account_sid,
            "parentCallSid": "",
            "callSid": facts.call_sid,
            "from": facts.from_number,
            "to": facts.to_number,
            "forwardedFrom": "",
            "callType": "PSTN",
            "callerName": "",
            "direction": facts.direction,
            "callStatus": facts.call_status,
            "customParameters": self.settings.parameters,
        }

    async def _info(self, name: str, value: str) -> None:
        await self.send({"type": "info", "name": name, "value": value})

    # -- frames in -------------------------------------------------------------------------------------------------

    async def _read(self, link: Link) -> None:
        async for raw in link.frames():
            try:
                read = frames.read(raw)
            except frames.MalformedFrameError as exc:
                await self._refuse(raw, str(exc))
                continue
            self._malformed = 0
            faults = [*self._judge.frame(self._time.wall_s(), read.frame), *read.doubts]
            self._record.add("frame_out", frame=json.loads(raw), faults=faults)
            for fault in faults:
                self._record.add("violation", what=fault, frame=json.loads(raw))
            await self._take(read.frame)

    async def _refuse(self, raw: str | bytes, why: str) -> None:
        shown = raw if isinstance(raw, str) else repr(raw)
        self._record.add("frame_out", raw=shown[:2000], faults=[f"64107: {why}"])
        self._record.add("violation", what=f"64107: {why}", raw=shown[:2000], code=64107)
        self._malformed += 1
        if self._malformed >= MALFORMED_LIMIT:
            self._record.add("violation", what="ten malformed frames in a row: the session is closed with 1007")
            self._closing = (1007, "Too many consecutive malformed messages.")
            self._finish(self._result("failed", error_code="64105", error_message="Websocket ended"))
            return
        await self.send({"type": "error", "description": f"Invalid message received, code: 64107, {shown}"})

    async def _take(self, frame: frames.AppFrame) -> None:
        now_s = self._time.now_s()
        match frame:
            case frames.Text():
                self._take_text(now_s, frame)
            case frames.Play():
                style = self.settings.style_of(frame.interruptible, frame.preemptible)
                loops = frame.loop or 1000
                self._clock.add_sound(now_s, f"[plays {frame.source}]", PLAY_S * loops, style)
            case frames.SendDigits():
                style = voice.Style("none")
                seconds = DIGIT_S * len(frame.digits)
                self._clock.add_sound(now_s, f"[keys {frame.digits}]", seconds, style, "digits")
            case frames.Language():
                self._language = frame.transcription_language or self._language
            case frames.End():
                self._end = self._end or frame
                self._record.add("state", relay="ending")
        self._stir.set()

    def _take_text(self, now_s: float, frame: frames.Text) -> None:
        if self._judge.ended:
            return  # Twilio speaks nothing that comes after the end
        style = self.settings.style_of(frame.interruptible, frame.preemptible)
        utterance = self._clock.add_text(now_s, frame.token, style, last=frame.last)
        if utterance is None or not frame.token:
            return
        self._record.add(
            "agent_text", utterance=utterance.number, text=frame.token, first=utterance.sent == frame.token
        )
        if self._asked_s is not None and frame.token.strip():
            took_ms = round((self._time.wall_s() - self._asked_s) * 1000)
            self._asked_s = None
            self._record.add("turn", turn=self._turn, first_token_ms=took_ms, utterance=utterance.number)

    # -- the voice -------------------------------------------------------------------------------------------------

    def _greet(self) -> None:
        if not self.settings.welcome_greeting:
            return
        style = voice.Style(self.settings.greeting_interruptible)
        greeting = self._clock.add_text(self._time.now_s(), self.settings.welcome_greeting, style, last=True)
        if greeting is not None:
            self._record.add("agent_text", utterance=greeting.number, text=greeting.sent, first=True, greeting=True)
        self._stir.set()

    async def _tick(self) -> None:
        while True:
            self._stir.clear()
            for sound in self._clock.advance(self._time.now_s()):
                await self._sounded(sound)
            if self._end is not None and self._clock.idle and not self._over.done():
                await self._time.sleep(self._manners.close_delay_s)
                self._finish(self._result("ended", handoff_data=self._end.handoff_data))
            due_s = self._clock.next_s()
            timeout_s = None if due_s is None else self._time.real_s(due_s - self._time.now_s())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stir.wait(), timeout_s)

    async def _sounded(self, sound: voice.Sound) -> None:
        record_sound(self._record, sound)
        match sound:
            case voice.Began():
                await self._speaker(on=True)
            case voice.Played(text=text, kind="text") if self.settings.tokens_played:
                await self._info("tokensPlayed", text.strip())
            case voice.Fell():
                await self._speaker(on=False)

    async def _speaker(self, *, on: bool) -> None:
        if on == self._speaker_on:
            return
        self._speaker_on = on
        if self.settings.speaker_events:
            await self._info("agentSpeaking", "on" if on else "off")

    def _fall_silent(self, by: str) -> None:
        self._purge(by)
        self._clock.advance(self._time.now_s())

    def _purge(self, by: str) -> voice.Cut:
        cut = self._clock.purge(self._time.now_s())
        record_cut(self._record, cut, by)
        return cut

    # -- the caller ------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Words of the agent are sounding, waiting to, or still to come in an open talk cycle."""
        return not self._clock.idle or self._clock.open

    async def wait_up(self) -> None:
        """Until there is a link, or no hope of one."""
        up = asyncio.create_task(self._up.wait())
        await self._first_of(up)
        up.cancel()

    async def speak(self, text: str, *, gap_s: float | None = None, prompt_first: bool = False) -> bool:
        """The caller says something, over the agent if it is speaking.

        Args:
            text: The words; empty for a cough, which interrupts and is never transcribed.
            gap_s: From the interrupt to the prompt, in seconds of the call; by default as long as saying it takes.
            prompt_first: Sends the prompt before the interrupt it caused, to try what must not matter.

        Returns:
            Whether the agent was cut off.
        """
        await self._flush_sounds()
        over_speech = self._clock.speaking
        cuts = not self._clock.idle and self._clock.can_be_cut_by("speech")
        reported = not over_speech or self.settings.report_input in ("speech", "any")
        if self.settings.speaker_events:
            await self._info("clientSpeaking", "on")
        if cuts and not prompt_first:
            await self._interrupt("speech")
            await self._time.sleep(len(text) / self._manners.caller_chars_per_s if gap_s is None else gap_s)
        if text:
            await self._transcribe(text, reported=reported)
        if cuts and prompt_first:
            await self._interrupt("speech")
        if self.settings.speaker_events:
            await self._info("clientSpeaking", "off")
        return cuts

    async def _transcribe(self, text: str, *, reported: bool) -> None:
        if not reported:
            self._record.add("caller", text=text, final=True, lost="reportInputDuringAgentSpeech")
            why = "reportInputDuringAgentSpeech does not report speech"
            self._record.add("violation", what=f"deaf agent: the caller's words over the agent are lost, as {why}")
            return
        if self.settings.partial_prompts:
            for partial in partials(text):
                await self.partial(partial)
        self._turn += 1
        self._asked_s = self._time.wall_s()
        self._record.add("caller", text=text, final=True, turn=self._turn)
        await self.send(self._prompt(text, last=True))

    async def partial(self, text: str) -> None:
        """A transcript that is not final yet."""
        self._record.add("caller", text=text, final=False)
        await self.send(self._prompt(text, last=False))

    def _prompt(self, text: str, *, last: bool) -> dict[str, Any]:
        return {"type": "prompt", "voicePrompt": text, "lang": self._language, "last": last}

    async def _interrupt(self, by: Literal["speech", "dtmf"]) -> None:
        cut = self._purge(by)
        heard = read_out(cut.heard) if self._manners.numbers_read_out else cut.heard
        played_ms = round(cut.played_s * 1000)
        duration: int | str = str(played_ms) if self._manners.duration_as_string else played_ms
        await self.send({"type": "interrupt", "utteranceUntilInterrupt": heard, "durationUntilInterruptMs": duration})
        await self._flush_sounds()
        self._stir.set()

    async def press(self, digits: str, *, interval_s: float = 0.15) -> None:
        """The caller presses keys, one after another."""
        for number, digit in enumerate(digits):
            if number:
                await self._time.sleep(interval_s)
            await self._press_one(digit)

    async def _press_one(self, digit: str) -> None:
        await self._flush_sounds()
        over_speech = self._clock.speaking
        if not self._clock.idle and self._clock.can_be_cut_by("dtmf"):
            await self._interrupt("dtmf")
        reported = not over_speech or self.settings.report_input in ("dtmf", "any")
        lost = "" if self.settings.dtmf_detection and reported else "dtmfDetection"
        if not reported:
            lost = "reportInputDuringAgentSpeech"
        self._record.add("digit", digit=digit, lost=lost)
        if lost:
            self._record.add("note", what=f"the key {digit} is not reported, as {lost} says")
            return
        if self._asked_s is None:  # the first of the keys that make one turn
            self._turn += 1
            self._asked_s = self._time.wall_s()
        await self.send({"type": "dtmf", "digit": digit})

    def drop(self) -> None:
        """The network between Twilio and the application breaks."""
        if self._link is not None:
            self._dropping = True
            self._link.drop()

    async def hang_up(self, unfinished: str = "") -> None:
        """The caller hangs up, perhaps in the middle of a word."""
        if unfinished and self.settings.partial_prompt_on_hangup:
            await self.send(self._prompt(unfinished, last=True))
        await self._flush_sounds()
        self._purge("hang-up")
        self.finish("completed")

    async def _flush_sounds(self) -> None:
        for sound in self._clock.advance(self._time.now_s()):
            await self._sounded(sound)


def partials(text: str) -> list[str]:
    """Cumulative guesses at an utterance while it is being said."""
    words = text.split()
    return [" ".join(words[:count]) for count in range(2, len(words), 3)]
