"""The carrier's statuses of a call, in the order a call can go through them.

Status callbacks come in any order and more than once; a status is stored only when its rank is higher than the one
stored. All final statuses share one rank, so the first final one stays.
"""

from __future__ import annotations

from typing import Final

FINAL_RANK: Final = 3
RANKS: Final = {
    "initiated": 0,
    "queued": 0,
    "ringing": 1,
    "answered": 2,
    "in-progress": 2,
    "completed": FINAL_RANK,
    "busy": FINAL_RANK,
    "failed": FINAL_RANK,
    "no-answer": FINAL_RANK,
    "canceled": FINAL_RANK,
}


def is_final(call_status: str) -> bool:
    """Whether the call is over once it has this status."""
    return RANKS.get(call_status) == FINAL_RANK
