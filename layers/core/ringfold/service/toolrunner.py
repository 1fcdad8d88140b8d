"""Runs an agent's tools for a turn: with a deadline, and never raising."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from typing import Any

from ringfold.core.agent import Agent
from ringfold.core.commands import RunTool, ToolReturned
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.log import Log
from ringfold.ports import ThreadPool
from ringfold.tools.registry import Registry, ToolContext, ToolOutcome, refused


class ToolRunner:
    """The tool port over a registry.

    Args:
        registry: The deployment's tools.
        threads: Where they run.
        log: Told of failures.
        channel: Where the conversation is held: tools may be offered on some channels only.
    """

    def __init__(self, registry: Registry, threads: ThreadPool, log: Log, channel: str = "voice") -> None:
        self._registry, self._threads, self._log, self._channel = registry, threads, log, channel

    def specs(self, agent: Agent) -> Sequence[Mapping[str, Any]]:
        """The agent's tools as Converse takes them."""
        return self._registry.specs(agent, self._channel)

    def kind(self, agent: Agent, name: str) -> str:
        """``"read"``, ``"effect"``, the name of a control tool, or ``""``."""
        return self._registry.kind(agent, name, self._channel)

    def run(self, call_sid: str, command: RunTool) -> ToolReturned:
        """Run a tool; one that takes too long goes on in its thread, and the model is told that nobody waited."""
        context = ToolContext(
            OrganizationId(command.organization_id),
            ConversationId(command.conversation_id),
            command.caller_number,
            command.idempotency_key,
        )
        answer: SimpleQueue[ToolOutcome] = SimpleQueue()
        self._threads.run(lambda: answer.put(self._registry.call(command.name, command.arguments, context)))
        try:
            outcome = answer.get(timeout=command.timeout_ms / 1000)
        except Empty:
            outcome = refused("the tool did not answer in time; its outcome is unknown")
            outcome = ToolOutcome(outcome.result, ok=False, error="timeout")
        if outcome.error:
            self._log.warning("tool failed", call_sid=call_sid, tool=command.name, error=outcome.error)
        return ToolReturned(command.tool_use_id, outcome.ok, outcome.result)
