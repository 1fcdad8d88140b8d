"""The pure fold: what a call *is*, from the events of its session item (design D2, D3, D5).

The item is a set of events, each under its key, and the journals of replies. Frames reach Ringfold in any order,
once or twice; because the fold sorts by key and every stored event is there once, any interleaving of invocations
gives the same view.

Who has the floor: the newest event that asks for a reply, or an interrupt, which concerns only a reply that had
begun to sound before it and whose text agrees with what Twilio says was heard (A6). Whoever stored the newest
speaking event speaks, for every utterance up to it. Absorbing: ``ended``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfold.core import events as ev
from ringfold.core.end_reasons import HANDOFF
from ringfold.core.heard import heard_prefix
from ringfold.core.ids import Key
from ringfold.core.journal import Post, Reply, read_reply
from ringfold.core.played import hear

REPLAY_WINDOW_MS: Final = 15_000
"""How long before a link's ``setup`` an answered utterance may still come again as a replay (A8)."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the caller said, or pressed, in one go."""

    key: Key
    text: str
    typed: bool = False
    lang: str = ""


@dataclass(frozen=True, slots=True)
class BargeIn:
    """An interrupt: what Twilio says the caller had heard."""

    key: Key
    heard: str
    played_ms: int


@dataclass(slots=True)
class View:
    """The folded session.

    Attributes:
        utterances: In order of their keys, replays left out.
        replies: In order of their keys; their posts already cut to what was heard.
        speaking: Keys of the events that ask for a reply, in order; a replay is left out unless it was answered
            before the words it repeats arrived.
        replays: Key of a replayed utterance → key of the one it repeats.
        loose_digits: Keys pressed and not yet collected, with the key of the last.
        ended: Why the call has ended, or that it is handed over: nobody speaks.
        mark: Everything at or below it lies in history items.
        reports: Key of a ``tokensPlayed`` event → key of the reply whose words it tells.
    """

    ended: str
    link_gen: int
    links: Mapping[str, str]
    utterances: list[Utterance]
    barge_ins: list[BargeIn]
    replies: list[Reply]
    speaking: list[Key]
    replays: dict[Key, Key]
    loose_digits: tuple[Key, str] | None
    mark: Key
    greeting: Post | None
    events: Mapping[str, ev.Event]
    late: frozenset[str]
    reports: Mapping[Key, Key]

    def connection(self) -> str:
        """The newest link's connection id, ``""`` when no frame has come on any."""
        open_links = [(name, cid) for name, cid in self.links.items() if cid]
        return max(open_links, key=lambda item: int(item[0][1:]))[1] if open_links else ""

    def reply(self, key: str) -> Reply | None:
        """The reply that speaks under a floor key."""
        return next((reply for reply in self.replies if reply.key == key), None)


def fold(item: Mapping[str, Any], greeting: str = "", *, final: bool = False) -> View:
    """Fold a session item.

    Args:
        item: The item as plain Python values.
        greeting: What Twilio said at the start of the call; an interrupt may cut it.
        final: The call is over: what had not been played by then never will be.
    """
    stored: Mapping[str, ev.Event] = item.get("events", {})
    keys = sorted(stored)
    replies = [read_reply(key, entry) for key, entry in sorted(item.get("replies", {}).items())]
    utterances, loose = _utterances(stored, keys, final=final)
    replays = _replays(stored, keys, utterances, replies)
    barge_ins = [
        BargeIn(Key(k), str(stored[k].get("heard", "")), int(stored[k].get("played_ms", 0)))
        for k in keys
        if stored[k]["type"] == ev.INTERRUPT
    ]
    spoke = {reply.key for reply in replies if reply.posts}
    hello = _greeting(stored, keys, greeting)
    reports = [k for k in keys if stored[k]["type"] == ev.PLAYED]
    played = [(ev.stamp_of(k), str(stored[k].get("text", ""))) for k in reports]
    breaks = [(Key(k), ev.stamp_of(k)) for k in keys if stored[k]["type"] == ev.SETUP and ev.generation_of(k) > 1]
    owners = hear(replies, barge_ins_of(barge_ins), played, hello, breaks=breaks, final=final)
    mark = Key(item.get("mark", ""))
    return View(
        ended=str(item.get("ended", "")) or (HANDOFF if item.get("handoff") else ""),
        link_gen=int(item.get("link_gen", 0)),
        links={k: v for k, v in item.get("links", {}).items() if isinstance(v, str)},
        utterances=[u for u in utterances if u.key not in replays],
        barge_ins=barge_ins,
        replies=replies,
        speaking=[Key(k) for k in keys if stored[k]["type"] in ev.SPEAKING and (Key(k) not in replays or k in spoke)],
        replays=replays,
        loose_digits=loose,
        mark=mark,
        greeting=hello,
        events=stored,
        late=frozenset(k for k in keys if mark and k <= mark),
        reports={Key(k): owner for k, owner in zip(reports, owners, strict=True) if owner is not None},
    )


def barge_ins_of(barge_ins: Sequence[BargeIn]) -> list[tuple[Key, int, str]]:
    """Interrupts as (key, gateway time, heard text)."""
    return [(b.key, ev.stamp_of(b.key), b.heard) for b in barge_ins]


def concerns(interrupt: BargeIn, reply: Reply, view: View) -> bool:
    """Whether an interrupt stops this reply (A6): it had begun to sound, and what was heard is not of an older one."""
    if interrupt.key <= reply.key:
        return False
    at_ms = ev.stamp_of(interrupt.key)
    posted = [post for post in reply.posts if post.started_ms <= at_ms]
    if not posted:
        return False
    if not interrupt.heard:
        return True
    texts = ["".join(p.text for p in r.posts if p.started_ms <= at_ms) for r in view.replies if r.key <= reply.key]
    hello = [view.greeting.text] if view.greeting else []
    return agrees([*hello, *texts], interrupt.heard)


def agrees(segments: Sequence[str], heard: str) -> bool:
    """Whether the heard text reaches into the last of these segments."""
    found = heard_prefix(segments, heard)
    return found is not None and found.segment == len(segments) - 1


def owns(view: View, key: str) -> bool:
    """Whether the reply speaking under ``key`` still has the floor."""
    if view.ended or (view.speaking and view.speaking[-1] > key):
        return False
    reply = view.reply(key)
    if reply is None:
        return True
    return not any(concerns(interrupt, reply, view) for interrupt in view.barge_ins)


def covered_by(view: View, key: str) -> list[Utterance]:
    """The utterances a reply under ``key`` answers: every one up to it."""
    return [utterance for utterance in view.utterances if utterance.key <= key]


def broken_off(reply: Reply) -> bool:
    """Whether the caller lost the end of a reply with the link it was said on."""
    return any(post.heard < len(post.text) and not post.purged for post in reply.posts)


def covered_keys(view: View, reply: Reply) -> set[str]:
    """Keys of the utterances a reply answers, under whichever key it knew them."""
    return {view.replays.get(Key(key), key) for key in reply.covers} | set(reply.covers)


def unanswered(view: View) -> list[Utterance]:
    """Utterances no reply has begun to answer aloud."""
    answered: set[str] = set()
    for reply in view.replies:
        if reply.posts or reply.state == "done":
            answered |= covered_keys(view, reply)
    return [u for u in view.utterances if u.key not in answered and u.key not in view.late]


def _utterances(
    stored: Mapping[str, ev.Event], keys: Sequence[str], *, final: bool
) -> tuple[list[Utterance], tuple[Key, str] | None]:
    """What the caller said and pressed. Words close an entry of keys before them, and so does the end of the call."""
    found: list[Utterance] = []
    digits, last = "", ""
    for key in keys:
        event = stored[key]
        kind = event["type"]
        if kind == ev.DIGIT:
            digits, last = digits + str(event.get("digit", "")), key
        elif kind == ev.DIGITS and digits:
            found.append(Utterance(Key(key), digits, typed=True))
            digits = ""
        elif kind == ev.PROMPT:
            if digits:
                found.append(Utterance(Key(last), digits, typed=True))
                digits = ""
            found.append(Utterance(Key(key), str(event.get("text", "")), lang=str(event.get("lang", ""))))
    if digits and final:
        found.append(Utterance(Key(last), digits, typed=True))
    return found, (Key(last), digits) if digits else None


def _replays(
    stored: Mapping[str, ev.Event], keys: Sequence[str], utterances: Sequence[Utterance], replies: Sequence[Reply]
) -> dict[Key, Key]:
    """Words a new link brought again: equal in text to an unacknowledged utterance of the link before (A8)."""
    if not keys or ev.generation_of(keys[0]) == ev.generation_of(keys[-1]):
        return {}
    done = {key for reply in replies if reply.state == "done" for key in reply.covers}
    setups = {ev.generation_of(k): ev.stamp_of(k) for k in reversed(keys) if stored[k]["type"] == ev.SETUP}
    # A link that a handoff ended was not lost: nothing of it comes again, and who asks again means it.
    returned = {ev.generation_of(k) + 1 for k in keys if stored[k]["type"] == ev.RETURNED}
    replays: dict[Key, Key] = {}
    matched: set[Key] = set()
    for utterance in utterances:
        generation = ev.generation_of(utterance.key)
        if generation in returned:
            continue
        broke_ms = setups.get(generation, ev.stamp_of(utterance.key))
        for old in utterances:
            if ev.generation_of(old.key) >= generation or old.key in replays or old.key in matched:
                continue
            open_ = old.key not in done or ev.stamp_of(old.key) >= broke_ms - REPLAY_WINDOW_MS
            if open_ and ev.generation_of(old.key) == generation - 1 and _same(old, utterance):
                replays[utterance.key] = old.key
                matched.add(old.key)
                break
    return replays


def _same(one: Utterance, other: Utterance) -> bool:
    return one.text == other.text and one.typed == other.typed


def _greeting(stored: Mapping[str, ev.Event], keys: Sequence[str], greeting: str) -> Post | None:
    if not greeting:
        return None
    first = next((k for k in keys if stored[k]["type"] == ev.SETUP), "")
    at_ms = ev.stamp_of(first) if first else 0
    return Post(Key(""), 0, greeting, at_ms, at_ms, heard=len(greeting))
