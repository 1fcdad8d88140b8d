"""What must hold when a simulated call has come to rest."""

from __future__ import annotations

import re
from collections import Counter

from ringfold.core.events import PLAYED
from ringfold.core.fold import fold
from ringfold.core.history import entries
from ringfold.core.turn import QUIET_MS
from tests.simulation.phone import GREETING
from tests.simulation.world import Invocation, Posted, World

WORDS_WITHIN_MS = 6_000
"""How long the caller may wait for words after the last utterance, or after a crash."""
LATENCIES_MS = 600
"""What the scheduler's own latencies, and a watchdog message that is late, add to it."""
SCRIPTED_MS = 2_900
POLLS_A_SECOND = 20
NUMBER = re.compile(r"w(\d+)[a-z]")
CLOSED_WITHIN_MS = 450
"""A model stream of a superseded reply: a poll's interval, its answer, and a post that was on its way."""


def faults(world: World) -> list[str]:
    """Every statement that does not hold; empty when all is well."""
    found = list(world.faults) + [f"illegal request: {error}" for error in dict.fromkeys(world.model.legal_errors)]
    if world.spins > 3:
        found.append(f"a turn asked {world.spins} times to be woken at once: it spins")
    hurry = [(run.number, _hurry(run)) for run in world.invocations]
    found += [f"[{number}] asked {polls} times within a second" for number, polls in hurry if polls > POLLS_A_SECOND]
    found += [f"[{run.number}] {run.name} never ends" for run in world.invocations if not run.dead and not run.ended]
    found += _one_voice(world) + _one_model(world) + _superseded(world) + _answered(world)
    found += _caller_words(world) + _heard_words(world)
    found += [f"an effect happened {n} times" for n in world.effects.values() if n > 1]
    found += [f"unexpected log: {line}" for line in world.errors if '"ERROR"' in line]
    return found


def _hurry(run: Invocation) -> int:
    """The most polls of one invocation within a second."""
    polls = run.polls
    return max((sum(1 for at in polls[i:] if at < first + 1000) for i, first in enumerate(polls)), default=0)


def _one_voice(world: World) -> list[str]:
    """One invocation speaks for a floor key, and words of an older reply never land behind those of a newer one."""
    found, newest = [], ""
    speakers: dict[str, set[int]] = {}
    for post in world.posts:
        if post.landed is None or post.reply.startswith("["):
            continue  # never arrived; or said outside any turn
        if post.text:
            speakers.setdefault(post.reply, set()).add(post.run)
        if post.reply < newest:  # an empty frame would close the cycle of the newer one
            found.append(f"two voices: [{post.run}] {post.text!r} of {post.reply} behind {newest}")
        newest = max(newest, post.reply)
    handed = {run.number for run in world.invocations if run.name.startswith("handed over")}
    found += [f"two voices: {who} speak for {key}" for key, who in speakers.items() if len(who - handed) > 1]
    return found


def _one_model(world: World) -> list[str]:
    """The words of two models never alternate within a reply (A12)."""
    found = []
    for run in world.invocations:
        said = [number for post in world.posts if post.run == run.number for number in NUMBER.findall(post.text)]
        order = [number for number, before in zip(said, ["", *said], strict=False) if number != before]
        if len(order) != len(set(order)):
            found.append(f"[{run.number}] two models in one reply: {order}")
    return found


def _superseded(world: World) -> list[str]:
    """S1: after the fence is stored one more post starts at most, within 250 ms; and the model's stream is closed."""
    found = []
    for run in world.invocations:
        if run.superseded is None:
            continue
        after = [post.started - run.superseded for post in world.posts if post.run == run.number]
        after = [late for late in after if late > 0]
        if len(after) > 1 or any(late > QUIET_MS for late in after):
            found.append(f"[{run.number}] lost the floor and posted {[round(late) for late in after]} ms later")
        found += [f"[{run.number}] lost the floor, its model was asked on" for _ in range(_open_streams(world, run))]
    return found


def _open_streams(world: World, run: Invocation) -> int:
    """Streams of a superseded reply that stayed open. A table that is down tells nobody anything."""
    assert run.superseded is not None
    until = run.superseded + CLOSED_WITHIN_MS
    down = world.plan.table_down
    if down[1] and down[0] - CLOSED_WITHIN_MS < run.superseded < sum(down):
        until = sum(down) + CLOSED_WITHIN_MS
    if run.dead:
        return 0
    return sum(s.opened < until and (s.closed is None or s.closed > until) for s in run.streams.values())


def _answered(world: World) -> list[str]:
    """Nothing the caller does is followed by silence: words land in time, or the caller has gone on first."""
    phone, found = world.phone, []
    ends = [*(at for at, _ in phone.acts[1:]), float("inf")]
    for (at, act), following in zip(phone.acts, ends, strict=True):
        limit = _limit(world, at)
        if following < limit or any(at <= word <= limit for word in phone.words):
            continue
        if world.ended_at is not None and world.ended_at <= limit:
            continue  # hung up; or the answer was to end the call
        if any(at <= post.started <= limit and not post.certain for post in world.posts):
            continue  # nobody knows whether that was delivered: it counts as said (D4)
        later = min((word - at for word in phone.words if word > at), default=None)
        if act == "cough" and any(run.dead and run.name.startswith("watchdog") for run in world.invocations):
            continue  # nothing was asked, and the crash hit the only one who looks; the queue tries again in minutes
        late = f"late: words after {later or 0:.0f} ms, {limit - at:.0f} allowed"
        found.append("silence: nothing answers it" if later is None else late)
    return found


def _limit(world: World, at: float) -> float:
    """Until when words must have landed: six seconds after the last fault that can have held them up."""
    plan = world.plan
    since = max([at, *(arrived for sent, arrived, _ in world.delivered if at - 40 <= sent <= at + 1)])
    if world.crashed_at is not None and world.crashed_at >= at:
        since = max(since, world.crashed_at)
    if plan.table_down[1] and at < sum(plan.table_down) + 1:
        since = max(since, sum(plan.table_down))
    beside = (plan.model_fault, plan.tool_ms[1] > 1000 and plan.tools, plan.refused)
    faults_at_once = sum(map(bool, beside)) if world.crashes else 0
    return since + WORDS_WITHIN_MS + LATENCIES_MS + faults_at_once * SCRIPTED_MS


def _caller_words(world: World) -> list[str]:
    """The transcript has what the caller said and pressed, each once, in order."""
    said = _keys_joined([(kind == "keys", text) for kind, text in world.phone.said])
    told = _keys_joined([(bool(e.get("typed")), e["text"]) for e in _transcript(world) if e["role"] == "caller"])
    return [] if said == told else [f"caller's words: {told} instead of {said}"]


def _keys_joined(parts: list[tuple[bool, str]]) -> list[str]:
    """Keys one after the other are one run; where it was cut into entries is a matter of their delays."""
    joined: list[tuple[bool, str]] = []
    for typed, text in parts:
        if typed and joined and joined[-1][0]:
            joined[-1] = (True, joined[-1][1] + text)
        else:
            joined.append((typed, text))
    return [text for _, text in joined]


def _transcript(world: World) -> list[dict[str, object]]:
    item = world.table.item
    window = entries(fold(item, GREETING, final=bool(item.get("ended") or item.get("handoff"))))
    return [e for segment in world.table.history for e in segment["entries"]] + list(window)


def _heard_words(world: World) -> list[str]:
    """The transcript has what the caller heard, and nothing else."""
    ours = _words(" ".join(str(e["text"]) for e in _transcript(world) if e["role"] == "agent"))
    truth = _words(" ".join(text for reply, text in world.phone.heard if reply != "greeting"))
    if ours == truth:
        return []
    too_much, lacks = Counter(ours) - Counter(truth), Counter(truth) - Counter(ours)
    if not too_much and not lacks:
        return [f"history has another order: {ours} instead of {truth}"]
    too_much, lacks = too_much - _unknowable_unheard(world), lacks - _unknowable_heard(world)
    if not too_much and not lacks:
        return []
    return [f"history has {sorted(too_much.elements())} too much and lacks {sorted(lacks.elements())}"]


def _unknowable_heard(world: World) -> Counter[str]:
    """Words that were heard without leaving a trace; no fold can know of them.

    - The call or its link was gone in the middle of a frame: Twilio reports whole chunks only.
    - The speaker died between a frame's landing and its journal, and neither a ``tokensPlayed`` nor an interrupt
      ever told its words.
    - A post of the reply was not delivered, and nobody knows (D4): what an interrupt then tells has a hole, and
      may be taken for less than it is.
    - The invocation of a report died, and the call was over before the next.
    """
    lost = [post.text for post in _last_frames_of_the_dead(world)]
    return (
        Counter(_words(" ".join([world.phone.cut_off, *lost])))
        + _without_trace(world)
        + _beside_holes(world)
        + _unreported(world)
    )


def _unreported(world: World) -> Counter[str]:
    """What was played and never reported, if a report's invocation died: the end of the call cuts it off."""
    if not any(run.dead and run.name.startswith("info") for run in world.invocations):
        return Counter()
    reports = [str(e.get("text", "")) for e in world.table.item["events"].values() if e["type"] == PLAYED]
    return Counter(_words(" ".join(text for _, text in world.phone.heard))) - Counter(_words(" ".join(reports)))


def _beside_holes(world: World) -> Counter[str]:
    holed = {post.reply for post in world.posts if not post.certain and post.landed is None}
    return Counter(_words(" ".join(post.text for post in world.posts if post.reply in holed)))


def _last_frames_of_the_dead(world: World) -> list[Posted]:
    """Frames that landed, in no journal, whose words another reply says nearly all: sentences of our own."""
    journals = world.table.item["replies"]
    others = [(key, post["x"]) for key, reply in journals.items() for post in reply["p"].values()]
    return [p for p in _unwritten(world) if any(_alike(p.text, text) for key, text in others if key != p.reply)]


def _alike(one: str, other: str) -> bool:
    words = Counter(_words(one))
    return bool(words) and (words & Counter(_words(other))).total() >= 0.75 * words.total()


def _without_trace(world: World) -> Counter[str]:
    events = world.table.item["events"].values()
    told = [" ".join(_words(str(e.get(name, "")))) for e in events for name in ("heard", "text")]
    untold = [p.text for p in _unwritten(world) if not any(" ".join(_words(p.text)[:3]) in text for text in told)]
    return Counter(_words(" ".join(untold)))


def _unwritten(world: World) -> list[Posted]:
    """Frames of dead speakers that landed and are in no journal."""
    journals = world.table.item["replies"]
    own = {(key, post["x"]) for key, reply in journals.items() for post in reply["p"].values()}
    dead = {run.number for run in world.invocations if run.dead}
    return [p for p in world.posts if p.run in dead and p.landed is not None and (p.reply, p.text) not in own]


def _unknowable_unheard(world: World) -> Counter[str]:
    """Words that were not heard, without a trace.

    - It is unknown whether a post was delivered, and it was not: it counts as said (D4).
    - Twilio has never reported anything as played (it is off, or the call was over before), and the call or its link
      was gone while words were waiting; or a barge-in came with an empty text: which reply was playing is a riddle; or
      words landed so close to the barge-in that they may have come behind it.
    - A dead speaker's last frame, in no journal, said what another reply says too, nearly word for word (our own
      sentences): that it was played, or heard, is taken for that one.
    """
    phone = world.phone
    unheard = [post.text for post in world.posts if not post.certain and post.landed is None]
    if not phone.reported:
        close = 12 + world.plan.post_ms
        unheard += phone.never_played
        unheard += [chunk.text for chunk in phone.purged if not chunk.told or chunk.at - chunk.landed <= close]
    for lost in _last_frames_of_the_dead(world):
        unheard += [post.text for post in world.posts if post.reply != lost.reply and _alike(lost.text, post.text)]
    return Counter(_words(" ".join(unheard))) + _beside_holes(world)


def _words(text: str) -> list[str]:
    """Words of the model and of ours, but not of fillers, which a later frame may cut without anybody being told.

    Runs of words without a blank between are told apart; blanks are not judged.
    """
    found = re.findall(r"w\d+[a-z]+\d+|\d+\.|[A-Za-z']+", text)
    return [word for word in found if not word.startswith("filler")]
