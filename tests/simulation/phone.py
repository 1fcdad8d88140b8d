"""Twilio and the caller, simulated: what is said, pressed, queued, spoken, purged and reported."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from tests.simulation.plan import Plan
from tests.simulation.table import ACCOUNT, CALL

GREETING = "Hello, this is Owl."
RATE = 15 / 1000  # characters a millisecond
NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Clock(Protocol):
    """What the phone needs of the world."""

    now: float
    random: random.Random
    plan: Plan

    def at(self, delay: float, run: Callable[[], None]) -> None: ...
    def note(self, text: str) -> None: ...
    def frame(self, kind: str, generation: int, body: dict[str, Any]) -> None: ...
    def new_link(self, generation: int) -> None: ...
    def hung_up(self) -> None: ...


@dataclass
class Chunk:
    """A frame of speech at Twilio.

    Attributes:
        reply: The floor key it was posted under.
        loud: Whether the caller may interrupt it.
        preemptible: Whether a later frame may cut it.
    """

    reply: str
    text: str
    landed: float
    loud: bool = True
    preemptible: bool = False


@dataclass(frozen=True)
class Purged:
    """A chunk that was purged: when it landed, when it went, and what the interrupt told."""

    text: str
    landed: float
    at: float
    told: str


class Phone:
    """One call, seen from Twilio's side.

    Attributes:
        heard: (reply, text) in the order the caller heard it.
        said: Utterances and pressed keys, in order; ``("keys", "12#")`` or ``("words", "…")``.
        acts: When the caller last did something that asks for an answer: (time, what).
        words: When words for the caller landed.
        purged: What barge-ins have purged.
        cut_off: What the caller had heard of a chunk that was playing when the link or the call was gone.
        never_played: What was waiting then.
    """

    def __init__(self, world: Clock) -> None:
        self.world = world
        self.generation = 1
        self.closed = False
        self.ends: list[str | None] = []
        self.playing: list[Chunk] = [Chunk("greeting", GREETING, 0.0)]
        self.spoken_since = 0.0
        self.heard: list[tuple[str, str]] = []
        self.said: list[tuple[str, str]] = []
        self.acts: list[tuple[float, str]] = []
        self.words: list[float] = []
        self.reported = 0
        self._cycle = 0
        self.purged: list[Purged] = []
        self.cut_off = ""
        self.never_played: list[str] = []

    # --- the caller -----------------------------------------------------------------------------------------------
    def begin(self) -> None:
        """The link is open: Twilio sends setup, and the caller will speak."""
        self._send_setup("RINGING")
        self._next(0)

    def _send_setup(self, status: str) -> None:
        body = {"type": "setup", "sessionId": f"VX{self.generation}", "callSid": CALL, "accountSid": ACCOUNT}
        body |= {"from": "+15550100", "to": "+15550101", "direction": "inbound", "callStatus": status}
        self._send("setup", body)

    def _next(self, index: int) -> None:
        plan, rng = self.world.plan, self.world.random
        if index < plan.utterances:
            pause = plan.pauses[index] if len(plan.pauses) == plan.utterances else rng.choice(plan.pauses)
            self.world.at(pause, lambda: self._act(index))
            return
        if plan.drop_link:
            self.world.at(rng.choice([50, 300, 1200]), self._drop)
        if plan.hang_up is not None:
            self.world.at(plan.hang_up, self._hang_up)

    def _act(self, index: int) -> None:
        """The caller speaks or presses keys: over the agent, if it is speaking, and then Twilio purges and says so."""
        self.play_on()
        if self.closed:
            return
        rng, plan = self.world.random, self.world.plan
        keys = rng.random() < plan.keys
        if not (self.playing and self.playing[0].loud and rng.random() < plan.barge_in):
            self._press(index) if keys else self._say(index)
            return
        heard = self._purge()
        body = {"type": "interrupt", "utteranceUntilInterrupt": heard, "durationUntilInterruptMs": 100}
        self._send("interrupt", body)
        if plan.silent_barge_in and index + 1 == plan.utterances:
            self.acts.append((self.world.now, "cough"))
            return
        self.world.at(rng.choice([0, 0, 0, 5, 30]), lambda: self._press(index) if keys else self._say(index))

    def _say(self, index: int) -> None:
        if self.closed:
            return
        text = f"utterance number {NUMBERS[index]}"
        for heard in (text[:9], text[:16]) if self.world.plan.partials else ():
            self._send("partial", {"type": "prompt", "voicePrompt": heard, "lang": "en-US", "last": False})
        if self.world.plan.partials_only:
            return
        self.said.append(("words", text))
        self.acts.append((self.world.now, "words"))
        self._send("prompt", {"type": "prompt", "voicePrompt": text, "lang": "en-US", "last": True})
        self._next(index + 1)

    def _press(self, index: int) -> None:
        """A few keys, one after the other, sometimes closed by a hash."""
        rng = self.world.random
        keys = "".join(rng.choice("0123456789*") for _ in range(rng.randint(1, 4))) + rng.choice(["", "#"])
        at = 7.0
        for i, key in enumerate(keys):
            last = i + 1 == len(keys)
            self.world.at(at, lambda key=key, last=last: self._key(key, index, last=last))
            at += rng.choice([20, 100, 400])

    def _key(self, key: str, index: int, *, last: bool) -> None:
        if self.closed:
            return
        self.said.append(("keys", key))
        self.acts.append((self.world.now, "keys"))
        self._send("dtmf", {"type": "dtmf", "digit": key})
        if last:
            self._next(index + 1)

    def _hang_up(self) -> None:
        if self.closed:
            return
        self.play_on()
        self._lose_queue()
        self.world.note("the caller hangs up")
        self.closed = True
        self.world.hung_up()

    def _lose_queue(self) -> None:
        """What is queued is gone, and nobody is told."""
        if not self.playing:
            return
        partial = self._partial()
        if partial.strip():
            self.heard.append((self.playing[0].reply, partial))
        self.cut_off += partial
        self.never_played += [chunk.text for chunk in self.playing]
        self.playing.clear()
        self.spoken_since, self._cycle = self.world.now, len(self.heard)

    def _drop(self) -> None:
        """The link drops; Twilio comes back on a new one, and may replay what was not acknowledged."""
        if self.closed:
            return
        self.play_on()
        self.world.note("link drops")
        if self.world.random.random() < 0.5:
            self._lose_queue()  # the action callback recovers the call: a new session, and nothing waits in it
        self.generation += 1
        self.world.new_link(self.generation)
        last = next((text for kind, text in reversed(self.said) if kind == "words"), None)
        if self.said and self.said[-1][0] == "keys":
            last = None
        self.world.at(self.world.random.choice([30, 200, 900]), lambda: self._reconnect(last))

    def _reconnect(self, last: str | None) -> None:
        self._send_setup("IN_PROGRESS")
        if last is not None and self.world.random.random() < 0.5:
            body = {"type": "prompt", "voicePrompt": last, "lang": "en-US", "last": True}
            self.world.at(2, lambda: self._send("prompt", body))

    # --- Twilio ---------------------------------------------------------------------------------------------------
    def _send(self, kind: str, body: dict[str, Any]) -> None:
        if not self.closed or kind == "info":
            self.world.frame(kind, self.generation, body)

    def land(self, reply: str, connection_id: str, frame: dict[str, Any]) -> bool:
        """A frame of ours arrives; whether there is a link to carry it."""
        if connection_id != f"conn{self.generation}" or (self.closed and self.world.plan.hang_up is not None):
            return False
        self.play_on()
        if frame["type"] == "end":
            self.closed = True
            self.ends.append(frame.get("handoffData"))
        elif frame["token"] and not self.closed:
            self.words.append(self.world.now)
            loud, preemptible = frame.get("interruptible") is not False, bool(frame.get("preemptible"))
            self._queue(Chunk(reply, frame["token"], self.world.now, loud, preemptible))
        return True

    def _queue(self, chunk: Chunk) -> None:
        if self.playing and self.playing[0].preemptible:
            partial = self._partial()
            if partial.strip():
                self.heard.append((self.playing[0].reply, partial))
            self.playing.pop(0)
            self.spoken_since = self.world.now
        if not self.playing:
            self.spoken_since = self.world.now
        self.playing.append(chunk)
        left = sum(len(waiting.text) for waiting in self.playing) / RATE - (self.world.now - self.spoken_since)
        self.world.at(max(1.0, left) + 1, self.play_on)

    def play_on(self) -> None:
        """Speak what is queued up to now, and report what has been spoken."""
        while self.playing:
            first = self.playing[0]
            end = max(self.spoken_since, first.landed) + len(first.text) / RATE
            if end > self.world.now:
                return
            self.playing.pop(0)
            self.spoken_since = end
            self.heard.append((first.reply, first.text))
            if self.world.plan.tokens_played and first.reply != "greeting":
                self.reported += 1
                self._send("info", {"type": "info", "name": "tokensPlayed", "value": first.text})

    def _partial(self) -> str:
        """What of the chunk that is playing has been spoken, in whole words."""
        first = self.playing[0]
        count = int(max(0.0, self.world.now - max(self.spoken_since, first.landed)) * RATE)
        return first.text[: first.text.rfind(" ", 0, count + 1) + 1] if count < len(first.text) else first.text

    def _purge(self) -> str:
        """Barge-in: what is queued is gone. Returns what was heard of the reply that was playing."""
        first, partial = self.playing[0], self._partial()
        cycle = ""
        for reply, text in reversed(self.heard[self._cycle :]):
            if reply != first.reply:
                break
            cycle = text + cycle
        waiting = list(self.playing)
        self.playing.clear()
        self.spoken_since = self.world.now
        if partial.strip():
            self.heard.append((first.reply, partial))
        self._cycle = len(self.heard)
        told = (cycle + partial).strip()
        self.purged += [Purged(chunk.text, chunk.landed, self.world.now, told) for chunk in waiting]
        self.world.note(f"caller barges in after {partial!r}")
        return told
