"""Clocks that disagree: the gateway's stamps among themselves, and the workers' clocks with the gateway's.

Twilio numbers no frames, so a stamp that lies cannot be mended, and what must hold is less than in
``test_simulation.py``: each test says what it forgoes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from local.faults import FrameFaults, Stamps
from ringfold.core.calls import TOKEN_TTL_S
from ringfold.core.ids import AccountId, AccountSid, CallSid, ConversationId, OrganizationId
from ringfold.core.relay_token import Claims, mint, read
from ringfold.core.turn import Turn
from ringfold.errors import SignatureError
from tests.simulation.plan import Plan
from tests.simulation.properties import faults
from tests.simulation.world import EPOCH, Invocation, World

OFF_MS = 5000
SEEDS = range(30)
HEARD = "history has"
"""How much of a reply was heard is told by comparing the speaker's clock with the gateway's."""
ORDER = "caller's words: "
LATE = re.compile(r"late: words after (\d+) ms, (\d+) allowed")


class SkewedWorld(World):
    """A world whose two workers have clocks of their own, ``off`` by so many milliseconds, and whose stamps may lie."""

    def __init__(
        self, seed: int, plan: Plan | None = None, *, off: tuple[int, int] = (0, 0), stamps: Stamps = "true"
    ) -> None:
        super().__init__(seed, plan)
        self._off = dict(zip(map(id, self.workers), off, strict=True))
        for worker in self.workers:
            worker.clock = self._clock_of(self._off[id(worker)])
        self._offset_of: dict[int, int] = {}
        self._stamps = FrameFaults(stamps=stamps, seed=seed)
        self._previous_ms = 0

    def _clock_of(self, off_ms: int) -> Callable[[], int]:
        return lambda: EPOCH + int(self.now) + off_ms

    def frame(self, kind: str, generation: int, body: dict[str, Any]) -> None:
        """The gateway stamps by its own clock, or as the fault has it."""
        now_ms = EPOCH + int(self.now)
        self._under(self._stamps.stamp(now_ms, self._previous_ms) - now_ms, super().frame, kind, generation, body)
        self._previous_ms = now_ms

    def _under(self, offset: int, act: Callable[..., None], *args: Any) -> None:
        before, self.offset = self.offset, offset
        act(*args)
        self.offset = before

    def _theirs(self, run: Invocation) -> int:
        """How far the clock of an invocation's worker is off."""
        if run.number not in self._offset_of:
            self._offset_of[run.number] = self._off[id(run.program.gi_frame.f_locals["self"])]
        return self._offset_of[run.number]

    def _step(self, run: Invocation, answer: Any) -> None:
        self._under(self._theirs(run), super()._step, run, answer)

    def _tick(self, run: Invocation, turn: Turn) -> None:
        self._under(self._theirs(run), super()._tick, run, turn)

    def _outcome(self, run: Invocation, turn: Turn, outcome: Any) -> None:
        self._under(self._theirs(run), super()._outcome, run, turn, outcome)

    def _model_event(self, run: Invocation, event: Any) -> None:
        self._under(self._theirs(run), super()._model_event, run, event)


def broken(world: World, *forgone: str) -> list[str]:
    """Run a call: what does not hold of it, less what is forgone."""
    world.run()
    return [fault for fault in faults(world) if not fault.startswith(forgone)]


def too_late(fault: str, allowance_ms: int) -> bool:
    """Whether a fault is more than words that come late by less than the allowance."""
    late = LATE.match(fault)
    return late is None or int(late[1]) > int(late[2]) + allowance_ms


@pytest.mark.accept("E19")
@pytest.mark.parametrize("off", [(OFF_MS, OFF_MS), (-OFF_MS, -OFF_MS), (OFF_MS, 0), (0, -OFF_MS)])
def test_workers_whose_clocks_are_five_seconds_off_keep_the_order(off: tuple[int, int]) -> None:
    """All of them, or one of two: order, one voice, the fence and no silence; who dies is missed so much later."""
    failed = {seed: broken(SkewedWorld(seed, off=off), HEARD) for seed in SEEDS}

    assert {} == {seed: found for seed, found in failed.items() if any(too_late(fault, OFF_MS) for fault in found)}


@pytest.mark.parametrize("off", [(15, 15), (-15, -15), (15, -15)])
def test_clocks_as_they_are_at_aws_change_nothing(off: tuple[int, int]) -> None:
    """A few milliseconds apart: every property holds, what was heard included."""
    failed = {seed: broken(SkewedWorld(seed, off=off)) for seed in SEEDS}

    assert {} == {seed: found for seed, found in failed.items() if found}


@pytest.mark.accept("E19")
@pytest.mark.parametrize("stamps", ["swapped", "skewed"])
def test_stamps_that_lie_leave_no_silence(stamps: Stamps) -> None:
    """The caller's words may come out in another order, and nothing else; none is lost, every one is answered."""
    failed = {}
    for seed in SEEDS:
        world = SkewedWorld(seed, stamps=stamps)
        found = broken(world, HEARD)
        failed[seed] = [fault for fault in found if not (fault.startswith(ORDER) and _reordered(fault))]

    assert {} == {seed: found for seed, found in failed.items() if found}


def _reordered(fault: str) -> bool:
    """Whether the transcript has all that was said and pressed, in whatever order."""
    told, _, said = fault.removeprefix(ORDER).partition(" instead of ")
    return sorted(re.findall(r"number \w+|[\d*#]", told)) == sorted(re.findall(r"number \w+|[\d*#]", said))


@pytest.mark.accept("E19")
@pytest.mark.parametrize("stamps", ["tied", "swapped", "skewed"])
@pytest.mark.parametrize("seed", range(12))
def test_words_over_the_agent_are_answered_whatever_their_stamp(stamps: Stamps, seed: int) -> None:
    """A barge-in whose interrupt and words are stamped the wrong way round is answered, by the new words' reply."""
    plan = replace(Plan(), utterances=3, barge_in=1.0, tools=0.0, pauses=(2500,), model_token_ms=(60, 120))
    world = SkewedWorld(seed, plan, stamps=stamps)

    found = broken(world, HEARD)

    assert [] == [fault for fault in found if not (fault.startswith(ORDER) and _reordered(fault))]
    assert ["words"] * 3 == [kind for kind, _ in world.phone.said]


@pytest.mark.parametrize("off_s", [-5, 0, 5])
def test_a_token_of_a_function_whose_clock_is_off_opens_its_link(off_s: int) -> None:
    """Whoever minted it and whoever reads it may be five seconds apart: it lives so much longer or shorter."""
    now, key = 1_790_000_000, "k" * 32
    claims = Claims(
        CallSid("CA1"),
        AccountId("a"),
        AccountSid("AC1"),
        OrganizationId("o"),
        ConversationId("v"),
        0,
        now + TOKEN_TTL_S,
    )
    token = mint(claims, key)

    assert claims == read(token, key, now + off_s)
    assert claims == read(token, key, now + TOKEN_TTL_S - 6 + off_s)
    with pytest.raises(SignatureError):
        read(token, key, now + TOKEN_TTL_S + 6 + off_s)
