"""The tools this deployment has: the built-in ones, and the demo airline's."""

from __future__ import annotations

from typing import Any

from ringfold.tools.airline import Airline
from ringfold.tools.end_call import END_CALL
from ringfold.tools.hand_to_agent import HAND_OVER
from ringfold.tools.recall import Recall
from ringfold.tools.registry import Registry
from ringfold.tools.transfer_call import TRANSFER
from ringfold.tools.voice import VOICE_TOOLS


def catalogue(dynamodb: Any, airline_table: str, table: str = "") -> Registry:
    """Every tool an agent may name.

    Args:
        dynamodb: A client of the ``dynamodb`` kind; ``None`` where the tools are only looked at, never run.
        airline_table: The demo airline's table.
        table: The product's.
    """
    own = [*Recall(dynamodb, table).tools(), *Airline(dynamodb, airline_table).tools()]
    return Registry.of([END_CALL, TRANSFER, HAND_OVER, *VOICE_TOOLS, *own])
