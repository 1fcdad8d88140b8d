"""What makes one simulated call differ from another: drawn from the seed, or set by a test."""

from __future__ import annotations

import random
from dataclasses import dataclass

PAUSES = (5, 60, 400, 1500, 3000, 6000)


@dataclass
class Plan:
    """Everything that may happen in a call. Probabilities are floats, times milliseconds.

    Attributes:
        utterances: How often the caller says something, or presses keys.
        keys: How likely it is keys.
        partials: Partial prompts come before each utterance; or nothing but they.
        ties: The gateway stamps frames of one burst with the same millisecond.
        shuffle_ms: How long a frame may wait for its invocation.
        duplicate: Some frames are delivered twice.
        dispatch_copies: How often a handed-over turn is delivered (``TurnDispatch=async`` and continuations).
        dispatch_late_ms: How late.
        crash_at: The number of the port call at which one invocation dies.
        deaf: Every invocation of a frame dies at its second port call; only the watchdog's live (liveness).
        barge_in: How likely the caller speaks over the agent instead of waiting.
        silent_barge_in: The last barge-in is a cough: no words follow.
        model_fault: ``first_dead``, ``first_stall``, ``empty``, ``die``, ``dead`` (both, for good), ``stall`` (both).
        table_down: From when, and for how long, the table refuses everything.
        refused: How likely a post is refused by the gateway (not delivered).
        ambiguous: How likely it is unknown whether a post was delivered; half of them were.
        post_ms: How long the answer to a post may take.
        tool_ms: How long tools take; more than the timeout hangs.
        hang_up: The caller hangs up this long after the last utterance.
        tokens_played: ``events="tokens-played"`` is on.
    """

    utterances: int = 2
    keys: float = 0.0
    partials: bool = False
    partials_only: bool = False
    ties: bool = False
    shuffle_ms: int = 40
    duplicate: bool = False
    turn_dispatch: str = "inline"
    dispatch_copies: int = 1
    dispatch_late_ms: int = 60
    crash_at: int | None = None
    deaf: bool = False
    barge_in: float = 0.5
    silent_barge_in: bool = False
    model_first_ms: tuple[int, int] = (20, 900)
    model_token_ms: tuple[int, int] = (5, 120)
    reply_words: tuple[int, int] = (3, 25)
    tools: float = 0.3
    farewell: float = 0.0
    last_tool: str = "end_call"
    drop_link: bool = False
    tokens_played: bool = True
    model_fault: str = ""
    table_down: tuple[int, int] = (0, 0)
    refused: float = 0.0
    ambiguous: float = 0.0
    post_ms: int = 12
    tool_ms: tuple[int, int] = (1, 12)
    hang_up: int | None = None
    pauses: tuple[int, ...] = PAUSES
    budget_ms: int = 24_000
    until_ms: int = 120_000


def draw(rng: random.Random) -> Plan:
    """A plan from a seed: mostly several small faults at once, now and then one of the rare kinds."""
    plan = Plan(
        utterances=rng.choice([1, 2, 2, 3]),
        keys=rng.choice([0.0, 0.0, 0.0, 0.5]),
        ties=rng.random() < 0.3,
        shuffle_ms=rng.choice([10, 40, 40, 400, 3000]),
        duplicate=rng.random() < 0.3,
        turn_dispatch=rng.choice(["inline", "inline", "inline", "async"]),
        dispatch_copies=rng.choice([1, 1, 1, 2]),
        dispatch_late_ms=rng.choice([60, 60, 60, 1500]),
        barge_in=rng.choice([0.0, 0.7, 1.0]),
        silent_barge_in=rng.random() < 0.15,
        model_first_ms=rng.choice([(5, 60), (50, 400), (400, 900)]),
        model_token_ms=rng.choice([(0, 5), (5, 60), (60, 300)]),
        tools=rng.choice([0.0, 0.3, 0.8]),
        farewell=rng.choice([0.0, 0.0, 0.6]),
        drop_link=rng.random() < 0.12,
        model_fault=rng.choice(["", "", "", "", "first_dead", "first_stall", "empty", "die"]),
        tokens_played=rng.random() < 0.9,
        partials=rng.random() < 0.2,
        post_ms=rng.choice([12, 12, 12, 60, 200]),
        tool_ms=rng.choice([(1, 12), (1, 12), (200, 1500), (7000, 12_000)]),
    )
    rare = rng.random()
    if rare < 0.06:
        plan.table_down = (rng.randint(0, 6000), 2000)
    elif rare < 0.12:
        plan.refused = 0.2
    elif rare < 0.17:
        plan.ambiguous = 0.15
    elif rare < 0.22 and not plan.drop_link:
        plan.hang_up = rng.randint(100, 6000)
    elif rare < 0.25:
        plan.utterances, plan.pauses, plan.until_ms = rng.randint(8, 11), (6000, 9000, 14_000), 240_000
        plan.drop_link = False
    elif rare < 0.28:
        plan.reply_words, plan.model_token_ms, plan.model_fault = (50, 70), (300, 700), ""
        plan.until_ms, plan.tools = 400_000, 0.0
    if rng.random() < 0.5:
        plan.crash_at = rng.randint(1, 60 if plan.utterances < 4 else 250)
    return plan
