"""A turn, from the event that asks for a reply to the last word of it: pure, driven by outcomes and the time.

Theory of operation. A turn stores its event and sees the whole session in the answer. If it owns the floor it asks
the model (or had asked already, from the copy a warm worker holds: D15), shapes what comes for the ear, and posts
it, one frame at a time. Each landed post is journalled, and the answer of that write is the floor check for the
next post; while nothing is posted, a poll every 150 ms is. Who loses the floor posts nothing more and says so in
its journal. Deadlines make it speak whatever the model does: second model, scripted sentence.

Nothing here waits. :meth:`Turn.handle` takes what has happened and returns what is to be done; :meth:`Turn.wake_at`
says when to call :meth:`Turn.tick`. The same object runs under the real driver and under the seeded scheduler.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ringfold.core import commands as c
from ringfold.core import events as ev
from ringfold.core import handoff as ho
from ringfold.core import journal as j
from ringfold.core import routing as rt
from ringfold.core.agent import Agent
from ringfold.core.end_reasons import AGENT_ENDED, HANDOFF
from ringfold.core.fold import View, covered_by, covered_keys, fold, owns
from ringfold.core.frame_tools import (
    COLLECT_DIGITS,
    FRAME_TOOLS,
    SWITCH_LANGUAGE,
    awaited_by,
    frame_of,
    result_of,
    spoken_language,
)
from ringfold.core.frames import End, OutboundFrame, Text, build_frame, split_text
from ringfold.core.history import add_step, entries, legal, messages
from ringfold.core.ids import Key
from ringfold.core.pacing import Pacer
from ringfold.core.request import build_request
from ringfold.core.router import Router
from ringfold.core.session import SCHEMA, Snapshot
from ringfold.core.speech import Shaper
from ringfold.core.thinking import Round
from ringfold.core.tool_use import ToolUse
from ringfold.core.turn_start import Report, Start, ToolBox

POLL_MS: Final = 150
FRESH_MS: Final = 160
"""How old a floor check may be when a post starts."""
SLOW_MS: Final = 90
"""An answer that was longer under way may be older than it looks: a worker may have been frozen meanwhile."""
QUIET_MS: Final = 250
"""How long a new speaker waits for an unfinished older one to fall silent (A3)."""
BEAT_MS: Final = 1500
"""A speaker with nothing to journal shows that it is alive at least this often."""
LEASE_MS: Final = 3000
"""A speaker that has shown no life for so long is dead."""
SPEAKS_MS: Final = 10_000
"""So long after its last sign of life a post of a dead speaker may be on its way: a table may have refused the rest."""
RETRY_MS: Final = 200
FILLER_AGAIN_MS: Final = 4000
"""How long after a filler the next one is due, the tool still running."""
APPEND_BUDGET_MS: Final = 4000
FLUSH_BUDGET_MS: Final = 5000
WATCHDOG_S: Final = 4
MAX_ROUNDS: Final = 6
MAX_SPOKEN_CHARS: Final = 6000
"""Longest answer of one round, near seven minutes of speech; the model is cut off there."""
_LAST_WORDS: Final = {
    "end_call": ("ending", "farewell", "Goodbye."),
    ho.TRANSFER_CALL: ("transferring", "announcement", "One moment, please. I'm connecting you with somebody."),
}
"""Of the tools that end the session: their result, the argument that is spoken first, and what is said without it."""
_FRAME: Final = "frame"
_UNASKED: Final = -1
"""The index of a frame that no tool of this turn asked for."""
LOST_THREAD: Final = " Sorry, I lost my thread there. Could you say that again?"


@dataclass
class _Pending:
    """A frame on its way, or in the journal."""

    text: str
    last: bool
    kind: str
    step: int
    started_ms: int
    frame: str
    counts: bool


class Turn:
    """One invocation's part of a turn; see the module."""

    def __init__(self, start: Start, toolbox: ToolBox) -> None:
        self._start, self._box = start, toolbox
        self.key = start.key
        self.done = False
        self.report = Report()
        self.item: c.Item | None = start.item
        self.view: View | None = None
        self.snapshot: Snapshot | None = None
        self.segments: Sequence[Mapping[str, Any]] = ()
        self._t0 = 0
        self._owned = False
        self._state = ""  # how the reply ended; "" while it goes on
        self._settled = False  # the end has been written down
        self._round: Round | None = None
        self._steps: list[tuple[str, list[ToolUse]]] = []
        self._tools: list[ToolUse] = []
        self._before = (0, 0)  # steps and tool calls that earlier parts of the turn have written down
        self._shaper, self._pacer = Shaper(), Pacer()
        self._text_done = False
        self._ending = ""  # the farewell is being said: the call ends with this reason
        self._end_posted = False
        self._closed = False
        self._needs_close = False
        self._posts: dict[str, dict[str, Any]] = {}
        self._sending: _Pending | None = None
        self._refused = 0
        self._ambiguous = 0
        self._unsaved: dict[str, Any] = {}
        self._saving: dict[str, Any] | None = None
        self._save_retry_at: int | None = None
        self._guarded: c.Journal | None = None
        self._append_retry_at: int | None = None
        self._load_retry_at: int | None = None
        self._closes: Key | None = None
        self._polling = False
        self._poll_after = 0  # a table that has just refused is not asked again at once
        self._checked_ms = -1_000_000
        self._asked_ms = -1_000_000
        self._slow_at: int | None = None
        self._beat_ms = 0
        self._hold_until = 0
        self._tools_since: int | None = None
        self._framing: ToolUse | None = None
        self._router: Router | None = None
        self._greeted = False  # the link is as it should be
        self._routed = False  # who speaks is settled
        self._events: dict[Key, ev.Event] = {}  # to be stored with the next write
        self._filler_ms: int | None = None
        self._scripted_at: int | None = None
        self._give_up_at: int | None = None
        self._streams = 0
        self._lost_link = False

    # --- the doors ------------------------------------------------------------------------------------------------
    def start(self, now_ms: int) -> list[c.Command]:
        """Begin. Returns the first commands."""
        # A turn that was handed over shows at once that it is alive: its last sign of life is the other part's.
        self._t0, self._beat_ms = now_ms, now_ms if self._start.item is None else now_ms - BEAT_MS
        self._asked_ms = now_ms
        out: list[c.Command] = []
        start = self._start
        if start.fixed or start.cached:
            self.snapshot, self.segments = start.fixed or (start.cached[1], start.cached[2])  # type: ignore[index]
        # The watchdog's message goes out with the append, not after it: whichever is lost, the other is there.
        out += self._guess(now_ms)
        if start.event is not None:
            if not start.armed:
                out.append(c.Arm(start.key, WATCHDOG_S, start.event, start.link))
            out.append(self._append(start.key, start.event))
        if self.snapshot is None:
            out.append(c.Load())
        if start.item is not None:
            out += self._take_floor(start.item, now_ms)
        return out + self._advance(now_ms)

    def handle(self, outcome: c.Outcome, now_ms: int) -> list[c.Command]:  # noqa: C901 - one line per outcome
        """Take what has come of a command."""
        if self.done:
            return []
        if isinstance(outcome, c.ModelSaid):
            # By far the commonest: while something is on its way, words only wait for it.
            said = self._model(outcome, now_ms)
            return said if not self._owned or not self._idle() else said + self._advance(now_ms)
        out: list[c.Command] = []
        match outcome:
            case c.Appended(item):
                out = self._take_floor(item, now_ms)
            case c.AppendFailed(missing):
                out = self._append_failed(now_ms, missing=missing)
            case c.Loaded(snapshot, segments):
                self.snapshot, self.segments = snapshot, segments
            case c.LoadFailed():
                out = self._load_failed(now_ms)
            case c.Polled(item):
                self._polling = False
                out = self._see(item, now_ms)
            case c.PollFailed():
                self._polling, self._poll_after = False, now_ms + POLL_MS
            case c.Journaled(item):
                out = self._journaled(item, now_ms)
            case c.JournalFailed(lost):
                out = self._journal_failed(now_ms, lost=lost)
            case c.Posted():
                self._posted(now_ms)
            case c.PostFailed(kind):
                out = self._post_failed(kind, now_ms)
            case c.ToolReturned():
                self._tool_returned(outcome)
            case _:
                out = self._model(outcome, now_ms)
        return out + self._advance(now_ms)

    def tick(self, now_ms: int) -> list[c.Command]:
        """Time has passed."""
        return [] if self.done else self._advance(now_ms)

    def wake_at(self) -> int | None:
        """When :meth:`tick` must be called at the latest, ``None`` when there is nothing to wait for."""
        if self.done:
            return None
        times = [self._append_retry_at, self._load_retry_at, self._scripted_due()]
        idle = self._idle()
        if idle:
            times += [self._save_retry_at, self._give_up_at if self._state else None]
        if self._owned and not self._state:
            times.append(self._round.wake_at() if self._round and self._tools_since is None else None)
            times.append(self._router.wake_at() if self._router else None)
            if idle:
                times.append(self._budget_due())
            if idle and not self._polling:
                soon = (self._filler_due(), self._asked_ms + POLL_MS, self._hold_until or self._pacer.due_at())
                times += [max(at, self._poll_after) for at in soon if at is not None]
        due = [at for at in times if at is not None]
        return min(due) if due else None

    # --- storing the event and owning the floor -------------------------------------------------------------------
    def _append(self, key: Key, event: ev.Event, closes: Key | None = None) -> c.Append:
        self.report.writes += 1
        self._closes = closes
        opened = {"rid": self._start.rid, "at": self._t0, "p": {}, "tools": {}}
        return c.Append(key, event, opened, closes, self._start.link)

    def _append_failed(self, now_ms: int, *, missing: bool) -> list[c.Command]:
        if missing:
            return self._speak_blind("no_session")
        if now_ms - self._t0 < APPEND_BUDGET_MS:
            self._append_retry_at = now_ms + RETRY_MS
            return []
        return self._speak_blind("table_failed")

    def _load_failed(self, now_ms: int) -> list[c.Command]:
        if now_ms - self._t0 < APPEND_BUDGET_MS:
            self._load_retry_at = now_ms + RETRY_MS
            return []
        if self._state or not self._owned:
            return []
        self._unsaved["st"] = j.FAILED
        return self._speak_blind("no_snapshot", settled=False)

    def _speak_blind(self, why: str, *, settled: bool = True) -> list[c.Command]:
        """The table is down, or does not know the call: the caller hears a sentence all the same."""
        out = self._close_round()
        self._state, self._settled, self.report.ended_by = j.FAILED, settled, why
        connection = self._connection()
        if not connection or self._sending is not None:
            return out
        text = self.snapshot.agent.apology if self.snapshot else Agent.apology
        frame = build_frame(Text(text, last=True))
        self._sending = _Pending(text, last=True, kind=j.SCRIPTED, step=0, started_ms=0, frame=frame, counts=False)
        return [*out, c.PostFrame(connection, frame)]

    def _take_floor(self, item: c.Item, now_ms: int) -> list[c.Command]:
        """The event is stored: is it ours to act on, and do we own the floor?"""
        asked_ms, self._asked_ms = self._asked_ms, now_ms
        self._append_retry_at = None
        if item.get("schema", SCHEMA) != SCHEMA:
            return self._speak_blind(
                "unknown_schema"
            )  # written by a newer version of us: better a sentence than a guess
        stored = item.get("events", {}).get(self.key, {})
        if self._start.event is not None and stored.get("rid") != self._start.rid:
            return self._leave("duplicate")
        view = self._fold(item)
        if view.ended:
            return self._leave("ended")
        if self.key in view.replays:
            return self._replayed(view, now_ms)
        if not owns(view, self.key):
            return self._late(view, stored)
        self._own(view, asked_ms, now_ms)
        if self.snapshot is not None and int(item.get("folded", 0)) != len(self.segments):
            self.snapshot = None  # another worker has compacted: what this one holds of the history has a hole
            return [c.Load()]
        return []

    def _replayed(self, view: View, now_ms: int) -> list[c.Command]:
        """Known words on a new link: only if their answer died is there anything to do (A8)."""
        original = view.replays[self.key]
        generation = ev.generation_of(self.key)
        for reply in view.replies:
            if reply.key == self.key:
                continue
            answers = original in reply.covers or reply.key == original
            alive = not reply.finished and now_ms - reply.alive_ms < LEASE_MS
            resumed = ev.generation_of(reply.key) == generation and reply.key > original
            if (answers and (reply.state == j.DONE or alive)) or resumed:
                return self._leave("replay")
        return self._retake(view, ev.TAKE)

    def _late(self, view: View, stored: ev.Event) -> list[c.Command]:
        """A newer floor event was there first. Words that nobody covers take the floor above it (A5)."""
        newest = view.speaking[-1] if view.speaking else Key("")
        over = view.reply(newest)
        covered = over is not None and self.key in covered_keys(view, over)
        if newest <= self.key or covered or stored.get("type") not in (ev.PROMPT, ev.DIGITS, ev.TAKE):
            return self._leave("superseded")
        return self._retake(view, ev.TAKE)

    def _retake(self, view: View, kind: str) -> list[c.Command]:
        # Also above whoever began to answer the same words as a replay, which has left the speaking events.
        others = [reply.key for reply in view.replies if not reply.finished]
        top = max([*view.speaking, *(b.key for b in view.barge_ins), *others, self.key])
        old, self.key = self.key, ev.derived_key(top, kind, "." + old_id(self.key))
        event = {"type": kind, "rid": self._start.rid}
        return [self._append(self.key, event, closes=old)]

    def _own(self, view: View, asked_ms: int, now_ms: int) -> None:
        self._owned, self.view = True, view
        self._looked(asked_ms, now_ms)
        others = [r for r in view.replies if r.key != self.key and not r.finished and now_ms - r.alive_ms < SPEAKS_MS]
        self._hold_until = now_ms + QUIET_MS if others else 0
        before = [r for r in view.replies if r.key < self.key and r.posts]
        self._needs_close = bool(before) and not before[-1].closed
        mine = view.reply(self.key)
        self._posts = {f"{p.index:03d}": _post_entry(p) for p in mine.posts} if mine else {}
        if mine is not None:
            steps = [p.step for p in mine.posts] + [t.step for t in mine.tools]
            self._before = (max(steps, default=-1) + 1, len(mine.tools))

    def _leave(self, why: str) -> list[c.Command]:
        """Not ours to answer: nothing is said; the reply opened with the event is marked as stopped."""
        self.report.ended_by = why
        if why == "duplicate":
            self._state, self._settled = j.STOPPED, True
            return self._close_round()
        return self._stop(j.STOPPED, why)

    # --- looking at the session -----------------------------------------------------------------------------------
    def _fold(self, item: c.Item) -> View:
        self.item = item
        mine = item.get("replies", {}).get(self.key)
        if mine is not None and self._posts:
            patched = {**mine, "p": {**mine.get("p", {}), **self._posts}}
            item = {**item, "replies": {**item["replies"], self.key: patched}}
        return fold(item, self.snapshot.greeting if self.snapshot else "")

    def _see(self, item: c.Item, now_ms: int) -> list[c.Command]:
        view = self._fold(item)
        if not self._owned:
            return []
        self.view = view
        self._looked(self._asked_ms, now_ms)
        if self._hold_until and not any(
            r.key != self.key and not r.finished and now_ms - r.alive_ms < SPEAKS_MS for r in view.replies
        ):
            self._hold_until = 0
        if self._state or self._ending:
            return []
        if view.ended:
            return self._stop(j.STOPPED, "ended")
        original = view.reply(view.replays.get(self.key, ""))
        if original is not None and not original.finished and not self._posts and self._sending is None:
            return self._stop(j.STOPPED, "replay")
        if not owns(view, self.key):
            newer = view.speaking and view.speaking[-1] > self.key
            return self._stop(j.STOPPED, "superseded" if newer else "barge_in")
        return []

    def _looked(self, asked_ms: int, now_ms: int) -> None:
        """How fresh an answer is. A slow one is asked for again, once: if that is slow too, it is the table."""
        if now_ms - asked_ms <= SLOW_MS:
            self._slow_at = None
        elif self._slow_at is None or asked_ms < self._slow_at:
            self._slow_at = now_ms
            return
        self._checked_ms = now_ms

    def _stop(self, state: str, why: str) -> list[c.Command]:
        """Nothing more is posted; what is on its way still lands and is written down."""
        if self._state:
            return []
        self._state, self.report.ended_by = state, why
        self._unsaved["st"] = state
        if self._closed:
            self._unsaved["last"] = True
        return self._close_round()

    def _close_round(self) -> list[c.Command]:
        out = self._router.close() if self._router else []
        if self._round is None:
            return out
        out += self._round.close()
        self._note_round()
        return out

    # --- moving on ------------------------------------------------------------------------------------------------
    def _advance(self, now_ms: int) -> list[c.Command]:
        out: list[c.Command] = []
        if self._append_retry_at is not None and now_ms >= self._append_retry_at and self._start.event is not None:
            self._append_retry_at = None
            stored = self._start.event if self.key == self._start.key else {"type": ev.TAKE, "rid": self._start.rid}
            self._asked_ms = now_ms
            out.append(self._append(self.key, stored, self._closes))
        if self._load_retry_at is not None and now_ms >= self._load_retry_at:
            self._load_retry_at = None
            out.append(c.Load())
        if self._owned and self.snapshot is not None and not self._state:
            out += self._think(now_ms)
            out += self._hand_over(now_ms)
        if not self._state and self._owned:
            out += self._pump(now_ms)
        out += self._save(now_ms)
        if not self._state and self._owned:
            out += self._poll(now_ms)
        self._finish(now_ms)
        return out

    def _finish(self, now_ms: int) -> None:
        if not self._state or self._sending is not None or self._saving is not None or self._guarded is not None:
            return
        if any(t.kind == "effect" and t.started and t.result is None for t in self._tools):
            return
        if self._unsaved:
            if self._give_up_at is None:
                self._give_up_at = now_ms + FLUSH_BUDGET_MS
            if now_ms < self._give_up_at:
                return
        self.done = True

    # --- thinking -------------------------------------------------------------------------------------------------
    def _guess(self, now_ms: int) -> list[c.Command]:
        """D15: ask from the copy at hand while the append is under way."""
        start = self._start
        if start.cached is None or start.event is None or start.event["type"] != ev.PROMPT:
            return []
        item = start.cached[0]
        events = {**item.get("events", {}), start.key: start.event}
        replies = {**item.get("replies", {}), start.key: {"rid": start.rid, "at": now_ms}}
        view = fold({**item, "events": events, "replies": replies}, start.cached[1].greeting)
        if view.ended or not owns(view, start.key) or start.key in view.replays:
            return []
        self.report.optimistic = "open"
        if rt.is_dynamic(start.cached[1]):
            plain = rt.by_words(rt.heard_so_far(view), start.cached[1].pool)
            self._speak_as(rt.chosen_in(view) or (plain.agent_id if plain else self._default_agent()))
        return self._ask(self._request(view), now_ms)

    def _think(self, now_ms: int) -> list[c.Command]:
        out: list[c.Command] = []
        if not self._greeted:
            self._greeted = True
            self._keep_language()
        if self._start.script_of and not self._start.script:
            assert self.snapshot is not None
            source = self.snapshot if self._start.script_of == "greeting" else self.snapshot.agent
            self._start = replace(
                self._start, script=getattr(source, self._start.script_of) or self.snapshot.agent.back
            )
        if self._start.script:
            if not self._text_done:
                self._say(self._start.script, now_ms)
                self._text_done = True
            return out
        before = self.snapshot
        out += self._route(now_ms)
        if self._scripted_at is None:
            out += self._first_round(now_ms)
        elif self.snapshot is not before and self._round is not None:
            out += self._close_round()
            out += self._ask(self._request(self.view), now_ms)  # type: ignore[arg-type]  # there is one: the floor is ours
        if not self._routed:
            return out + (self._round.tick(now_ms) if self._round else [])
        if self._tools_since is not None:
            out += self._tools_done(now_ms)
        elif self._round is not None:
            out += self._round.tick(now_ms)
            out += self._outcome(now_ms)
            out += self._filler(now_ms)
        waiting = self._tools_since is not None  # for a tool: its own deadline holds, and fillers cover it
        if self._scripted_at is not None and now_ms >= self._scripted_at and self._silent() and not waiting:
            out += self._script(now_ms, self.snapshot.agent.apology if self.snapshot else "")
        return out

    def _route(self, now_ms: int) -> list[c.Command]:
        """Settle who speaks: who was chosen before, whom the caller's words or a model name, else the default agent."""
        assert self.view is not None and self.snapshot is not None
        if self._routed:
            return []
        chosen, text = rt.chosen_in(self.view), rt.heard_so_far(self.view)
        if not rt.is_dynamic(self.snapshot) or chosen or not text:
            self._routed = True
            self._speak_as(chosen or self._default_agent())
            return []
        pool = self.snapshot.pool
        plain = rt.by_words(text, pool)
        if plain is not None:
            return self._choose(plain, rt.BY_WORDS)
        if self._router is None:
            self._speak_as(self._default_agent())
            agent = self.snapshot.agent
            self._router = Router(pool, agent.routing_ms, now_ms)
            return self._router.start(text, agent.model_id or self._start.models[0])
        self._router.tick(now_ms)
        if not self._router.done:
            return []
        out, found = self._router.close(), self._router.agent
        return out + self._choose(found or self.snapshot.agent, rt.BY_MODEL if found else rt.BY_DEFAULT)

    def _choose(self, agent: Agent, how: str) -> list[c.Command]:
        """The choice is stored with the next write of this turn: it costs no request of its own."""
        self._events |= rt.choice(self.key, self._start.rid, agent, how)
        self._routed, self.report.routed = True, how
        self._speak_as(agent.agent_id)
        return []

    def _speak_as(self, agent_id: str) -> None:
        assert self.snapshot is not None
        self.snapshot = rt.with_agent(self.snapshot, agent_id)

    def _default_agent(self) -> str:
        assert self.snapshot is not None
        return str(self.snapshot.number.get("agent_id", ""))

    def _keep_language(self) -> None:
        """A new link speaks the number's language: what was switched to before is switched to again, before a word."""
        assert self.snapshot is not None and self.view is not None
        resumed = self._start.event is not None and self._start.event["type"] == ev.RESUME
        if not resumed or SWITCH_LANGUAGE not in {tool for agent in self._speakers() for tool in agent.tools}:
            return
        folded = [entry for segment in self.segments for entry in segment.get("entries", ())]
        language = spoken_language([*folded, *entries(self.view)], ())
        if language:
            call = c.ModelCalled(0, "", SWITCH_LANGUAGE, json.dumps({"language": language}))
            again = ToolUse(call, SWITCH_LANGUAGE, 0, _UNASKED)
            self._framing = again if not isinstance(frame_of(again.kind, again.asked, self.snapshot), str) else None

    def _speakers(self) -> Sequence[Agent]:
        assert self.snapshot is not None
        return self.snapshot.pool or (self.snapshot.agent,)

    def _first_round(self, now_ms: int) -> list[c.Command]:
        assert self.view is not None and self.snapshot is not None
        self._scripted_at = self._t0 + self.snapshot.agent.scripted_ms
        request = self._request(self.view)
        if self._round is None:
            return self._ask(request, now_ms)
        if self._round.request == request:
            self.report.optimistic = "confirmed"
            self._listen(now_ms)
            return []
        self.report.optimistic = "refused"
        out = self._close_round()
        self._shaper, self._pacer = Shaper(), Pacer()
        return [*out, *self._ask(request, now_ms)]

    def _request(self, view: View) -> Mapping[str, Any]:
        assert self.snapshot is not None
        transcript = [entry for segment in self.segments for entry in segment.get("entries", ())]
        transcript += entries(view)
        built = messages(transcript)
        for text, tools in self._steps:
            add_step(built, text, [t.told() for t in tools])
        mine = [t.told() for _, tools in self._steps for t in tools]
        language = spoken_language(transcript, mine) if SWITCH_LANGUAGE in self.snapshot.agent.tools else ""
        return build_request(self.snapshot, legal(built), self._box.specs(self.snapshot.agent), language=language)

    def _ask(self, request: Mapping[str, Any], now_ms: int) -> list[c.Command]:
        assert self.snapshot is not None
        agent = self.snapshot.agent
        models = (agent.model_id or self._start.models[0], agent.fallback_model_id or self._start.models[1])
        self._round = Round(models, agent.first_token_ms, now_ms, self._streams)
        return self._round.start(request, now_ms)

    def _model(self, event: c.Outcome, now_ms: int) -> list[c.Command]:
        assert isinstance(event, c.ModelSaid | c.ModelCalled | c.ModelStopped | c.ModelFailed)
        if event.stream == rt.STREAM:
            if self._router is not None:
                self._router.handle(event)
            return []
        if self._round is None or self._state:
            return []
        if isinstance(event, c.ModelFailed):
            self.report.model_errors.append(event.code)
        out = self._round.handle(event, now_ms)
        if self.report.first_token_ms is None and self._round.voice is not None:
            self.report.first_token_ms = now_ms - self._t0
            self.report.model_id = self._round.open.get(self._round.voice, "")
        if self._owned and self._routed and self._scripted_at is not None:
            self._listen(now_ms)
        return out

    def _listen(self, now_ms: int) -> None:
        """Hand the model's new words to the shaper."""
        assert self._round is not None
        fresh = self._round.take()
        if fresh:
            over = len(self._round.text) - MAX_SPOKEN_CHARS
            text = self._shaper.feed(fresh[: max(0, len(fresh) - over)] if over > 0 else fresh)
            self._pacer.add(text, now_ms)
            if not text and not self._posts and self._sending is None and self._pacer.empty:
                self._pacer.add(self._shaper.hurry(), now_ms, at_once=True)

    def _outcome(self, now_ms: int) -> list[c.Command]:
        """The round is over, one way or the other."""
        assert self._round is not None
        out: list[c.Command] = []
        if not self._round.outcome and len(self._round.text) > MAX_SPOKEN_CHARS:
            self._round.outcome, out = "answered", self._close_round()
        outcome = self._round.outcome
        if not outcome or self._text_done:
            return out
        self._listen(now_ms)
        self._note_round()
        if outcome == "answered":
            self._pacer.add(self._shaper.finish(), now_ms)
            if self._unspoken():
                return out + self._script(now_ms, self.snapshot.agent.apology if self.snapshot else "")
            self._text_done = True
        elif outcome == "tools":
            self._pacer.add(self._shaper.finish(), now_ms)
            return self._begin_tools(now_ms)
        elif outcome == "broken" and not self._said() and self._sending is None:
            return self._start_over(now_ms)
        elif outcome == "broken":
            # What the shaper still holds is half a word: it is left unsaid.
            self._pacer.add(LOST_THREAD, now_ms)
            self._text_done = True
        else:
            return self._script(now_ms, self.snapshot.agent.apology if self.snapshot else "")
        return out

    def _start_over(self, now_ms: int) -> list[c.Command]:
        """The voice broke before anything was said: forget its words, ask the other model."""
        assert self._round is not None
        old, self._round = self._round, None
        self._shaper, self._pacer = Shaper(), Pacer()
        self._streams = old.next_stream
        if old.asked >= 4 or self._scripted_at is None or now_ms >= self._scripted_at:
            return self._script(now_ms, self.snapshot.agent.apology if self.snapshot else "")
        self._round = Round((old.models[1], old.models[0]), old.hedge_ms, now_ms, old.next_stream, asked=old.asked)
        return self._round.start(old.request, now_ms)

    def _script(self, now_ms: int, sentence: str) -> list[c.Command]:
        """Close every stream for good and say a sentence of ours."""
        out = self._close_round()
        self._round = None
        self._shaper, self._pacer = Shaper(), Pacer()
        self._text_done, self._tools_since = True, None
        self.report.ended_by = "scripted"
        self._start = replace(self._start, script=sentence)
        if self._posts and not sentence.startswith(" "):
            sentence = " " + sentence
        self._say(sentence, now_ms)
        return out

    def _say(self, sentence: str, now_ms: int) -> None:
        self._pacer.add(sentence, now_ms)

    def _note_round(self) -> None:
        if self._round is None:
            return
        self._streams = self._round.next_stream
        self.report.models_asked = self._streams
        self.report.stop_reason = self._round.stop_reason
        usage, self._round.usage = self._round.usage, {}
        self.report.input_tokens += usage.get("inputTokens", 0)
        self.report.output_tokens += usage.get("outputTokens", 0)

    def _silent(self) -> bool:
        """Nothing has been said in this round and nothing is about to be."""
        return not self._said() and self._sending is None and not self._text_done and self._pacer.due_at() is None

    def _unspoken(self, since_step: int | None = None) -> bool:
        speakable = any(character.isalnum() for character in self._pacer.pending)
        return not self._said(since_step) and self._sending is None and not speakable

    def _said(self, since_step: int | None = None) -> bool:
        """Whether this round has been heard: neither fillers nor what was said before the tools are its answer."""
        step = self._step() if since_step is None else since_step
        return any(post["n"] >= step and post["f"] != j.FILLER for post in self._posts.values())

    def _scripted_due(self) -> int | None:
        waiting = self._tools_since is not None or not self._owned or self._state
        return None if waiting or not self._silent() else self._scripted_at

    # --- tools ----------------------------------------------------------------------------------------------------
    def _begin_tools(self, now_ms: int) -> list[c.Command]:
        assert self._round is not None and self.snapshot is not None
        step = self._step()
        agent = self.snapshot.agent
        begun = [
            ToolUse(call, self._box.kind(agent, call.name), step, self._before[1] + len(self._tools) + i)
            for i, call in enumerate(self._round.calls)
        ]
        self._tools += begun
        self._steps.append((self._round.text, begun))
        self._round = None
        self.report.tool_calls += len(begun)
        self._tools_since, self._filler_ms = now_ms, None
        if len(self._steps) >= MAX_ROUNDS:
            return self._script(now_ms, agent.apology)
        for tool in begun:
            if tool.arguments() is None:
                tool.fail("the arguments are not a JSON object; call the tool again")
            elif not tool.kind:
                tool.fail(f"there is no tool named {tool.call.name}")
            elif (tool.kind == ho.TRANSFER_CALL and (why := ho.refusal(self.item or {}, self.snapshot))) or (
                tool.kind == rt.HAND_TO_AGENT and (why := rt.refusal(tool.asked, self.snapshot, self.view))
            ):
                tool.fail(why)
            else:
                self._prepare(tool)
        return self._run_tools(now_ms)

    def _prepare(self, tool: ToolUse) -> None:
        """What is wrong with a frame's arguments is told before anything is written."""
        assert self.snapshot is not None
        made = frame_of(tool.kind, tool.asked, self.snapshot) if tool.kind in FRAME_TOOLS else None
        wanted = awaited_by(tool.asked) if tool.kind == COLLECT_DIGITS else None
        why = made if isinstance(made, str) else wanted if isinstance(wanted, str) else ""
        if why:
            tool.fail(why)
        elif tool.kind == COLLECT_DIGITS:
            tool.succeed(result_of(tool.kind, tool.asked))

    def _run_tools(self, now_ms: int) -> list[c.Command]:
        """Start what may start: reads at once; effects one by one, each behind its guarded intent."""
        out: list[c.Command] = []
        for tool in self._tools:
            if tool.started or tool.result is not None:
                continue
            if tool.kind == "read":
                out.append(self._run(tool))
            elif self._idle() and not self._polling and (self._save_retry_at or now_ms) <= now_ms:
                out.append(self._intend(tool, now_ms))
        return out

    def _run(self, tool: ToolUse) -> c.RunTool:
        assert self.snapshot is not None and self.item is not None
        tool.started = True
        agent, conversation_id = self.snapshot.agent, str(self.item.get("conversation_id", ""))
        return c.RunTool(
            tool.call.tool_use_id,
            tool.call.name,
            tool.arguments() or {},
            agent.tool_timeout_ms,
            tool.idempotency_key(conversation_id),
            agent.organization_id,
            conversation_id,
            self.snapshot.caller_number,
            next((own for own in agent.http_tools if own.get("name") == tool.call.name), None),
        )

    def _intend(self, tool: ToolUse, now_ms: int) -> c.Journal:
        """Write the intent, only if nobody has taken the floor since we looked (A13)."""
        assert self.item is not None
        self._asked_ms, self._save_retry_at = now_ms, None
        guard = len(self.item.get("floor_keys", ()))
        ended = AGENT_ENDED if tool.kind == "end_call" else ""
        handoff = ho.new_handoff(self.item, tool.arguments() or {}) if tool.kind == ho.TRANSFER_CALL else None
        entry = tool.entry()
        if tool.kind in _LAST_WORDS:
            entry |= {"r": json.dumps({"status": _LAST_WORDS[tool.kind][0]}), "st": "success"}
        sets = {tool.path: entry, **self._unsaved}
        self._unsaved = {}
        events = dict(self._events)
        if tool.kind == rt.HAND_TO_AGENT and (agent := self._named(tool)) is not None:
            events |= rt.choice(self.key, self._start.rid, agent, rt.BY_AGENT, f".{tool.index}")
        self._guarded = c.Journal(self.key, sets, guard, ended, handoff=handoff, events=events)
        self.report.writes += 1
        return self._guarded

    def _intended(self, now_ms: int) -> list[c.Command]:
        """The guard held: the effect may begin."""
        tool = next(t for t in self._tools if t.kind != "read" and not t.started and t.result is None)
        if tool.kind == "effect":
            return [self._run(tool)]
        if tool.kind in FRAME_TOOLS:
            tool.started, self._framing = True, tool
            return []
        if tool.kind == rt.HAND_TO_AGENT and (agent := self._named(tool)) is not None:
            tool.started = True
            tool.succeed({"status": "handed over", "now": f"you are {agent.name}; answer the caller"})
            self._unsaved[tool.path] = tool.entry()
            self._speak_as(agent.agent_id)
            return []
        leaving, said, default = _LAST_WORDS[tool.kind]
        tool.started, tool.ok, tool.result = True, True, json.dumps({"status": leaving})
        last_words = str((tool.arguments() or {}).get(said) or "").strip()
        if last_words or self._unspoken(since_step=self._before[0]):
            self._pause(now_ms)
            shaper = Shaper()
            self._pacer.add(shaper.feed(last_words or default) + shaper.finish(), now_ms)
        self._text_done, self._tools_since = True, None
        return []

    def _named(self, tool: ToolUse) -> Agent | None:
        """The agent of the pool whom the tool is to hand to."""
        assert self.snapshot is not None
        return rt.find_agent(tool.asked.get("agent"), self.snapshot)

    def _tool_returned(self, outcome: c.ToolReturned) -> None:
        for tool in self._tools:
            if tool.call.tool_use_id == outcome.tool_use_id and tool.result is None:
                tool.result, tool.ok = outcome.result, outcome.ok
                self._unsaved[tool.path] = tool.entry()
                return

    def _tools_done(self, now_ms: int) -> list[c.Command]:
        """Every tool of the round has answered: think on with the results."""
        out = self._run_tools(now_ms)
        if self._text_done or self._ending or any(t.result is None for t in self._tools):
            return out + self._filler(now_ms)
        for tool in self._tools:
            self._unsaved.setdefault(tool.path, tool.entry())
        self._tools_since = None
        self._pause(now_ms)
        self._shaper = Shaper()
        assert self.view is not None and self.snapshot is not None
        self._scripted_at = now_ms + self.snapshot.agent.scripted_ms
        view = self._without_mine(self.view)
        return out + self._ask(self._request(view), now_ms)

    def _without_mine(self, view: View) -> View:
        """The view as it was before this invocation spoke: its own words are told as steps."""
        mine = view.reply(self.key)
        if mine is not None:
            mine.posts = [post for post in mine.posts if post.step < self._before[0]]
            mine.tools = [tool for tool in mine.tools if tool.step < self._before[0]]
        return view

    def _pause(self, now_ms: int) -> None:
        """Words of different steps do not run together."""
        if self._posts or not self._pacer.empty:
            self._pacer.add(" ", now_ms)

    def _filler_due(self) -> int | None:
        """When a filler is due; not while something else is about to be said or the floor is not known to be ours."""
        if not self._steps or self._state or self.snapshot is None or self._said(0):
            return None
        if not self._pacer.empty or self._hold_until or self._text_done or not self.snapshot.agent.fillers:
            return None
        if self._filler_ms is not None:  # said once: again only while the tool keeps the caller waiting
            return None if self._tools_since is None else self._filler_ms + FILLER_AGAIN_MS
        latest = self._t0 + self.snapshot.agent.scripted_ms  # by then the caller has heard something, tool or no tool
        if self._tools_since is None:
            return latest
        return min(self._tools_since + self.snapshot.agent.tool_filler_ms, max(latest, self._tools_since))

    def _filler(self, now_ms: int) -> list[c.Command]:
        """A slow tool is covered by a sentence, never after the answer has begun; a very slow one by the next ones."""
        due = self._filler_due()
        if due is None or now_ms < due or not self._idle():
            return []
        if now_ms - self._checked_ms > FRESH_MS:
            return self._check(now_ms)
        assert self.snapshot is not None and self.view is not None
        fillers = self.snapshot.agent.fillers
        self._filler_ms = now_ms
        said = sum(post.kind == j.FILLER for reply in self.view.replies for post in reply.posts)
        text = fillers[said % len(fillers)] + " "
        return [self._send(text, Text(text, last=False, preemptible=True), now_ms, j.FILLER)]

    # --- speaking -------------------------------------------------------------------------------------------------
    def _idle(self) -> bool:
        """Nothing is on its way to the caller or the table."""
        return self._sending is None and self._saving is None and self._guarded is None

    def _pump(self, now_ms: int) -> list[c.Command]:
        """Post what is due, if nothing is in flight and the floor is known to be ours."""
        if not self._idle():
            return []
        if self._hold_until and now_ms < self._hold_until:
            return []
        self._hold_until = 0
        if self._save_retry_at is None and any(name.startswith("p.") for name in self._unsaved):
            return []  # the journal of the post before is the floor check of this one
        due = self._pacer.due_at()
        flush = self._text_done or self._tools_since is not None
        waiting = (due is not None and due <= now_ms) or (flush and not self._pacer.empty)
        closing = self._text_done and self._pacer.empty
        framing = self._framing is not None and (self._pacer.empty or self._framing.index == _UNASKED)
        if not (waiting or closing or framing or self._needs_close):
            return []
        if now_ms - self._checked_ms > FRESH_MS:
            return self._check(now_ms)
        if self._needs_close and not waiting:
            self._needs_close = False
            asked, self._checked_ms = self._check(now_ms), -1_000_000  # one post a look: the first word has its own
            return [*asked, self._send("", Text("", last=True), now_ms, "", counts=False)]
        self._needs_close = False
        if framing:
            return self._frame(now_ms)
        text = self._pacer.take(now_ms, in_flight=False, model_done=flush)
        if text:
            text, *more = split_text(text)
            if more:
                self._put_back("".join(more), now_ms)
            last = self._text_done and self._pacer.empty
            kind = j.SCRIPTED if self._start.script else j.SPOKEN
            loud = False if self._ending else None
            return [self._send(text, Text(text, last=last, interruptible=loud), now_ms, kind)]
        return self._close_cycle(now_ms) if closing and not waiting else []

    def _frame(self, now_ms: int) -> list[c.Command]:
        """A tool that is a frame, behind the words before it."""
        assert self._framing is not None and self.snapshot is not None
        frame = frame_of(self._framing.kind, self._framing.asked, self.snapshot)
        assert not isinstance(frame, str)
        return [self._send("", frame, now_ms, _FRAME, counts=False)]

    def _close_cycle(self, now_ms: int) -> list[c.Command]:
        """All is said: close the talk cycle, end the call if that was asked, and write the end down."""
        if self._posts and not self._closed:
            return [self._send("", Text("", last=True), now_ms, "", counts=False)]
        if self._ending and not self._end_posted:
            return [self._send("", None, now_ms, "", counts=False)]
        self._unsaved["st"] = j.DONE
        self._state = j.DONE
        ended_by = {"": "completed", HANDOFF: HANDOFF}.get(self._ending, "end_call")
        self.report.ended_by = self.report.ended_by or ended_by
        return []

    def _send(
        self, text: str, frame: OutboundFrame | None, now_ms: int, kind: str, *, counts: bool = True
    ) -> c.PostFrame:
        assert self.view is not None
        wire = build_frame(frame) if frame is not None else self._end_frame()
        # What is still pending when tools begin was said before them.
        step = self._step() - (self._tools_since is not None and kind == j.SPOKEN)
        self._sending = _Pending(
            text, isinstance(frame, Text) and frame.last, kind, step, now_ms, wire, counts=counts and bool(text)
        )
        if frame is None:
            self._end_posted = True
        return c.PostFrame(self._connection(), wire)

    def _end_frame(self) -> str:
        handed = self._ending == HANDOFF and self.item is not None
        return build_frame(End(ho.handoff_data(self.item or {}, self.snapshot) if handed else None))

    def _connection(self) -> str:
        """Words go to the newest link known (A7)."""
        newest = self.view.connection() if self.view else ""
        return newest or (self._start.link[1] if self._start.link else "")

    def _step(self) -> int:
        return self._before[0] + len(self._steps)

    def _posted(self, now_ms: int) -> None:
        sent, self._sending = self._sending, None
        if sent is None or (self._settled and self._state):
            return
        self._refused = 0
        self._closed = self._closed or sent.last
        if sent.last:
            self._unsaved["last"] = True
        if sent.kind == _FRAME and self._framing is not None:
            tool, self._framing = self._framing, None
            tool.succeed(result_of(tool.kind, tool.asked))
            if tool.index != _UNASKED:
                self._unsaved[tool.path] = tool.entry()
        if not sent.counts:
            self._checked_ms = max(self._checked_ms, min(now_ms, self._checked_ms + 60))
            return
        if self.report.first_post_ms is None:
            self.report.first_post_ms = now_ms - self._t0
            assert self.view is not None
            self._unsaved["covers"] = [u.key for u in covered_by(self.view, self.key)]
        index = f"{len(self._posts):03d}"
        entry = {"x": sent.text, "s": sent.started_ms, "at": now_ms, "n": sent.step, "f": sent.kind}
        self._posts[index] = entry
        self._unsaved[f"p.{index}"] = entry
        self.report.posts += 1
        if sent.kind != j.FILLER:
            self._pacer.posted(sent.text, now_ms)
        self._wind_up()

    def _wind_up(self) -> None:
        """When this was the last word, its journal says so in the same write."""
        if self._text_done and self._closed and self._pacer.empty and not self._ending and not self._state:
            self._unsaved["st"] = self._state = j.DONE
            self.report.ended_by = self.report.ended_by or "completed"

    def _post_failed(self, kind: str, now_ms: int) -> list[c.Command]:
        sent = self._sending
        if sent is None:
            return []
        if self._settled and self._state:
            self._sending = None
            return []
        if kind == "ambiguous" and self._end_posted and self._ending == HANDOFF:
            kind = "refused"  # sent twice it ends the session once; never sent, the transfer does not happen
        if kind == "ambiguous":
            self._ambiguous += 1
            self._posted(now_ms)
            return self._stop(j.FAILED, "post_timeouts") if self._ambiguous > 1 else []
        if kind == "refused" and self._refused < 3 and not self._state:
            self._refused += 1
            self._sending, self._hold_until = None, now_ms + RETRY_MS
            self._unsend(sent, now_ms)
            return []
        if kind == "gone" and not self._lost_link:
            self._lost_link = True
            self._sending, self._checked_ms = None, -1_000_000  # which link is the newest is asked anew
            self._unsend(sent, now_ms)
            return self._check(now_ms)
        self._sending = None
        return self._stop(j.GONE, "link_lost") if kind == "gone" else self._stop(j.FAILED, "post_refused")

    def _unsend(self, sent: _Pending, now_ms: int) -> None:
        """The frame has certainly not been carried: its text waits to be said again."""
        self._put_back(sent.text, now_ms)
        if sent.frame == self._end_frame():
            self._end_posted = False

    def _put_back(self, text: str, now_ms: int) -> None:
        fresh = Pacer()
        fresh.add(text + self._pacer.drain(), now_ms)
        self._pacer = fresh

    # --- writing down and checking --------------------------------------------------------------------------------
    def _save(self, now_ms: int) -> list[c.Command]:
        if not self._idle() or (self._save_retry_at is not None and now_ms < self._save_retry_at):
            return []
        self._save_retry_at = None
        if self._settled:  # the end is written; what an effect came to is still worth a line (A13)
            self._unsaved = {name: value for name, value in self._unsaved.items() if name.startswith("tools.")}
        urgent = any(self._state or name != "last" for name in self._unsaved)
        return [self._write(now_ms)] if urgent and (self._owned or self._state) else []

    def _write(self, now_ms: int) -> c.Journal:
        self._save_retry_at = None
        self._saving, self._unsaved = self._unsaved, {}
        self._asked_ms = self._beat_ms = now_ms
        self.report.writes += 1
        return c.Journal(self.key, self._saving, end_sent=self._end_posted, events=dict(self._events))

    def _journaled(self, item: c.Item, now_ms: int) -> list[c.Command]:
        self._events = {key: event for key, event in self._events.items() if key not in item.get("events", {})}
        if self._guarded is not None:
            self._ending = self._guarded.ended or (HANDOFF if self._guarded.handoff is not None else "")
            self._guarded = None
            out = self._see(item, now_ms)
            return out + (self._intended(now_ms) if not self._state else [])
        if self._saving is not None and "st" in self._saving:
            self._settled = True
        self._saving = None
        return self._see(item, now_ms)

    def _journal_failed(self, now_ms: int, *, lost: bool) -> list[c.Command]:
        if self._guarded is not None:
            intent = next(iter(self._guarded.sets))
            kept = {name: value for name, value in self._guarded.sets.items() if name != intent}
            self._unsaved = {**kept, **self._unsaved}
            self._guarded = None
            if not lost:
                self._save_retry_at = now_ms + RETRY_MS
            return self._check(now_ms)
        saving, self._saving = self._saving or {}, None
        if lost:  # the entry itself is gone, or was never there: there is nothing to write into
            self._settled, self._unsaved = True, {}
            return self._stop(j.STOPPED, "journal_gone")
        self._unsaved = {**saving, **self._unsaved}
        self._save_retry_at = now_ms + RETRY_MS
        return []

    def _poll(self, now_ms: int) -> list[c.Command]:
        """While nothing is posted, look every 150 ms; now and then show that we are alive instead."""
        if self._polling or not self._idle():
            return []
        if now_ms - self._asked_ms < POLL_MS:
            return []
        if now_ms - self._beat_ms >= BEAT_MS and self._save_retry_at is None:
            self._unsaved["beat"] = now_ms
            return [self._write(now_ms)]
        return self._check(now_ms)

    def _check(self, now_ms: int) -> list[c.Command]:
        if self._polling or now_ms < self._poll_after:
            return []
        self._polling, self._asked_ms = True, now_ms
        self.report.polls += 1
        return [c.Poll()]

    def _budget_due(self) -> int | None:
        """When the turn hands itself over; not while a tool runs, nor when all is thought and only words are left."""
        if self._text_done or self._unsaved or any(t.started and t.result is None for t in self._tools):
            return None
        return self._t0 + self._start.budget_ms

    def _hand_over(self, now_ms: int) -> list[c.Command]:
        """Out of time: after the last post has landed and is written down, another invocation goes on (A11)."""
        due = self._budget_due()
        if due is None or now_ms < due or not self._idle():
            return []
        self._state, self._settled, self.report.ended_by = "handed", True, "handed_over"
        return [*self._close_round(), c.Dispatch(self.key, self._start.part + 1)]


def old_id(key: str) -> str:
    """What tells this key's event from others at the same place: its message id."""
    return key[20:].replace(".", "-")[-40:]


def _post_entry(post: j.Post) -> dict[str, Any]:
    return {"x": post.text, "s": post.started_ms, "at": post.landed_ms, "n": post.step, "f": post.kind}
