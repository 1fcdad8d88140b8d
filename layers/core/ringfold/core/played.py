"""What the caller heard of every reply (design D5, A9).

Three witnesses. The journal says what landed at Twilio and when. An interrupt says what of it had been spoken
when the rest was purged. ``tokensPlayed`` info frames, when they come, say what was really played; they decide
where the interrupt's text is empty, where a post was in flight while the queue was purged, and for words that
landed but whose worker died before it wrote them down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ringfold.core.heard import heard_prefix
from ringfold.core.ids import Key
from ringfold.core.journal import Post, Reply

WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
REACH: Final = 8
"""How many posts back an interrupt's text is looked for at least; a reply is always taken whole."""

SKEW_MS: Final = 500
"""How much the gateway's clock and ours may differ when words are matched with what was played."""


def hear(
    replies: Sequence[Reply],
    interrupts: Sequence[tuple[Key, int, str]],
    played: Sequence[tuple[int, str]],
    greeting: Post | None = None,
    *,
    final: bool = False,
) -> None:
    """Set ``heard`` on every post of every reply; add words that were played but never journalled.

    Args:
        replies: In order of their keys.
        interrupts: (key, gateway time, heard text), in order.
        played: (gateway time, text) of each ``tokensPlayed``, in order.
        greeting: What Twilio said first, as a post under the empty key.
        final: The call is over: what lies behind the last thing played was never heard.
    """
    posts = [post for reply in replies for post in reply.posts]
    posts = ([greeting] if greeting else []) + sorted(posts, key=lambda p: (p.landed_ms, p.reply, p.index))
    covered, extra = _evidence(posts, played, interrupts)
    for key, at_ms, heard in interrupts:
        _cut(posts, covered, key, at_ms, heard, evidence=bool(played))
        _overhear(replies, key, at_ms, heard)
    if final and any(covered):
        last = max(i for i, end in enumerate(covered) if end)
        for i in range(last, len(posts)):
            posts[i].heard = min(posts[i].heard, covered[i])
    for at_ms, text in extra:
        _adopt(replies, at_ms, text)


def _cut(
    posts: Sequence[Post], covered: Sequence[int], key: Key, at_ms: int, heard: str, *, evidence: bool
) -> None:
    reach = [i for i, p in enumerate(posts) if not p.purged and p.reply < key and p.started_ms <= at_ms]
    if not reach:
        return
    sure = [i for i in reach if (posts[i].started_ms + posts[i].landed_ms) // 2 <= at_ms]
    position = _position(posts, reach, heard)
    if position is None and heard and not evidence:
        return
    if position is None:
        position = (-1, 0) if evidence else _before_last_reply(posts, sure or reach)
    for i in reach:
        post = posts[i]
        keep = len(post.text) if i < position[0] else position[1] if i == position[0] else 0
        if i not in sure and i > position[0]:
            # In flight while the queue was purged: it may have landed behind the purge, and then it was played.
            keep = covered[i] if evidence else len(post.text)
        keep = max(keep, covered[i]) if evidence else keep
        if keep < len(post.text):
            post.heard, post.purged = keep, True


def _overhear(replies: Sequence[Reply], key: Key, at_ms: int, heard: str) -> None:
    """The heard text goes on behind the last word a dead speaker wrote down: those words were heard too."""
    reply = next((r for r in reversed(replies) if r.key < key and r.opened_ms <= at_ms), None)
    if reply is None or reply.state or not heard:
        return
    ours = [m.group().lower() for post in reply.posts for m in WORD.finditer(post.text)]
    theirs = list(WORD.finditer(heard))
    if not ours or [m.group().lower() for m in theirs[: len(ours)]] != ours or len(theirs) == len(ours):
        return
    last = reply.posts[-1]
    rest = heard[theirs[len(ours)].start() :]
    reply.posts.append(
        Post(reply.key, last.index + 1, rest, at_ms, at_ms, last.step, heard=len(rest), purged=True)
    )


def _position(posts: Sequence[Post], reach: Sequence[int], heard: str) -> tuple[int, int] | None:
    """Where in the posts the heard text ends: (index of the post, characters of it)."""
    if not heard.strip():
        return None
    groups: list[list[int]] = []
    for i in reach[-REACH * 4 :]:
        if groups and posts[groups[-1][0]].reply == posts[i].reply:
            groups[-1].append(i)
        else:
            groups.append([i])
    found = heard_prefix(["".join(posts[i].text for i in group) for group in groups], heard)
    if found is None:
        return None
    left = found.offset
    for i in groups[found.segment]:
        if left <= len(posts[i].text):
            return i, left
        left -= len(posts[i].text)
    return groups[found.segment][-1], len(posts[groups[found.segment][-1]].text)


def _before_last_reply(posts: Sequence[Post], reach: Sequence[int]) -> tuple[int, int]:
    """Nothing was heard of the last reply that had landed; everything before it was."""
    last = posts[reach[-1]].reply
    return min(i for i in reach if posts[i].reply == last), 0


def _evidence(
    posts: Sequence[Post], played: Sequence[tuple[int, str]], interrupts: Sequence[tuple[Key, int, str]]
) -> tuple[list[int], list[tuple[int, str]]]:
    """How far each post is covered by what was played, and what was played that no post holds."""
    words = [(m.group().lower(), i, m.end()) for i, post in enumerate(posts) for m in WORD.finditer(post.text)]
    covered = [0] * len(posts)
    extra: list[tuple[int, str]] = []
    at = 0
    for at_ms, text in played:
        chunk = [m.group().lower() for m in WORD.finditer(text)]
        if not chunk:
            continue
        at = max(at, next((n for n, (_, i, _) in enumerate(words) if not _gone(posts[i], interrupts, at_ms)), len(words)))
        until = next((n for n, (_, i, _) in enumerate(words) if posts[i].started_ms > at_ms + SKEW_MS), len(words))
        start, length = _find(words[:until], chunk, at)
        if length == 0:
            extra.append((at_ms, text))
            continue
        at = start + length
        for _, i, end in words[start:at]:
            covered[i] = max(covered[i], end)
    return [_whole(posts[i].text, end) for i, end in enumerate(covered)], extra


def _gone(post: Post, interrupts: Sequence[tuple[Key, int, str]], at_ms: int) -> bool:
    """Whether a post had been purged before something was played."""
    return any(post.reply < key and post.landed_ms <= cut_ms < at_ms for key, cut_ms, _ in interrupts)


def _whole(text: str, end: int) -> int:
    """Punctuation and blanks behind the last word of a post were played with it."""
    return len(text) if end and not WORD.search(text, end) else end


def _find(words: Sequence[tuple[str, int, int]], chunk: Sequence[str], at: int) -> tuple[int, int]:
    """The first place from ``at`` on where the chunk is spoken; TTS may have changed a word here or there."""
    need = max(1, (len(chunk) * 4 + 4) // 5)
    best = (0, 0, 0)
    for start in range(at, len(words)):
        if words[start][0] != chunk[0] and len(chunk) < 3:
            continue
        same = sum(1 for (word, _, _), heard in zip(words[start:], chunk, strict=False) if word == heard)
        if same == len(chunk):
            return start, len(chunk)
        if same >= need and same > best[2]:
            best = (start, min(len(chunk), len(words) - start), same)
    return best[0], best[1]


def _adopt(replies: Sequence[Reply], at_ms: int, text: str) -> None:
    """Words that were played but that no journal holds: their worker died between the post and the journal."""
    owner = next((r for r in reversed(replies) if r.opened_ms <= at_ms and r.state not in ("done",)), None)
    if owner is None:
        return
    last = owner.posts[-1] if owner.posts else None
    index, step = (last.index + 1, last.step) if last else (0, 0)
    spoken = text if text.endswith((" ", "\n")) else text + " "
    owner.posts.append(Post(owner.key, index, spoken, at_ms, at_ms, step, heard=len(spoken)))
