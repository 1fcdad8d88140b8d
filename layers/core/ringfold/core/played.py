"""What the caller heard of every reply (design D5, A9).

Three witnesses. The journal says what landed at Twilio and when. An interrupt says what of it had been spoken
when the rest was purged. ``tokensPlayed`` info frames, when they come, say what was really played; they decide
where the interrupt's text is empty, where a post was in flight while the queue was purged, and for words that
landed but whose worker died before it wrote them down.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from ringfold.core.heard import heard_prefix
from ringfold.core.ids import Key
from ringfold.core.journal import FILLER, Post, Reply

WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
REACH: Final = 8
"""How many posts back an interrupt's text is looked for at least; a reply is always taken whole."""

EXACT: Final = 0.99
"""From this agreement on, a heard text is of words we know to have sent, though a dead speaker's words begin alike."""
CLOSE_MS: Final = 20
"""A post that landed so shortly before a purge may as well have come behind it: the clocks are two."""
SKEW_MS: Final = 500
"""How much the gateway's clock and ours may differ when words are matched with what was played."""


def hear(
    replies: Sequence[Reply],
    interrupts: Sequence[tuple[Key, int, str]],
    played: Sequence[tuple[int, str]],
    greeting: Post | None = None,
    *,
    breaks: Sequence[tuple[Key, int]] = (),
    final: bool = False,
) -> list[Key | None]:
    """Set ``heard`` on every post of every reply; add words that were played but never journalled.

    Args:
        replies: In order of their keys.
        interrupts: (key, gateway time, heard text), in order.
        played: (gateway time, text) of each ``tokensPlayed``, in order.
        greeting: What Twilio said first, as a post under the empty key.
        breaks: (key, gateway time) of each new link: what had been sent before it and was not played by then is lost,
            unless it is reported as played later.
        final: The call is over: what lies behind the last thing played was never heard.
    """
    if not played and not interrupts:
        return []  # nothing was cut and nothing is known of what was played: all that landed was heard
    landed = _in_order(replies, greeting)
    covered, extra, owners = _evidence(landed, played, interrupts, breaks) if played else ({}, [], [])
    for at_ms, text, before in extra:
        _adopt(replies, at_ms, text, before)
    posts = _in_order(replies, greeting)
    known = [covered.get(id(post), len(post.text) if post.adopted else 0) for post in posts]
    for key, at_ms, heard in interrupts:
        reach = [i for i, p in enumerate(posts) if not p.purged and p.reply < key and p.started_ms <= at_ms]
        lost = _unwritten(replies, posts, reach, key, at_ms, heard)
        if lost is None:
            _cut(posts, known, reach, at_ms, _position(posts, reach, heard), heard, evidence=bool(played))
            continue
        last = max((i for i in reach if posts[i].reply <= lost[0].key), default=-1)
        position = (last, len(posts[last].text)) if last >= 0 else (-1, 0)
        _cut(posts, known, reach, at_ms, position, heard, evidence=bool(played))
        _take_up(lost[0], lost[1], purged=True)
    if played and any(known):
        for key, at_ms in breaks:
            _lose(posts, known, key, at_ms)
        if final:
            _lose(posts, known)
    return owners


def _lose(posts: Sequence[Post], known: Sequence[int], key: Key | None = None, at_ms: int = 0) -> None:
    """Behind the last thing played, what was not played was not heard: of all posts, or of those sent by then."""
    there = [
        i
        for i, post in enumerate(posts)
        if key is None or (post.reply and post.reply < key and post.started_ms <= at_ms and not post.adopted)
    ]
    last = max((i for i in there if known[i]), default=-1)
    for i in there:
        if i >= last and not posts[i].purged:
            posts[i].heard = min(posts[i].heard, known[i])


def _in_order(replies: Sequence[Reply], greeting: Post | None) -> list[Post]:
    posts = [post for reply in replies for post in reply.posts]
    return ([greeting] if greeting else []) + sorted(posts, key=lambda p: (p.started_ms, p.reply, p.index))


def _cut(
    posts: Sequence[Post],
    covered: list[int],
    reach: Sequence[int],
    at_ms: int,
    position: tuple[int, int] | None,
    heard: str,
    *,
    evidence: bool,
) -> None:
    if not reach:
        return
    close_ms = CLOSE_MS if evidence else 0  # where nothing tells, only what has certainly landed later was heard
    landed = [i for i in reach if posts[i].landed_ms + close_ms < at_ms]
    if position is None and heard and not evidence:
        return
    told = position is not None
    if position is None:
        position = (-1, 0) if evidence else _before_last_reply(posts, landed or reach)
    for i in reach:
        post = posts[i]
        if i < position[0]:
            if told and not post.doubtful:  # what lies before the place it names was heard
                covered[i], post.purged = len(post.text), True
            continue
        if i > position[0] and i not in landed:
            # In flight while the queue was purged: it may have landed behind the purge, and then it was played.
            post.heard, post.doubtful = covered[i] if evidence else len(post.text), True
            continue
        keep = position[1] if i == position[0] else 0
        post.heard, post.purged = max(keep, covered[i]) if evidence else keep, True


def _unwritten(
    replies: Sequence[Reply], posts: Sequence[Post], reach: Sequence[int], key: Key, at_ms: int, heard: str
) -> tuple[Reply, str] | None:
    """Words of a dead speaker that nobody wrote down, told by an interrupt: it goes on behind the last word known."""
    silent = [r for r in reversed(replies) if not r.state and r.key < key and r.opened_ms <= at_ms]
    if not silent or not heard.strip():
        return None
    groups = _by_reply(posts, reach)
    known = heard_prefix(["".join(posts[i].text for i in group) for group in groups], heard)
    theirs = list(WORD.finditer(heard))
    words = [m.group().lower() for m in theirs]
    for reply in silent:
        ours = _words("".join(post.text for post in reply.posts if post.kind != FILLER))
        if known is not None and (not ours or known.score >= EXACT):
            continue
        # A filler may have been cut by the frame behind it, and nobody is told where.
        filler = _words("".join(post.text for post in reply.posts if post.kind == FILLER))
        skip = next((i for i, (one, other) in enumerate(zip(words, filler, strict=False)) if one != other), len(filler))
        end = skip + len(ours)
        if len(words) > end and words[skip:end] == ours:
            return reply, heard[theirs[end].start() :]
    return None


def _words(text: str) -> list[str]:
    return [m.group().lower() for m in WORD.finditer(text)]


def _by_reply(posts: Sequence[Post], reach: Sequence[int]) -> list[list[int]]:
    """The posts an interrupt can reach, the last ones, by the replies they belong to."""
    groups: list[list[int]] = []
    for i in reach[-REACH * 4 :]:
        if groups and posts[groups[-1][0]].reply == posts[i].reply:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _position(posts: Sequence[Post], reach: Sequence[int], heard: str) -> tuple[int, int] | None:
    """Where in the posts the heard text ends: (index of the post, characters of it)."""
    if not heard.strip():
        return None
    groups = _by_reply(posts, reach)
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
    posts: Sequence[Post],
    played: Sequence[tuple[int, str]],
    interrupts: Sequence[tuple[Key, int, str]],
    breaks: Sequence[tuple[Key, int]],
) -> tuple[dict[int, int], list[tuple[int, str, Key | None]], list[Key | None]]:
    """How far each post was played, and what was played that no post holds.

    What was played comes in the order of the posts, so the best chain is looked for, not each piece by itself: two
    replies may say the same sentence.

    Returns:
        Characters played by the post's ``id()``; (time, text, key of the reply whose words came next) of what no post
        holds; and whose words each report tells.
    """
    words = [(m.group().lower(), i, m.end()) for i, post in enumerate(posts) for m in WORD.finditer(post.text)]
    chunks = [(at_ms, text, _words(text)) for at_ms, text in played]
    places, bounds = _index(words), _bounds(posts, words, interrupts)
    chain = _best_chain(words, places, chunks, bounds, _shaky(posts, interrupts, breaks))
    taken = {at for start, length in chain.values() for at in range(start, start + length)}
    extra: list[tuple[int, str, Key | None]] = []
    owners: list[Key | None] = [None] * len(chunks)
    following: Key | None = None
    for number in range(len(chunks) - 1, -1, -1):
        at_ms, text, chunk = chunks[number]
        if number in chain:
            owners[number] = following = posts[words[chain[number][0]][1]].reply
            continue
        # Two reports of one millisecond may have changed places: known words are not a dead speaker's.
        exact = (start for start, _ in _places(words, places, chunk, *bounds(at_ms), exactly=True))
        free = next((start for start in exact if taken.isdisjoint(range(start, start + len(chunk)))), None)
        if free is not None:
            taken.update(range(free, free + len(chunk)))
            owners[number] = posts[words[free][1]].reply
        elif chunk:
            extra.insert(0, (at_ms, text, following))
    ends: dict[int, int] = {}
    for at in taken:
        _, i, end = words[at]
        ends[i] = max(ends.get(i, 0), end)
    return {id(posts[i]): _whole(posts[i].text, end) for i, end in ends.items()}, extra, owners


Word = tuple[str, int, int]
"""(word, index of its post, where it ends in the post)."""


def _bounds(
    posts: Sequence[Post], words: Sequence[Word], interrupts: Sequence[tuple[Key, int, str]]
) -> Callable[[int], tuple[int, int]]:
    """Which words may have been played at a time: of posts that had started, and had not been purged before."""
    first = [len(words)] * (len(posts) + 1)
    for at in range(len(words) - 1, -1, -1):
        first[words[at][1]] = at
    for i in range(len(posts) - 1, -1, -1):
        first[i] = min(first[i], first[i + 1])
    gone = [
        min((at for key, at, _ in interrupts if post.reply < key and post.landed_ms + CLOSE_MS < at), default=None)
        for post in posts
    ]

    def bounds(at_ms: int) -> tuple[int, int]:
        low = next((i for i, cut_ms in enumerate(gone) if cut_ms is None or cut_ms >= at_ms), len(posts))
        high = next((i for i, post in enumerate(posts) if post.started_ms > at_ms + SKEW_MS), len(posts))
        return first[low], first[high]

    return bounds


def _shaky(
    posts: Sequence[Post], interrupts: Sequence[tuple[Key, int, str]], breaks: Sequence[tuple[Key, int]]
) -> set[int]:
    """Posts that were on their way while the queue was purged, or waited when a link was lost."""
    purged = {
        i
        for i, post in enumerate(posts)
        for key, at_ms, _ in interrupts
        if post.reply < key and post.started_ms <= at_ms <= post.landed_ms + CLOSE_MS
    }
    lost = {i for i, post in enumerate(posts) for key, at_ms in breaks if post.reply < key and post.started_ms <= at_ms}
    return purged | lost


def _index(words: Sequence[Word]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for at, (word, _, _) in enumerate(words):
        places.setdefault(word, []).append(at)
    return places


def _best_chain(
    words: Sequence[Word],
    places: Mapping[str, Sequence[int]],
    chunks: Sequence[tuple[int, str, list[str]]],
    bounds: Callable[[int], tuple[int, int]],
    shaky: set[int],
) -> dict[int, tuple[int, int]]:
    """Lay the chunks on the words, in order, so that the most words agree; of equals whole frames, then the earliest.

    Returns:
        Number of the chunk → (first word, how many words).
    """
    # The front: (end, words that agree, last link), both rising; a link is (chunk, start, length, link before).
    front: list[tuple[int, int, Any]] = [(0, 0, None)]
    for number, (at_ms, _, chunk) in enumerate(chunks):
        if not chunk:
            continue
        low, high = bounds(at_ms)
        found = []
        for start, same in _places(words, places, chunk, low, high):
            _, weight, link = front[bisect_right(front, start, key=itemgetter(0)) - 1]
            length = min(len(chunk), high - start)
            # Of places as good as each other: not a frame that may have been purged, and one that is taken whole.
            fit = (
                3 * (words[start][1] not in shaky)
                + (start == 0 or words[start - 1][1] != words[start][1])
                + (start + length == len(words) or words[start + length - 1][1] != words[start + length][1])
            )
            found.append((start + length, weight + 8 * same + fit, (number, start, length, link)))
        for end, weight, link in found:
            _improve(front, end, weight, link)
    chain = {}
    link = front[-1][2]
    while link is not None:
        number, start, length, link = link
        chain[number] = (start, length)
    return chain


def _improve(front: list[tuple[int, int, Any]], end: int, weight: int, link: Any) -> None:
    at = bisect_right(front, end, key=itemgetter(0))
    if front[at - 1][1] >= weight:
        return
    if front[at - 1][0] == end:
        at -= 1
    until = at
    while until < len(front) and front[until][1] <= weight:
        until += 1
    front[at:until] = [(end, weight, link)]


def _places(
    words: Sequence[Word],
    places: Mapping[str, Sequence[int]],
    chunk: Sequence[str],
    low: int,
    high: int,
    *,
    exactly: bool = False,
) -> list[tuple[int, int]]:
    """Where a chunk is spoken, and how many of its words agree; TTS may have changed a word here or there."""
    exact = [
        at
        for at in (places.get(chunk[0], ()) if chunk else ())
        if low <= at and at + len(chunk) <= high and [w[0] for w in words[at : at + len(chunk)]] == chunk
    ]
    if exact or exactly or len(chunk) < 3:
        return [(at, len(chunk)) for at in exact]
    need = (len(chunk) * 4 + 4) // 5
    found = []
    for start in {at - i for i, word in enumerate(chunk[: len(chunk) - need + 1]) for at in places.get(word, ())}:
        if low <= start < high:
            same = sum(1 for (word, _, _), heard in zip(words[start:high], chunk, strict=False) if word == heard)
            if same >= need:
                found.append((start, same))
    return sorted(found)


def _whole(text: str, end: int) -> int:
    """Punctuation and blanks behind the last word of a post were played with it."""
    return len(text) if end and not WORD.search(text, end) else end


def _adopt(replies: Sequence[Reply], at_ms: int, text: str, before: Key | None) -> None:
    """Words that were played but that no journal holds: their worker died between the post and the journal."""
    open_ = (r for r in reversed(replies) if r.opened_ms <= at_ms and not r.state)
    owner = next((r for r in open_ if before is None or r.key <= before), None)
    if owner is not None:
        _take_up(owner, text if text.endswith((" ", "\n")) else text + " ")


def _take_up(owner: Reply, text: str, *, purged: bool = False) -> None:
    """Add words to a reply as if they had landed right behind the last ones known."""
    last = owner.posts[-1] if owner.posts else None
    index, step = (last.index + 1, last.step) if last else (0, 0)
    at_ms = last.landed_ms if last else owner.opened_ms
    owner.posts.append(Post(owner.key, index, text, at_ms, at_ms, step, heard=len(text), purged=purged, adopted=True))
