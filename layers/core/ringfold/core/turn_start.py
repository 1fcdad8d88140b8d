"""What a turn begins with, what it needs to know of tools, and what it tells when it is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ringfold.core import commands as c
from ringfold.core import events as ev
from ringfold.core.agent import Agent
from ringfold.core.ids import Key
from ringfold.core.session import Snapshot


class ToolBox(Protocol):
    """What the turn needs to know of the tools."""

    def specs(self, agent: Agent) -> Sequence[Mapping[str, Any]]:
        """An agent's tools as Converse takes them, ``{"toolSpec": …}`` each."""

    def kind(self, agent: Agent, name: str) -> str:
        """``"read"``, ``"effect"``, ``"end_call"`` or ``""`` when the agent has no such tool."""


@dataclass(frozen=True)
class Start:
    """What a turn begins with.

    Attributes:
        key: The floor key it speaks under.
        event: The event to store; ``None`` when the turn has been claimed already and ``item`` holds it.
        link: (generation, connection id) of the frame.
        script: Say this instead of asking a model.
        armed: Whether a watchdog message for this event exists already.
        budget_ms: After this the turn hands itself over to an asynchronous invocation.
        cached: Session item, snapshot and older history as a warm worker holds them.
    """

    key: Key
    rid: str
    event: ev.Event | None = None
    link: tuple[int, str] | None = None
    item: c.Item | None = None
    script: str = ""
    part: int = 0
    armed: bool = False
    budget_ms: int = 24_000
    models: tuple[str, str] = ("", "")
    cached: tuple[c.Item, Snapshot, Sequence[Mapping[str, Any]]] | None = None
    fixed: tuple[Snapshot, Sequence[Mapping[str, Any]]] | None = None
    script_of: str = ""


@dataclass
class Report:
    """What the canonical log line tells of a turn."""

    ended_by: str = ""
    first_token_ms: int | None = None
    first_post_ms: int | None = None
    posts: int = 0
    polls: int = 0
    writes: int = 0
    tool_calls: int = 0
    models_asked: int = 0
    model_id: str = ""
    optimistic: str = ""
    routed: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    stop_reason: str = ""
    model_errors: list[str] = field(default_factory=list)
