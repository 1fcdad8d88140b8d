"""Every amendment is needed: taken out of the code, a simulated call breaks that holds with it.

The table of ``turn-taking.md``, over the real code. A test that could not fail without the amendment would say
nothing about it; this one says that the properties bite, and which of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ringfold.core import commands as c
from ringfold.core import compaction, fold, played, thinking, turn
from ringfold.core import events as ev
from ringfold.core.fold import View
from ringfold.core.ids import Key
from ringfold.core.journal import Post
from ringfold.service import relay
from tests.simulation.plan import Plan
from tests.simulation.properties import faults
from tests.simulation.world import World

Patch = pytest.MonkeyPatch
QUICK = {"model_first_ms": (5, 60), "model_token_ms": (0, 20), "tools": 0.0}
COVERED_BY_THE_WATCHDOG_MS = 1500
"""Whoever is answered later than this has been answered by the watchdog."""


def run(seed: int, plan: Mapping[str, Any]) -> list[str]:
    """Run one call; its faults, and an answer that only the watchdog can have given. A crash comes somewhere."""
    world = World(seed, Plan(**plan))
    if plan.get("crash_at"):
        world.plan.crash_at = int(plan["crash_at"]) + seed % 15
    world.run()
    return faults(world) + (_late_answers(world) if plan["model_first_ms"] == QUICK["model_first_ms"] else [])


def _late_answers(world: World) -> list[str]:
    """Utterances that no reply covered, or only after the watchdog's delay. Judged only where nothing else delays."""
    if world.plan.crash_at is not None or world.plan.drop_link or world.plan.silent_barge_in:
        return []
    found = []
    for key, event in world.table.item["events"].items():
        if event["type"] != ev.PROMPT:
            continue
        landed = [
            min(int(post["at"]) for post in reply["p"].values())
            for reply in world.table.item["replies"].values()
            if key in reply.get("covers", ()) and reply["p"]
        ]
        waited = min(landed, default=10**15) - ev.stamp_of(key) - world.plan.shuffle_ms
        if waited > COVERED_BY_THE_WATCHDOG_MS:
            found.append("answered only by the watchdog")
    return found


def bites(monkeypatch: Patch, remove: Callable[[Patch], None], plan: Mapping[str, Any], fault: str, most: int) -> None:
    """Without the amendment the fault appears within so many seeds; with it, all of these seeds hold.

    Args:
        monkeypatch: Pytest's.
        remove: Takes the amendment out.
        plan: What happens in the calls.
        fault: How the fault that must appear begins.
        most: Seeds.
    """
    with monkeypatch.context() as patch:
        remove(patch)
        tried = next((s for s in range(most) if any(fault in found for found in run(s, plan))), None)

    assert tried is not None, f"{most} seeds hold without the amendment"
    assert {} == {seed: found for seed in range(tried + 1) if (found := run(seed, plan))}


def test_a1_claim(monkeypatch: Patch) -> None:
    """Without the claim, both copies of a frame speak."""

    def remove(patch: Patch) -> None:
        take_floor = turn.Turn._take_floor

        def anybody_may(self: turn.Turn, item: Any, now_ms: int) -> list[c.Command]:
            stored = dict(item["events"])
            if self.key in stored:
                stored[self.key] = {**stored[self.key], "rid": self._start.rid}
            return take_floor(self, {**item, "events": stored}, now_ms)

        patch.setattr(turn.Turn, "_take_floor", anybody_may)

    bites(monkeypatch, remove, {**QUICK, "duplicate": True, "utterances": 1}, "two voices", 40)


def test_a2_watchdog(monkeypatch: Patch) -> None:
    """Without the watchdog, a crash is silence for ever."""

    def remove(patch: Patch) -> None:
        def nobody_looks(self: relay.Relay, *args: Any) -> Iterator[Any]:
            yield c.Poll()

        patch.setattr(relay.Relay, "look", nobody_looks)

    bites(monkeypatch, remove, {**QUICK, "crash_at": 4, "utterances": 1, "barge_in": 0.0}, "silence", 60)


def test_a2_watchdog_after_a_cough(monkeypatch: Patch) -> None:
    """Without the watchdog, an interrupt that no words follow is dead air."""

    def remove(patch: Patch) -> None:
        def nobody_looks(self: relay.Relay, *args: Any) -> Iterator[Any]:
            yield c.Poll()

        patch.setattr(relay.Relay, "look", nobody_looks)

    plan = {**QUICK, "utterances": 2, "barge_in": 1.0, "silent_barge_in": True, "pauses": (1500,)}
    bites(monkeypatch, remove, plan, "silence", 20)


def test_a3_quiet(monkeypatch: Patch) -> None:
    """Without the quiet, an old reply's last post lands among the new one's words."""

    def remove(patch: Patch) -> None:
        patch.setattr(turn, "QUIET_MS", 0)

    plan = {**QUICK, "utterances": 3, "barge_in": 0.0, "pauses": (60, 150), "post_ms": 200, "reply_words": (20, 30)}
    bites(monkeypatch, remove, plan, "two voices", 300)


def test_a4_silent_loser(monkeypatch: Patch) -> None:
    """A loser that closes its cycle closes the winner's."""

    def remove(patch: Patch) -> None:
        stop = turn.Turn._stop

        def stop_and_close(self: turn.Turn, state: str, why: str) -> list[c.Command]:
            out = stop(self, state, why)
            if why in ("superseded", "barge_in"):
                out.append(c.PostFrame(self._connection(), '{"type":"text","token":"","last":true}'))
            return out

        patch.setattr(turn.Turn, "_stop", stop_and_close)

    plan = {**QUICK, "utterances": 3, "barge_in": 0.0, "pauses": (60, 150), "reply_words": (20, 30)}
    bites(monkeypatch, remove, plan, "lost the floor and posted", 200)


def test_a5_late_utterance_takes_the_floor(monkeypatch: Patch) -> None:
    """An earlier utterance that comes late is answered only by the watchdog."""

    def remove(patch: Patch) -> None:
        patch.setattr(turn.Turn, "_late", lambda self, view, stored: self._leave("superseded"))

    plan = {**QUICK, "utterances": 2, "barge_in": 0.0, "pauses": (60,), "shuffle_ms": 1500}
    bites(monkeypatch, remove, plan, "answered only by the watchdog", 60)


def test_a6_order_of_kinds(monkeypatch: Patch) -> None:
    """An interrupt that sorts behind the words of its burst, and stops whatever is there, kills their answer."""

    def remove(patch: Patch) -> None:
        patch.setitem(ev.RANKS, ev.INTERRUPT, 9)
        patch.setattr(fold, "concerns", lambda interrupt, reply, view: interrupt.key > reply.key)

    plan = {**QUICK, "utterances": 2, "barge_in": 1.0, "ties": True, "pauses": (1500,)}
    bites(monkeypatch, remove, plan, "answered only by the watchdog", 60)


def test_a7_generation(monkeypatch: Patch) -> None:
    """Without link generations, words go to the link that is gone."""

    def remove(patch: Patch) -> None:
        patch.setattr(View, "connection", lambda self: self.links.get("g1", ""))

    bites(monkeypatch, remove, {**QUICK, "drop_link": True, "utterances": 1, "barge_in": 0.0}, "silence", 60)


def test_a8_replay(monkeypatch: Patch) -> None:
    """Without recognising replays, the caller has said everything twice."""

    def remove(patch: Patch) -> None:
        patch.setattr(fold, "_replays", lambda *args: {})

    bites(monkeypatch, remove, {**QUICK, "drop_link": True, "utterances": 1, "barge_in": 0.0}, "caller's words", 40)


def test_a9_every_reply_is_cut(monkeypatch: Patch) -> None:
    """Cutting the last reply only leaves words in the history that were purged unheard."""

    def remove(patch: Patch) -> None:
        cut = played._cut

        def cut_the_last(posts: Any, covered: Any, reach: list[int], *args: Any, **kwargs: Any) -> None:
            last = [i for i in reach if posts[i].reply == posts[reach[-1]].reply] if reach else []
            cut(posts, covered, last, *args, **kwargs)

        patch.setattr(played, "_cut", cut_the_last)

    plan = {**QUICK, "utterances": 3, "barge_in": 0.6, "pauses": (400, 1500), "reply_words": (15, 25)}
    bites(monkeypatch, remove, plan, "history", 100)


def test_a9_posts_in_flight(monkeypatch: Patch) -> None:
    """A post that landed behind the purge was heard; judged by its start alone, it is cut."""

    def remove(patch: Patch) -> None:
        cut = played._cut

        def as_if_landed(posts: list[Post], *args: Any, **kwargs: Any) -> None:
            for post in posts:
                post.landed_ms = post.started_ms
            cut(posts, *args, **kwargs)

        patch.setattr(played, "_cut", as_if_landed)

    plan = {**QUICK, "utterances": 2, "barge_in": 1.0, "pauses": (400,), "post_ms": 200, "tokens_played": False}
    plan |= {"reply_words": (15, 25), "model_token_ms": (20, 60)}
    bites(monkeypatch, remove, plan, "history", 400)


def test_a9_journal(monkeypatch: Patch) -> None:
    """What was posted and not written down is not in the history."""

    def remove(patch: Patch) -> None:
        posted = turn.Turn._posted

        def forget(self: turn.Turn, now_ms: int) -> None:
            posted(self, now_ms)
            self._unsaved = {name: value for name, value in self._unsaved.items() if not name.startswith("p.")}

        patch.setattr(turn.Turn, "_posted", forget)

    bites(monkeypatch, remove, {**QUICK, "utterances": 1, "barge_in": 0.0, "tokens_played": False}, "history", 5)


def test_a9_tokens_played(monkeypatch: Patch) -> None:
    """Without the reports of what was played, an empty heard text is a riddle."""

    def remove(patch: Patch) -> None:
        hear = played.hear

        def deaf(replies: Any, interrupts: Any, reports: Any, *args: Any, **kwargs: Any) -> Any:
            hear(replies, interrupts, (), *args, **kwargs)
            return [None] * len(reports)

        patch.setattr(fold, "hear", deaf)

    plan = {**QUICK, "utterances": 3, "barge_in": 0.5, "pauses": (1500, 60, 400), "reply_words": (10, 25)}
    bites(monkeypatch, remove, plan, "history", 200)


def test_a10_compaction_waits(monkeypatch: Patch) -> None:
    """Folding what may still change loses words, or moves them."""

    def remove(patch: Patch) -> None:
        patch.setattr(compaction, "WINDOW_MS", 0)
        patch.setattr(compaction, "KEEP_TURNS", 1)
        patch.setattr(compaction, "LEAST_EVENTS", 1)
        patch.setattr(compaction, "_still_played", lambda view, now_ms: [])
        patch.setattr(compaction, "_alive", lambda *args: False)

    plan = {**QUICK, "utterances": 5, "barge_in": 0.5, "shuffle_ms": 3000, "pauses": (60, 400, 1500, 3000)}
    bites(monkeypatch, remove, plan, "history", 100)


def test_a11_continuation_claims(monkeypatch: Patch) -> None:
    """Without the claim, a hand-over delivered twice speaks twice."""

    def remove(patch: Patch) -> None:
        def anybody(self: relay.Relay, call_sid: str, key: str, part: int, rid: str) -> Iterator[Any]:
            outcome = yield c.Poll()
            start = turn.Start(Key(key), rid, item=outcome.item, part=part, armed=True)
            yield from self._turn(call_sid, start, self.log.bind(call_sid=call_sid))

        patch.setattr(relay.Relay, "handed_over", anybody)

    plan = {**QUICK, "turn_dispatch": "async", "dispatch_copies": 2, "utterances": 1, "barge_in": 0.0}
    bites(monkeypatch, remove, plan, "history", 20)


def test_a11_continuation_waits_for_the_last_post(monkeypatch: Patch) -> None:
    """Handed over while a post is on its way, the turn says its words again, or out of order."""

    def remove(patch: Patch) -> None:
        def at_once(self: turn.Turn, now_ms: int) -> list[c.Command]:
            if self._text_done or now_ms < self._t0 + self._start.budget_ms:
                return []
            self._state, self._settled = "handed", True
            return [*self._close_round(), c.Dispatch(self.key, self._start.part + 1)]

        patch.setattr(turn.Turn, "_hand_over", at_once)

    plan = {**QUICK, "utterances": 1, "barge_in": 0.0, "reply_words": (60, 70), "model_token_ms": (300, 700)}
    plan |= {"post_ms": 200, "tokens_played": False, "until_ms": 200_000}
    bites(monkeypatch, remove, plan, "history", 200)


def test_a12_one_voice_token(monkeypatch: Patch) -> None:
    """Without the voice token, the first model and the hedged one speak into each other."""

    def remove(patch: Patch) -> None:
        def whoever_speaks(self: thinking.Round, stream: int) -> list[c.Command]:
            self.voice = stream
            return []

        patch.setattr(thinking.Round, "_claim", whoever_speaks)

    plan = {**QUICK, "utterances": 1, "barge_in": 0.0, "model_first_ms": (1210, 1600), "model_token_ms": (30, 60)}
    bites(monkeypatch, remove, {**plan, "reply_words": (60, 70)}, "two models", 40)


def test_a13_intents_are_guarded(monkeypatch: Patch) -> None:
    """Without the guard, an effect begins for a reply that has lost the floor."""

    def remove(patch: Patch) -> None:
        intend = turn.Turn._intend

        def unguarded(self: turn.Turn, tool: Any, now_ms: int) -> c.Journal:
            written = intend(self, tool, now_ms)
            self._guarded = c.Journal(written.key, written.sets, None, written.ended)
            return self._guarded

        patch.setattr(turn.Turn, "_intend", unguarded)

    plan = {**QUICK, "tools": 1.0, "utterances": 3, "barge_in": 0.0, "pauses": (60, 150)}
    bites(monkeypatch, remove, plan, "an effect was allowed without the floor", 400)


def test_a13_the_next_turn_is_told(monkeypatch: Patch) -> None:
    """Without a result for every call, Converse refuses each request after a crash inside a tool."""

    def remove(patch: Patch) -> None:
        patch.setattr("ringfold.core.history._tool_result", lambda tool: {"text": "it is being done"})

    bites(monkeypatch, remove, {**QUICK, "tools": 1.0, "utterances": 2, "barge_in": 0.0}, "illegal request", 20)
