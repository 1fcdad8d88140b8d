"""One phone call to the application, from the first webhook to the last status callback.

``CarrierCall`` is the caller's end, for tests, the bench, ``make call`` and the phone page::

    async with CarrierCall(line) as call:
        await call.answered()
        await call.say("Is my flight on time?")
        reply = await call.reply(within_s=5)
        await call.barge_in("Actually, which seat do I have?", after_words=4)
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import httpx

from local.carrier import webhooks
from local.carrier.judge import Judge
from local.carrier.manners import CallTime, Manners
from local.carrier.program import Ended, Program
from local.carrier.record import Happening, Record
from local.carrier.session import CallFacts, RelaySession
from local.carrier.voice import TalkClock, Utterance

PATIENCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a number is configured with: absolute URLs, empty where there is none."""

    voice_url: str
    voice_method: str = "POST"
    fallback_url: str = ""
    fallback_method: str = "POST"
    status_url: str = ""
    status_method: str = "POST"


@dataclass(frozen=True, slots=True)
class Line:
    """Who calls whom, and on whose account.

    Attributes:
        hooks: What the number is configured with; by default the system's own paths.
        refusal: Why the call does not come through, if it does not: Twilio's code, a colon, a sentence.
    """

    public_base_url: str
    account_sid: str
    auth_token: str
    from_number: str
    to_number: str
    voice_path: str = webhooks.VOICE_PATH
    status_path: str = webhooks.STATUS_PATH
    fallback_path: str = ""
    hooks: Hooks | None = None
    refusal: str = ""

    @property
    def configured(self) -> Hooks:
        """What the number is configured with."""
        base = self.public_base_url
        fallback_url = base + self.fallback_path if self.fallback_path else ""
        return self.hooks or Hooks(
            base + self.voice_path, fallback_url=fallback_url, status_url=base + self.status_path
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent answered, as sent and as heard; ``first_token_ms`` from the caller's frame to the first text."""

    text: str
    heard: str
    first_token_ms: int | None


@dataclass(frozen=True, slots=True)
class CallEnd:
    """How the call ended.

    Attributes:
        reason: ``hang-up`` (the caller), ``application`` (its TwiML said so), ``stopped`` (over REST), ``rejected`` or
            ``failed``.
        session_status: Of the last relay session: completed, ended or failed; empty if there was none.
        handoff_data: What ``end`` carried, or ``None``.
    """

    reason: str
    session_status: str = ""
    handoff_data: str | None = None


class CarrierCall:
    """A call in progress, seen from the caller.

    Args:
        line: The two numbers and the account.
        manners: How Twilio behaves, and how fast.
        http: A client to share between calls; by default the call has its own.
        reply_of: Tells which reply a token belongs to, where the words tell it.
        listener: Called with every happening at once.
        auth_token: Tells the account's token at this moment, where it may change during the call.
    """

    def __init__(
        self,
        line: Line,
        manners: Manners | None = None,
        *,
        http: httpx.AsyncClient | None = None,
        auth_token: Callable[[], str] | None = None,
        reply_of: Callable[[str], str | None] | None = None,
        listener: Callable[[Happening], None] | None = None,
    ) -> None:
        self.line = line
        self.manners = manners or Manners()
        self.call_sid = "CA" + secrets.token_hex(16)
        self.time = CallTime(self.manners.speed)
        self.record = Record(self.time.at_ms, listener)
        self.clock = TalkClock(self.manners.agent_chars_per_s, self.manners.onset_s)
        self._auth_token = auth_token or (lambda: line.auth_token)
        self._http = http
        self._own_http = http is None
        self._reply_of = reply_of
        self._program: Program | None = None
        self._task: asyncio.Task[None] | None = None
        self._mark = 0
        self._end: CallEnd | None = None

    # -- placing and ending ----------------------------------------------------------------------------------------

    async def place(self) -> Self:
        """Dial. Returns at once; the call goes on by itself."""
        if self._http is None:
            self._http = webhooks.new_client(self.line.configured.voice_url or self.line.public_base_url)
        hooks = webhooks.Webhooks(self._http, self._auth_token, timeout_s=self.manners.webhook_timeout_s)
        self._program = Program(self, hooks)
        self._task = asyncio.create_task(self._run(self._program))
        return self

    async def __aenter__(self) -> Self:
        return await self.place()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up if need be, and let the last callbacks go out."""
        if self._task is None:
            return
        if not self._task.done():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.manners.webhook_timeout_s):
                    await self.hang_up()
                    await asyncio.shield(self._task)
        if not self._task.done():
            self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self, program: Program) -> None:
        self.record.add("state", state="ringing", call_sid=self.call_sid, epoch_ms=round(time.time() * 1000))
        try:
            ended = await program.run()
        except Exception as exc:
            ended = Ended("failed")
            self.record.add("violation", what=f"the carrier itself failed: {type(exc).__name__} {exc}")
            raise
        else:
            result = program.last_result
            self._end = CallEnd(ended.reason, result.status if result else "", result.handoff_data if result else None)
        finally:
            reason = self._end.reason if self._end is not None else "failed"
            self.record.add("ended", reason=reason, duration_s=round(self.time.now_s(), 1))
            self.record.close()
            if self._own_http and self._http is not None:
                await self._http.aclose()

    def facts(self, status: str) -> CallFacts:
        """What ``setup`` will say."""
        line = self.line
        return CallFacts(
            self.call_sid, line.account_sid, self._auth_token(), line.from_number, line.to_number, status.upper()
        )

    def new_judge(self) -> Judge:
        """A judge for a relay session that begins."""
        return Judge(self.manners.late_after_s, self._reply_of)

    # -- what the caller does --------------------------------------------------------------------------------------

    async def say(self, text: str, *, at_once: bool = False) -> bool:
        """Say something: once the agent is quiet, or ``at_once``, over it. Returns whether the agent was cut off."""
        if not at_once:
            await self.agent_quiet()
        return await self._speak(text)

    async def barge_in(
        self,
        text: str,
        *,
        after_words: int = 1,
        gap_s: float | None = None,
        prompt_first: bool = False,
        within_s: float = 15.0,
    ) -> None:
        """Interrupt the agent once it has spoken so many words since the caller's last doing.

        Args:
            text: What the caller says; empty for a cough nobody transcribes.
            after_words: How many words the caller listens to first.
            gap_s: Seconds of the call from the interrupt to the prompt; 0 for the same millisecond.
            prompt_first: The prompt is sent before the interrupt.
            within_s: Real seconds to wait for the words.

        Raises:
            TimeoutError: If the agent did not say so many words in time.
            RuntimeError: If the agent could not be cut off: it had finished, or is not interruptible.
        """
        await self.words_heard(after_words, within_s=within_s)
        if not await self._speak(text, gap_s=gap_s, prompt_first=prompt_first):
            raise RuntimeError("the agent was not cut off: it had finished, or does not let itself be interrupted")

    async def _speak(self, text: str, **how: Any) -> bool:
        self._mark = len(self.record.all)
        return await self._running().speak(text, **how)

    async def press(self, digits: str, *, interval_s: float = 0.15) -> None:
        """Press keys, ``0-9*#``."""
        self._mark = len(self.record.all)
        await self._running().press(digits, interval_s=interval_s)

    async def hang_up(self, unfinished: str = "") -> None:
        """Hang up; ``unfinished`` is what the caller was just saying."""
        if self._end is None and self._program is not None:
            await self._program.hang_up(unfinished)

    async def complete(self) -> None:
        """End the call as the REST interface does."""
        if self._end is None and self._program is not None:
            await self._program.hang_up("", reason="stopped")

    def redirect(
        self, *, url: str = "", method: str = "POST", twiml: bytes = b"", content_type: str = "text/xml"
    ) -> None:
        """Give the call new TwiML, as the REST interface does; a relay session ends for it.

        Raises:
            TwimlError: If the TwiML cannot be run.
        """
        program = self._running()
        program.divert((url, method) if url else program.page_of(twiml, content_type, self.line.public_base_url))

    async def drop_link(self) -> None:
        """Break the WebSocket between Twilio and the application; the call goes on."""
        self._mark = len(self.record.all)
        self._session().drop()

    async def silence(self, call_s: float) -> None:
        """Say nothing for so many seconds of the call."""
        await self.time.sleep(call_s)

    async def send_raw(self, frame: dict[str, Any] | str | bytes) -> None:
        """Send any frame to the application, however wrong."""
        await self._session().send(frame)

    async def partial(self, text: str) -> None:
        """Let a transcript begin that may never become final."""
        await self._session().partial(text)

    # -- what the caller waits for ---------------------------------------------------------------------------------

    async def answered(self, within_s: float = 20.0) -> None:
        """Until the relay session is up.

        Raises:
            TimeoutError: If it never was.
        """
        await self.record.wait_for(lambda each: each.fields.get("relay") == "up", within_s=within_s)

    async def agent_quiet(self, within_s: float = 60.0) -> None:
        """Until the agent has nothing more to say: its cycle is closed, or it has been stuck for two seconds."""
        stuck_since_s: float | None = None
        async with asyncio.timeout(within_s):
            while self._end is None:
                session = self.session
                if (session is not None and not session.busy) or (self._program and self._program.listening):
                    return
                if session is None or not self.clock.idle:
                    stuck_since_s = None
                elif stuck_since_s is None:
                    stuck_since_s = self.time.now_s()
                elif self.time.now_s() - stuck_since_s > PATIENCE_S:
                    return
                await self.record.changed(self.time.real_s(0.25))

    async def words_heard(self, count: int, *, within_s: float = 15.0) -> Happening:
        """Until the agent has spoken so many words since the caller's last doing; returns the last of them."""
        seen = 0

        def enough(happening: Happening) -> bool:
            nonlocal seen
            seen += happening.kind == "agent_word"
            return seen >= count

        return await self.record.wait_for(enough, within_s=within_s, start=self._mark)

    async def reply(self, within_s: float = 15.0) -> Reply:
        """The agent's next utterance, once it has been spoken out or cut off.

        Raises:
            TimeoutError: If there is none in time.
        """
        spoken = await self.record.wait_for(
            lambda each: each.kind in ("agent_done", "agent_cut") and bool(each.fields["text"].strip()),
            within_s=within_s,
            start=self._mark,
        )
        turns = [each for each in self.record.all[self._mark :] if each.kind == "turn"]
        first_token_ms = turns[0].fields["first_token_ms"] if turns else None
        self._mark = self.record.all.index(spoken) + 1
        return Reply(spoken.fields["text"], spoken.fields["heard"], first_token_ms)

    async def ended(self, within_s: float = 30.0) -> CallEnd:
        """Until the call is over, its last callback included."""
        await self.record.wait_for(lambda each: each.kind == "ended", within_s=within_s)
        assert self._end is not None
        return self._end

    def happenings(self, start: int = 0) -> AsyncIterator[Happening]:
        """Everything that happens, from the beginning, until the call is over."""
        return self.record.follow(start)

    # -- what can be looked at -------------------------------------------------------------------------------------

    @property
    def session(self) -> RelaySession | None:
        """The relay session, while there is one."""
        return self._program.session if self._program else None

    @property
    def status(self) -> str:
        """The call's status as Twilio names it."""
        return self._program.status if self._program is not None else "queued"

    @property
    def began_s(self) -> float:
        """When the call was placed, in seconds since 1970."""
        epoch_ms: int = self.record.all[0].fields["epoch_ms"] if self.record.all else round(time.time() * 1000)
        return epoch_ms / 1000

    @property
    def ended_s(self) -> float | None:
        """When it ended; ``None`` while it goes on."""
        return self.began_s + self.record.all[-1].at_ms / 1000 if self.record.of("ended") else None

    @property
    def utterances(self) -> list[Utterance]:
        return self.clock.utterances

    @property
    def heard(self) -> str:
        """Everything the caller has heard the agent say."""
        return " ".join(each.heard for each in self.utterances if each.heard)

    @property
    def said_lately(self) -> str:
        """What the agent has sent since the caller's last doing, spoken or not."""
        return "".join(each.fields["text"] for each in self.record.all[self._mark :] if each.kind == "agent_text")

    @property
    def mark(self) -> int:
        """Where in the record the caller last did something."""
        return self._mark

    def listen_from_here(self) -> None:
        """Count replies and words from now on."""
        self._mark = len(self.record.all)

    @property
    def violations(self) -> list[str]:
        return [each.fields["what"] for each in self.record.of("violation")]

    @property
    def transcript(self) -> list[tuple[str, str]]:
        """Who said what, in order: ``("agent" | "caller", text)``; the agent's words as heard."""
        lines: list[tuple[str, str]] = []
        for each in self.record.all:
            if each.kind == "agent_text" and each.fields["first"]:
                lines.append(("agent", self.utterances[each.fields["utterance"] - 1].heard))
            elif each.kind == "caller" and each.fields["final"]:
                lines.append(("caller", each.fields["text"]))
        return [line for line in lines if line[1]]

    def _running(self) -> Program:
        if self._program is None or self._program.hung_up or self._end is not None:
            raise RuntimeError("there is no call")
        return self._program

    def _session(self) -> RelaySession:
        session = self._running().session
        if session is None:
            raise RuntimeError("there is no relay session just now")
        return session
