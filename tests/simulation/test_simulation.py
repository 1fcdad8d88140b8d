"""Ten thousand simulated calls: whatever the order, the delays and the crash, every property holds."""

import json
import os
from dataclasses import replace
from random import Random

import pytest

from tests.simulation.plan import Plan, draw
from tests.simulation.properties import faults
from tests.simulation.world import AGENT, World

CHUNK = 500
"""Seeds of one test case."""


def _chunks() -> list[range]:
    """The seeds to run: ``RINGFOLD_SEEDS=20000-30000`` chooses others, ``RINGFOLD_SEEDS=7`` one."""
    chosen = os.environ.get("RINGFOLD_SEEDS", "0-10000")
    first, _, last = chosen.partition("-")
    start, stop = int(first), int(last) if last else int(first) + 1
    return [range(at, min(at + CHUNK, stop)) for at in range(start, stop, CHUNK)]


@pytest.mark.slow
@pytest.mark.accept("E4")
@pytest.mark.accept("E19")
@pytest.mark.accept("E20")
@pytest.mark.accept("E22")
@pytest.mark.accept("N2")
@pytest.mark.parametrize("seeds", _chunks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop}")
def test_simulated_calls_hold(seeds: range) -> None:
    """No silence, one voice, a true history and legal requests, in every call of these seeds."""
    failed = {}
    for seed in seeds:
        world = World(seed)
        world.run()
        found = faults(world)
        if found:
            failed[seed] = found

    assert {} == failed, f"make replay SEED={next(iter(failed))}"


@pytest.mark.accept("F1", "F11", "N2")
@pytest.mark.parametrize("first", range(0, 600, 100))
def test_a_handoff_that_is_decided_happens(first: int) -> None:
    """Whatever the caller says over it and whoever dies: ``end`` is sent, with the data as text; the rest holds too."""
    failed, decided = {}, 0
    for seed in range(first, first + 100):
        plan = replace(draw(Random(seed)), last_tool="transfer_call", farewell=0.9, tools=0.8)
        world = World(seed, plan)
        world.run()
        found = faults(world)
        handed = "handoff" in world.table.item
        decided += handed
        if handed and plan.hang_up is None and not world.phone.ends:
            found.append("announced, and never sent")
        if any(json.loads(data or "{}").get("conversation_id") is None for data in world.phone.ends):
            found.append(f"no data: {world.phone.ends}")
        if found:
            failed[seed] = found

    assert {} == failed
    assert decided > 20


# Liveness: a fault comes and never goes away; whoever is left must still make the caller hear something.


@pytest.mark.accept("E22")
@pytest.mark.parametrize("fault", ["dead", "stall"])
@pytest.mark.parametrize("seed", range(20))
def test_no_model_ever_answers_again(fault: str, seed: int) -> None:
    """Both models are gone for good: every utterance is followed by the scripted sentence."""
    world = World(seed, Plan(utterances=2, barge_in=0.0, tools=0.0, model_fault=fault, pauses=(9000,)))

    world.run()

    assert [AGENT.apology, AGENT.apology] == [text.strip() for reply, text in world.phone.heard if reply != "greeting"]
    assert [] == faults(world)


@pytest.mark.accept("E22")
@pytest.mark.parametrize("turn_dispatch", ["inline", "async"])
@pytest.mark.parametrize("seed", range(20))
def test_the_table_never_answers_again(turn_dispatch: str, seed: int) -> None:
    """The table refuses everything from here on: the caller is told so, on the link the words came on."""
    plan = Plan(utterances=2, barge_in=0.0, turn_dispatch=turn_dispatch, pauses=(9000,), table_down=(4000, 10**9))
    world = World(seed, plan)

    world.run()

    for at, _ in world.phone.acts:
        assert any(at < word < at + 6000 for word in world.phone.words), world.log


@pytest.mark.accept("E22")
@pytest.mark.parametrize("seed", range(20))
def test_whoever_takes_a_frame_dies(seed: int) -> None:
    """Every invocation that a frame or a hand-over starts dies at its second request: the watchdog answers."""
    plan = Plan(utterances=2, barge_in=0.0, tools=0.0, pauses=(12_000,), deaf=True)
    world = World(seed, plan)

    world.run()

    assert [] == faults(world)
    assert all(any(at < word < at + 6600 for word in world.phone.words) for at, _ in world.phone.acts)


@pytest.mark.accept("E21")
def test_partial_prompts_start_no_turn() -> None:
    """The caller's words are still coming in, and then they fall silent: nobody speaks, nothing is stored."""
    world = World(1, Plan(utterances=3, barge_in=0.0, partials=True, partials_only=True))

    world.run()

    assert [] == world.posts
    assert {"setup"} == {event["type"] for event in world.table.item["events"].values()}


def test_a_seed_is_one_call() -> None:
    """The same seed gives the same call, step by step."""
    first, second = World(7), World(7)

    first.run()
    second.run()

    assert first.log == second.log


def test_a_plan_may_be_set() -> None:
    """A test may say what happens and leave the rest to the seed."""
    plan = replace(Plan(), utterances=1, barge_in=0.0, tools=0.0)

    world = World(1, plan)
    world.run()

    assert ["words"] == [kind for kind, _ in world.phone.said]
    assert [] == faults(world)
