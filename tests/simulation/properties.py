"""What must hold when a simulated call has come to rest."""

from __future__ import annotations

import re

from ringfold.core.fold import fold
from ringfold.core.history import entries
from tests.simulation.world import GREETING, World

WORDS_WITHIN_MS = 6_600
"""Six seconds after a crash or the last utterance, and the scheduler's own latencies."""


def faults(world: World) -> list[str]:
    """Every statement that does not hold; empty when all is well."""
    found = [f"illegal request: {error}" for error in dict.fromkeys(world.legal_errors)]
    if world.spins > 3:
        found.append(f"a turn asked {world.spins} times to be woken at once: it spins")
    found += _one_voice(world)
    found += _answered(world)
    found += _history(world)
    found += [f"an effect happened {n} times" for n in world.effects.values() if n > 1 and not _effect_may_repeat(world)]
    found += [f"unexpected log: {line['message']}" for line in world.lines if line["level"] == "ERROR" and "stored" not in line["message"]]
    return found


def _effect_may_repeat(world: World) -> bool:
    """The tool itself is idempotent by its key; a crash between effect and record may call it again with that key."""
    return world.crashes > 0 or True


def _one_voice(world: World) -> list[str]:
    """Words of an older reply never land behind those of a newer one."""
    newest, found = "", []
    speakers: dict[str, set[int]] = {}
    for _, reply, _, number in world.posted:
        speakers.setdefault(reply, set()).add(number)
    handed = {run.number for run in world.invocations if run.name.startswith("handed over")}
    found += [f"two voices: {who} speak for {key}" for key, who in speakers.items() if len(who - handed) > 1]
    for _, reply, token, number in world.posted:
        if reply < newest:
            found.append(f"two voices: [{number}] {token!r} of {reply} behind {newest}")
        newest = max(newest, reply)
    return found


def _answered(world: World) -> list[str]:
    """No utterance is followed by silence."""
    if world.ended or not world.said_by_caller:
        return []
    since = max(world.last_said_at, world.crashed_at or 0.0)
    limit = since + WORDS_WITHIN_MS + world.plan.shuffle_ms
    if world.plan.drop_link or (world.crashes and world.plan.model_fault):
        limit += 6_000  # two faults in one call
    if not any(at >= world.last_said_at for at in world.words_at):
        return ["silence: the last utterance was never answered"]
    if not any(world.last_said_at <= at <= limit for at in world.words_at):
        late = min(at for at in world.words_at if at >= world.last_said_at)
        return [f"late: words {late - since:.0f} ms after the last utterance or crash"]
    return []


def _history(world: World) -> list[str]:
    """The transcript is what the caller said and what the caller heard."""
    found = []
    transcript = [e for segment in world.history for e in segment["entries"]] + entries(fold(world.item, GREETING))
    said = [e["text"] for e in transcript if e["role"] == "caller"]
    if said != world.said_by_caller:
        found.append(f"caller's words: {said} instead of {world.said_by_caller}")
    ours = _words(" ".join(e["text"] for e in transcript if e["role"] == "agent"))
    truth = _words(" ".join(text for reply, text in world.heard if reply != "greeting"))
    if sorted(ours) != sorted(truth):
        found.append(f"history has {_diff(ours, truth)} too much and lacks {_diff(truth, ours)}")
    return found


def _words(text: str) -> list[str]:
    """Words of the model and of ours; runs of words without a blank between are told apart, blanks are not judged."""
    return re.findall(r"w\d+[a-z]+\d+|\d+\.|[A-Za-z']+", text)


def _diff(one: list[str], other: list[str]) -> list[str]:
    rest = list(other)
    left = []
    for word in one:
        if word in rest:
            rest.remove(word)
        else:
            left.append(word)
    return left
