"""Runs an agent's tools for a turn: with a deadline, and never raising."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from ringfold.core.agent import Agent
from ringfold.core.commands import RunTool, ToolReturned
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.log import Log
from ringfold.ports import ThreadPool
from ringfold.tools.registry import Registry, ToolContext, ToolOutcome, refused


class OwnTools(Protocol):
    """See :class:`ringfold.tools.http.HttpTools`."""

    def call(
        self, definition: Mapping[str, Any], arguments: Mapping[str, Any], context: ToolContext
    ) -> ToolOutcome: ...


class ToolRunner:
    """The tool port over a registry.

    Args:
        registry: The tools of this deployment.
        threads: Where they run.
        log: Told of failures, without arguments and results.
        own: Makes what runs an organization's own tools; only when the first is called.
        channel: Where the conversation is held: tools may be offered on some channels only.
    """

    def __init__(
        self,
        registry: Registry,
        threads: ThreadPool,
        log: Log,
        own: Callable[[], OwnTools] | None = None,
        channel: str = "voice",
    ) -> None:
        self._registry, self._threads, self._log = registry, threads, log
        self._own, self._channel = own, channel

    def specs(self, agent: Agent) -> Sequence[Mapping[str, Any]]:
        """The agent's tools as Converse takes them."""
        return [*self._registry.specs(agent, self._channel), *(_spec(own) for own in self._own_of(agent))]

    def kind(self, agent: Agent, name: str) -> str:
        """``"read"``, ``"effect"``, the name of a control tool, or ``""``."""
        known = self._registry.kind(agent, name, self._channel)
        own = next((own for own in self._own_of(agent) if own.get("name") == name), None)
        return known if known or own is None else "read" if own.get("side_effect") is False else "effect"

    def _own_of(self, agent: Agent) -> Sequence[Mapping[str, Any]]:
        """The organization's own tools; a name that is one of ours is ours."""
        if not agent.http_tools or self._own is None:
            return ()
        return [own for own in agent.http_tools if own.get("name") and own["name"] not in self._registry.tools]

    def run(self, call_sid: str, command: RunTool) -> ToolReturned:
        """Run a tool; one that takes too long goes on in its thread, and the model is told that nobody waited."""
        context = ToolContext(
            OrganizationId(command.organization_id),
            ConversationId(command.conversation_id),
            command.caller_number,
            command.idempotency_key,
        )
        answer: SimpleQueue[ToolOutcome] = SimpleQueue()
        self._threads.run(lambda: answer.put(self._call(command, context)))
        try:
            outcome = answer.get(timeout=command.timeout_ms / 1000)
        except Empty:
            outcome = refused("the tool did not answer in time; its outcome is unknown")
            outcome = ToolOutcome(outcome.result, ok=False, error="timeout")
        if outcome.error:
            self._log.warning("tool failed", call_sid=call_sid, tool=command.name, error=outcome.error)
        return ToolReturned(command.tool_use_id, outcome.ok, outcome.result)

    def _call(self, command: RunTool, context: ToolContext) -> ToolOutcome:
        if command.definition is None or self._own is None or command.name in self._registry.tools:
            return self._registry.call(command.name, command.arguments, context)
        return self._own().call(command.definition, command.arguments, context)


def _spec(own: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"json": dict(own.get("input_schema") or {"type": "object"})}
    return {"toolSpec": {"name": own["name"], "description": str(own.get("description", "")), "inputSchema": schema}}
