"""Tools and how they are run: arguments checked, failures told, results capped, nothing raised.

The model is told about everything that goes wrong as a result it can act on: which argument is missing, what was
expected, what to say or try next. A tool never learns an organization from the model: that is in its context.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ringfold.core.agent import Agent
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.errors import ConfigError
from ringfold.tools.schema import faults_of

MAX_RESULT_BYTES: Final = 8 * 1024


@dataclass(frozen=True)
class ToolContext:
    """For whom a tool runs; settled at the handshake, not by the model.

    Attributes:
        caller_number: ``""`` when withheld.
        idempotency_key: The same for the same effect asked for twice in a conversation.
    """

    organization_id: OrganizationId
    conversation_id: ConversationId
    caller_number: str = ""
    idempotency_key: str = ""


@dataclass(frozen=True)
class Tool:
    """Something a model may call.

    Attributes:
        description: For the model: what it does, and when to use it.
        input_schema: JSON schema of an object; see :mod:`ringfold.tools.schema` for what is checked of it.
        run: Does it; gets checked arguments, returns anything JSON can hold, raises whatever it likes.
        side_effect: Whether calling it changes something: then it is started only by who owns the floor.
        control: Handled by the turn itself, never run.
        channels: Where it can be offered; none named: on every one.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    run: Callable[[Mapping[str, Any], ToolContext], object]
    side_effect: bool = False
    control: bool = False
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToolOutcome:
    """What the model is told.

    Attributes:
        result: JSON text of an object.
        ok: Whether it did what was asked.
        error: For the log: what the tool raised; ``""`` otherwise.
    """

    result: str
    ok: bool
    error: str = ""


@dataclass(frozen=True)
class Registry:
    """The tools of this deployment, by name."""

    tools: Mapping[str, Tool] = field(default_factory=dict)

    @classmethod
    def of(cls, tools: Sequence[Tool]) -> Registry:
        """A registry of these tools.

        Raises:
            ConfigError: If two have the same name.
        """
        by_name = {tool.name: tool for tool in tools}
        if len(by_name) != len(tools):
            raise ConfigError("two tools have the same name")
        return cls(by_name)

    def offered(self, agent: Agent, channel: str = "voice") -> list[Tool]:
        """The agent's tools on this channel; a name that is not registered here is left out."""
        known = (self.tools.get(name) for name in agent.tools)
        return [tool for tool in known if tool is not None and (not tool.channels or channel in tool.channels)]

    def unknown(self, agent: Agent) -> list[str]:
        """Names the agent lists that are no tools, for whoever configures it."""
        return [name for name in agent.tools if name not in self.tools]

    def specs(self, agent: Agent, channel: str = "voice") -> list[dict[str, Any]]:
        """The tools as Converse takes them."""
        return [
            {
                "toolSpec": {
                    "name": tool.name,
                    "description": tool.description,
                    "inputSchema": {"json": dict(tool.input_schema)},
                }
            }
            for tool in self.offered(agent, channel)
        ]

    def kind(self, agent: Agent, name: str, channel: str = "voice") -> str:
        """``"read"``, ``"effect"``, the name of a control tool, or ``""`` when the agent has no such tool."""
        tool = next((tool for tool in self.offered(agent, channel) if tool.name == name), None)
        if tool is None:
            return ""
        return tool.name if tool.control else "effect" if tool.side_effect else "read"

    def call(self, name: str, arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        """Run a tool. Never raises: the model is told instead."""
        tool = self.tools.get(name)
        if tool is None or tool.control:
            return refused(f"there is no tool named {name[:64]!r}")
        faults = faults_of(tool.input_schema, arguments)
        if faults:
            return refused("; ".join(faults) + ". Correct the arguments and call the tool again.")
        try:
            returned = tool.run(arguments, context)
            return told(returned)
        except Exception as exc:  # noqa: BLE001 - whatever a tool raises, the caller is still on the line
            outcome = refused("the tool failed; tell the caller it did not work, and offer to try again")
            return ToolOutcome(outcome.result, ok=False, error=type(exc).__name__)


def refused(message: str) -> ToolOutcome:
    """A result that says what is wrong."""
    return ToolOutcome(json.dumps({"error": message}), ok=False)


def told(returned: object) -> ToolOutcome:
    """Whatever a tool returned, as JSON text of an object that is not too long for the model.

    A result with an ``error`` in it is one the tool gives on purpose: it says itself what to do next.
    """
    if returned is None:
        return refused("the tool returned nothing; tell the caller it did not work")
    document = returned if isinstance(returned, Mapping) else {"result": returned}
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return refused("the tool returned something unreadable; tell the caller it did not work")
    raw = text.encode("utf-8", "replace")
    if len(raw) > MAX_RESULT_BYTES:
        # Cut JSON is none, so it goes in as text; its quotes and backslashes are escaped once more, all else stays.
        beginning = raw[: MAX_RESULT_BYTES // 2 - 64].decode("utf-8", "ignore")
        raw = json.dumps({"truncated": True, "beginning": beginning}, ensure_ascii=False).encode()
    return ToolOutcome(raw.decode(), "error" not in document)
