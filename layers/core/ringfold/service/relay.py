"""One relay frame: store it, see what the call is now, and speak if it is ours to speak (design D2-D7)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ringfold.core import commands as c
from ringfold.core import events as ev
from ringfold.core import frames as fr
from ringfold.core import journal as j
from ringfold.core.agent import Agent
from ringfold.core.compaction import plan
from ringfold.core.end_reasons import REFUSED
from ringfold.core.fold import View, broken_off, fold, unanswered
from ringfold.core.frame_tools import awaited
from ringfold.core.handoff import handoff_data
from ringfold.core.ids import Key
from ringfold.core.session import Snapshot
from ringfold.core.turn import LEASE_MS, WATCHDOG_S, Turn
from ringfold.core.turn_start import Start, ToolBox
from ringfold.core.watch import diagnose
from ringfold.errors import DependencyError, WireError
from ringfold.log import Log
from ringfold.service.driver import Beside, Program, Sleep

WARM_CALLS: Final = 64
WARM_MS: Final = 25_000
"""How long a copy held by this worker is good enough to ask the model from, unconfirmed (D15)."""
TRUSTED: Final = 0.6
TRUST_MEMORY: Final = 0.7
TERMINATOR_MS: Final = 300
"""How long keys pressed before ``#`` may still be on their way."""
FRAMES_BURST: Final = 600
FRAMES_PER_S: Final = 50
APPEND_TRIES: Final = 12
APPEND_PAUSE_MS: Final = 250
LOOK_TRIES: Final = 40
"""The queue would bring a look back after minutes: it outlasts a short fault of the table by itself."""


@dataclass(frozen=True)
class Frame:
    """What the gateway says of a frame, beside its body. ``call_sid`` and the rest come from the authorizer."""

    call_sid: str
    account_sid: str
    organization_id: str
    conversation_id: str
    generation: int
    connection_id: str
    message_id: str
    at_ms: int
    rid: str
    body: str

    @property
    def link(self) -> tuple[int, str]:
        """(generation, connection id) of the link it came on."""
        return self.generation, self.connection_id


@dataclass
class _Warm:
    """What this worker holds of a call."""

    item: c.Item
    snapshot: Snapshot
    segments: Sequence[Mapping[str, Any]]
    seen_ms: int


@dataclass
class _Bucket:
    level: float
    at_ms: int


@dataclass
class Relay:
    """The relay service of one worker: every method that touches the outside is a program (see ``driver.py``).

    Attributes:
        clock: Epoch milliseconds.
        models: The deployment's default model and second model.
        warm: What this worker holds of the calls it served last.
        trust: How often of late what it held was what the table held. With few calls a worker serves a call's turns
            one after another; with many it does not, and a guess costs a model request for nothing.
    """

    tools: ToolBox
    log: Log
    clock: Callable[[], int]
    models: tuple[str, str]
    turn_dispatch: str = "inline"
    trust: float = 1.0
    warm: dict[str, _Warm] = field(default_factory=dict)
    buckets: dict[str, _Bucket] = field(default_factory=dict)

    # --- frames ---------------------------------------------------------------------------------------------------
    def frame(self, frame: Frame) -> Program:
        """Handle one frame. Bad frames are logged and dropped; nothing is raised for what Twilio may send."""
        log = self._bind(frame)
        if not self._admit(frame, log):
            return
        try:
            parsed = fr.parse_frame(frame.body)
        except WireError as exc:
            log.warning("frame refused", error=str(exc), **self._count("FramesRefused"))
            return
        match parsed:
            case fr.CallerSpoke(text, lang, last):
                if last and text:
                    yield from self._spoke(frame, text, lang, log)
            case fr.BargeIn(heard, played_ms):
                yield from self._interrupted(frame, heard, played_ms, log)
            case fr.KeyPressed(digit):
                yield from self._pressed(frame, digit, log)
            case fr.Setup():
                yield from self._set_up(frame, parsed, log)
            case fr.TokensPlayed(text):
                item = yield from self._store(frame, ev.PLAYED, {"text": text}, log)
                yield from self._hold(frame.call_sid, item)
            case fr.RelayError(description):
                # The description quotes the frame that was refused, and with it what the agent said.
                code = re.search(r"\d{5}", description)
                log.error("twilio reported an error", code=code.group() if code else "", **self._count("RelayErrors"))
                log.debug("twilio's description", description=description[:300])
                yield from self._store(frame, ev.ERROR, {"text": description[:300]}, log)
            case fr.Unknown(kind):
                log.warning("frame of an unknown type ignored", frame_type=kind, **self._count("UnknownFrames"))
            case _:
                log.debug("frame ignored", frame_type=type(parsed).__name__)

    def _bind(self, frame: Frame) -> Log:
        return self.log.bind(
            call_sid=frame.call_sid,
            organization_id=frame.organization_id,
            conversation_id=frame.conversation_id,
            request_id=frame.rid,
        )

    def _admit(self, frame: Frame, log: Log) -> bool:
        """A flood of frames on one call stops before it reaches the table."""
        now = self.clock()
        if len(self.buckets) > 4 * WARM_CALLS:
            self.buckets.clear()
        bucket = self.buckets.setdefault(frame.call_sid, _Bucket(FRAMES_BURST, now))
        bucket.level = min(FRAMES_BURST, bucket.level + (now - bucket.at_ms) / 1000 * FRAMES_PER_S)
        bucket.at_ms = now
        if bucket.level < 1:
            log.warning("too many frames on one call; frame dropped", **self._count("FramesDropped"))
            return False
        bucket.level -= 1
        return True

    def _store(self, frame: Frame, kind: str, fields: Mapping[str, Any], log: Log, *, watch: bool = False) -> Program:
        """Store a frame that asks for no reply. Its value: the item, or ``None`` when this is not the first copy.

        ``watch``: somebody is needed afterwards, so the watchdog's message goes out beside the first try.
        """
        key, event = _event(frame, kind, fields)
        command = c.Append(key, event, link=frame.link)
        arm = c.Arm(key, WATCHDOG_S, event, frame.link) if watch else None
        for _ in range(APPEND_TRIES):
            outcome = yield (Beside(arm, command) if arm else command)
            arm = None
            if isinstance(outcome, c.Appended):
                mine = outcome.item["events"].get(key, {}).get("rid") == frame.rid
                return outcome.item if mine else None
            if isinstance(outcome, c.AppendFailed) and outcome.missing:
                break
            yield Sleep(APPEND_PAUSE_MS)
        log.error("frame could not be stored", frame_type=kind, **self._count("FramesLost"))
        return None

    def _spoke(self, frame: Frame, text: str, lang: str, log: Log) -> Program:
        key, event = _event(frame, ev.PROMPT, {"text": text, "lang": lang})
        if self.turn_dispatch == "async":
            yield from self._dispatch(frame, key, event)
        else:
            yield from self._turn(frame.call_sid, Start(key, frame.rid, event, frame.link), log)

    def _dispatch(self, frame: Frame, key: Key, event: Mapping[str, Any]) -> Program:
        """``TurnDispatch=async``: store, arm, and let another invocation speak."""
        yield c.Arm(key, WATCHDOG_S, event, frame.link)
        opened = {"rid": frame.rid, "at": self.clock(), "p": {}, "tools": {}}
        for _ in range(APPEND_TRIES):
            outcome = yield c.Append(key, event, opened, link=frame.link)
            if isinstance(outcome, c.Appended):
                if outcome.item["events"].get(key, {}).get("rid") == frame.rid:
                    yield c.Dispatch(key, 0)
                return
            if isinstance(outcome, c.AppendFailed) and outcome.missing:
                break
            yield Sleep(APPEND_PAUSE_MS)
        held = self.warm.get(frame.call_sid)
        apology = held.snapshot.agent.apology if held else Agent.apology
        yield c.PostFrame(frame.connection_id, fr.build_frame(fr.Text(apology, last=True)))

    def _interrupted(self, frame: Frame, heard: str, played_ms: int, log: Log) -> Program:
        fields = {"heard": heard, "played_ms": played_ms}
        yield from self._store(frame, ev.INTERRUPT, fields, log, watch=True)
        log.info("caller barged in", played_ms=played_ms)

    def _pressed(self, frame: Frame, digit: str, log: Log) -> Program:
        """Keys are collected until there are enough, or the caller pauses, or ends them; the last one answers them."""
        key, _ = _event(frame, ev.DIGIT, {"digit": digit})
        item = yield from self._store(frame, ev.DIGIT, {"digit": digit}, log, watch=True)
        if item is None:
            return
        pressed = fold(item)
        wanted, digits = awaited(pressed), pressed.loose_digits[1] if pressed.loose_digits else digit
        # Keys pressed before the last one may still be on their way.
        yield Sleep(TERMINATOR_MS if wanted.complete(digits) else wanted.pause_ms)
        outcome = yield c.Poll()
        if not isinstance(outcome, c.Polled):
            return
        view = fold(outcome.item)
        if not view.ended and view.loose_digits is not None and view.loose_digits[0] == key:
            yield from self._collect(frame.call_sid, key, frame.rid, frame.link, log)

    def _collect(self, call_sid: str, last: Key, rid: str, link: tuple[int, str] | None, log: Log) -> Program:
        """Answer the keys pressed up to ``last``."""
        event = {"type": ev.DIGITS, "rid": rid}
        yield from self._turn(call_sid, Start(ev.derived_key(last, ev.DIGITS), rid, event, link), log)

    def _set_up(self, frame: Frame, setup: fr.Setup, log: Log) -> Program:
        if setup.call_sid != frame.call_sid or setup.account_sid != frame.account_sid:
            log.error("setup names another call than its token; call ended", **self._count("ForeignSetups"))
            yield c.EndCall(REFUSED)
            yield c.PostFrame(frame.connection_id, fr.build_frame(fr.End()))
            return
        again = frame.generation > 1
        item = yield from self._store(frame, ev.SETUP, {"session_id": setup.session_id}, log, watch=again)
        log.info("link set up", link=frame.generation, direction=setup.direction)
        yield c.WarmUp()
        key, _ = _event(frame, ev.SETUP, {})
        if item is not None and not again and item.get("recoveries"):
            # The first handshake failed, and a recovery's TwiML never greets: the caller has heard nothing yet.
            yield from self._open(frame.call_sid, key, frame.link, frame.rid, "greeting", log)
        elif item is not None and again:
            yield from self._resume(frame.call_sid, key, item, frame.link, frame.rid, log)
        else:
            yield from self._hold(frame.call_sid, item)

    def _hold(self, call_sid: str, item: c.Item | None) -> Program:
        """Hold the call as it is now, for the caller's next words (D15).

        Whoever serves a call's last frame of a turn is likely to serve the first of the next. What does not change
        is read once.
        """
        if item is None or item.get("ended"):
            return
        held = self.warm.get(call_sid)
        if held is not None and len(held.segments) == int(item.get("folded", 0)):
            self._keep(call_sid, item, held.snapshot, held.segments)
            return
        outcome = yield c.Load()
        if isinstance(outcome, c.Loaded):
            self._keep(call_sid, item, outcome.snapshot, outcome.segments)

    def _resume(
        self, call_sid: str, key: Key, item: c.Item, link: tuple[int, str] | None, rid: str, log: Log
    ) -> Program:
        """A new link: go on with an unfinished answer, else say that we are back (A8)."""
        view = yield from self._view(call_sid, item)
        newest = view.speaking[-1] if view.speaking else ""
        reply = view.reply(newest) if newest else None
        alive = reply is not None and not reply.finished and self.clock() - reply.alive_ms < LEASE_MS
        if view.ended or alive:
            return
        owed = reply is not None and (reply.state not in (j.DONE, j.STOPPED) or broken_off(reply))
        returned = any(event["type"] == ev.RETURNED and key > newest for key, event in view.events.items())
        open_ = bool(unanswered(view)) or owed or returned
        yield from self._open(call_sid, key, link, rid, "" if open_ else "back", log)

    def _view(self, call_sid: str, item: c.Item) -> Program:
        """The folded session. The greeting belongs to it: what was played of it is no reply's."""
        held = self.warm.get(call_sid)
        if held is not None:
            return fold(item, held.snapshot.greeting)
        outcome = yield c.Load()
        return fold(item, outcome.snapshot.greeting if isinstance(outcome, c.Loaded) else "")

    def _open(
        self, call_sid: str, key: Key, link: tuple[int, str] | None, rid: str, script_of: str, log: Log
    ) -> Program:
        """Speak first on a new link: a sentence of the agent's, or the answer that is still owed."""
        event = {"type": ev.RESUME, "rid": rid}
        start = Start(ev.derived_key(key, ev.RESUME), rid, event, link, script_of=script_of)
        yield from self._turn(call_sid, start, log)

    # --- turns handed over, and the watchdog ----------------------------------------------------------------------
    def handed_over(self, call_sid: str, key: str, part: int, rid: str) -> Program:
        """Carry on a turn that another invocation has stored (A11). Delivered twice it runs once."""
        log = self.log.bind(call_sid=call_sid, request_id=rid)
        outcome = yield c.Claim(Key(key), part, rid)
        if not isinstance(outcome, c.Journaled):
            log.info("turn not claimed", turn_part=part)
            return
        yield from self._turn(call_sid, Start(Key(key), rid, item=outcome.item, part=part, armed=True), log)

    def look(self, call_sid: str, key: str, event: Mapping[str, Any] | None, link: Any, rid: str) -> Program:
        """The watchdog's delayed look at a call; harmless early, late and twice.

        Raises:
            DependencyError: If the call could not be read: the queue delivers the message again.
        """
        log = self.log.bind(call_sid=call_sid, request_id=rid, watchdog=True)
        outcome = yield c.Poll()
        for _ in range(LOOK_TRIES):
            if isinstance(outcome, c.Polled) or (isinstance(outcome, c.PollFailed) and outcome.missing):
                break
            yield Sleep(APPEND_PAUSE_MS)
            outcome = yield c.Poll()
        if isinstance(outcome, c.PollFailed) and outcome.missing:
            return
        if not isinstance(outcome, c.Polled):
            raise DependencyError("dynamodb", "watchdog could not read the call", retryable=True)
        item = outcome.item
        at = (int(link[0]), str(link[1])) if link else None
        if event is not None and key not in item["events"] and key > item.get("mark", ""):
            yield from self._restore(call_sid, Key(key), event, at, rid, log)
        else:
            yield from self._examine(call_sid, Key(key), item, at, rid, log)

    def _examine(
        self, call_sid: str, key: Key, item: c.Item, link: tuple[int, str] | None, rid: str, log: Log
    ) -> Program:
        view = yield from self._view(call_sid, item)
        finding = diagnose(view, self.clock(), end_sent=bool(item.get("end_sent")))
        if finding.action == "wait":
            yield c.Arm(key, max(1, math.ceil((finding.at_ms - self.clock()) / 1000)), None, link)
        elif finding.action == "end":
            yield from self._end_again(item, view)
        elif finding.action == "collect" and view.loose_digits:
            yield from self._collect(call_sid, view.loose_digits[0], rid, link, log)
        elif finding.action != "nothing":
            log.warning("watchdog speaks", finding=finding.action, **self._count("WatchdogTakeovers"))
            yield from self._take_over(call_sid, view, finding.action, rid, log)

    def _end_again(self, item: c.Item, view: View) -> Program:
        """Whoever had decided on the end died before Twilio was told."""
        data = None
        if item.get("handoff") and not item.get("ended"):
            outcome = yield c.Load()
            data = handoff_data(item, outcome.snapshot if isinstance(outcome, c.Loaded) else None)
        yield c.PostFrame(view.connection(), fr.build_frame(fr.End(data)))

    def _restore(
        self, call_sid: str, key: Key, event: Mapping[str, Any], link: tuple[int, str] | None, rid: str, log: Log
    ) -> Program:
        """Whoever had this frame died before it was stored: store it now, and answer it."""
        log.warning("watchdog restores a lost frame", frame_type=event["type"], **self._count("WatchdogTakeovers"))
        mine = {**event, "rid": rid}
        if event["type"] in ev.SPEAKING:
            # Also when the call has ended meanwhile: then nothing is said, but the transcript has the words.
            yield from self._turn(call_sid, Start(key, rid, mine, link), log)
            return
        outcome = yield c.Append(key, mine, link=link)
        if isinstance(outcome, c.Appended) and event["type"] == ev.SETUP:
            yield from self._resume(call_sid, key, outcome.item, link, rid, log)
        elif isinstance(outcome, c.Appended):
            yield from self._examine(call_sid, key, outcome.item, link, rid, log)

    def _take_over(self, call_sid: str, view: View, action: str, rid: str, log: Log) -> Program:
        top = max([*view.speaking, *(b.key for b in view.barge_ins)], default=Key(""))
        event = {"type": ev.WATCHDOG, "rid": rid}
        script_of = "reprompt" if action == "reprompt" else ""
        start = Start(ev.derived_key(top, ev.WATCHDOG), rid, event, script_of=script_of)
        yield from self._turn(call_sid, start, log)

    # --- a turn ---------------------------------------------------------------------------------------------------
    def _turn(self, call_sid: str, start: Start, log: Log) -> Program:
        held = self.warm.get(call_sid)
        begun = self.clock()
        fixed = (held.snapshot, held.segments) if held else None
        fresh = held is not None and begun - held.seen_ms < WARM_MS
        trusted = fresh and self.trust >= TRUSTED
        cached = (held.item, held.snapshot, held.segments) if held is not None and trusted else None
        turn = Turn(replace(start, models=self.models, fixed=fixed, cached=cached), self.tools)
        yield turn
        if held is not None and turn.item is not None:
            right = _told(held.item, "") == _told(turn.item, turn.key)
            self.trust = self.trust * TRUST_MEMORY + right * (1 - TRUST_MEMORY)
        if turn.item is not None and turn.snapshot is not None:
            self._keep(call_sid, turn.item, turn.snapshot, turn.segments)
        self._tell(turn, begun, log)
        yield from self._compact(call_sid, turn, log)

    def _keep(self, call_sid: str, item: c.Item, snapshot: Snapshot, segments: Sequence[Mapping[str, Any]]) -> None:
        self.warm.pop(call_sid, None)
        if len(self.warm) >= WARM_CALLS:
            self.warm.pop(next(iter(self.warm)))
        if int(item.get("folded", 0)) == len(segments):
            self.warm[call_sid] = _Warm(item, snapshot, segments, self.clock())

    def _tell(self, turn: Turn, begun_ms: int, log: Log) -> None:
        """The canonical line of a turn, and its metrics."""
        r = turn.report
        if r.ended_by in ("duplicate", "replay"):
            log.info("turn not ours", ended_by=r.ended_by)
            return
        if r.ended_by in ("no_session", "no_snapshot", "table_failed", "unknown_schema"):
            log.error("the call could not be read or stored", ended_by=r.ended_by, **self._count("TurnsBlind"))
        metrics: dict[str, tuple[float, str]] = {"Posts": (r.posts, "Count"), "ModelsAsked": (r.models_asked, "Count")}
        if r.first_token_ms is not None:
            metrics["FirstTokenMs"] = (r.first_token_ms, "Milliseconds")
        if r.first_post_ms is not None:
            metrics["FirstPostMs"] = (r.first_post_ms, "Milliseconds")
        now = self.clock()
        log.metrics(
            "turn finished",
            metrics,
            {"Channel": "voice"},
            at_ms=now,
            turn=len(turn.view.speaking) if turn.view else 0,
            ended_by=r.ended_by,
            duration_ms=now - begun_ms,
            writes=r.writes,
            polls=r.polls,
            tool_calls=r.tool_calls,
            model_id=r.model_id,
            stop_reason=r.stop_reason,
            **({"model_errors": r.model_errors} if r.model_errors else {}),
            input_tokens=r.input_tokens,
            output_tokens=r.output_tokens,
            optimistic=r.optimistic,
            **({"routed": r.routed} if r.routed else {}),
        )

    def _compact(self, call_sid: str, turn: Turn, log: Log) -> Program:
        """Fold what is old into a history item, off the speaking path (A10)."""
        if turn.item is None or turn.snapshot is None:
            return
        planned = plan(turn.item, self.clock(), turn.snapshot.greeting)
        if planned is None:
            return
        outcome = yield c.Compact(planned)
        if isinstance(outcome, c.Journaled):
            self.warm.pop(call_sid, None)
            log.info("history compacted", events=len(planned.events), entries=len(planned.entries))
        else:
            log.info("compaction left to another")

    def _count(self, name: str) -> dict[str, Any]:
        """One metric beside a log line."""
        directive = {"Namespace": "Ringfold", "Dimensions": [[]], "Metrics": [{"Name": name, "Unit": "Count"}]}
        return {name: 1, "_aws": {"Timestamp": self.clock(), "CloudWatchMetrics": [directive]}}


def _told(item: c.Item, but: str) -> tuple[Any, ...]:
    """What of a session item the model would be told, less the turn under ``but``."""
    replies = {key: entry for key, entry in item["replies"].items() if key != but}
    last = max(replies, default="")
    entry = replies.get(last, {})
    floor = sorted(key for key in item.get("floor_keys", ()) if key != but)
    return floor, item.get("mark", ""), last, entry.get("st"), len(entry.get("p", ())), len(entry.get("tools", ()))


def _event(frame: Frame, kind: str, fields: Mapping[str, Any]) -> tuple[Key, dict[str, Any]]:
    key = ev.frame_key(frame.generation, frame.at_ms, kind, frame.message_id)
    return key, {"type": kind, "rid": frame.rid, **fields}
