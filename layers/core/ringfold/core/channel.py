"""A way in which people and an agent talk; the core knows nothing else of any."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Channel:
    """One channel.

    Attributes:
        name: For tools, which may say where they make sense, and for whoever lists conversations.
        rules: Put behind the agent's instructions: how one speaks here.
    """

    name: str
    rules: str
