"""Writes an answer as a whole: asks the model, runs its tools, asks again; the second model where the first fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ringfold.core.answering import Answering, tool_kinds
from ringfold.core.channel import Channel
from ringfold.core.commands import RunTool, ToolReturned
from ringfold.core.history import Message
from ringfold.core.request import build_request
from ringfold.core.session import Snapshot
from ringfold.core.tool_use import ToolUse
from ringfold.log import Log
from ringfold.ports import Model, ThreadPool, ToolRunner
from ringfold.service.asking import MODEL_S, Asker


@dataclass(frozen=True)
class Written:
    """An answer.

    Attributes:
        text: ``""`` when no model answered: then somebody says so honestly.
        failure: Why no model answered.
    """

    text: str
    failure: str = ""
    rounds: int = 0
    tools: tuple[str, ...] = ()


class Answerer:
    """Answers on one channel.

    Args:
        channel: How one speaks there.
        model: The model port.
        tools: The tools of the channel.
        threads: Tools of one round run side by side.
        models: The deployment's first and second model; an agent may name its own.
        log: Told of failures.
        patience_s: How long one request to a model may take.
    """

    def __init__(
        self,
        channel: Channel,
        model: Model,
        tools: ToolRunner,
        threads: ThreadPool,
        models: tuple[str, str],
        log: Log,
        patience_s: float = MODEL_S,
    ) -> None:
        self._channel, self._tools, self._threads, self._log = channel, tools, threads, log
        self._asker = Asker(model, threads, models, log, patience_s)

    def answer(self, snapshot: Snapshot, messages: Sequence[Message], conversation_id: str) -> Written:
        """Write the answer to a conversation; never raises for what a model or a tool does.

        Args:
            snapshot: Who answers, and what is known of the other side.
            messages: Converse's, ending with what is to be answered.
            conversation_id: Makes side effects happen once.
        """
        agent = snapshot.agent
        specs = self._tools.specs(agent)
        kinds = tool_kinds(specs, lambda name: self._tools.kind(agent, name))
        answering = Answering(list(messages), conversation_id)
        while not answering.is_spent:
            request = build_request(snapshot, answering.messages, specs, self._channel.rules)
            found = self._asker.ask(agent, request)
            if found.failure:
                return Written("", found.failure, answering.rounds, _names(answering))
            uses = answering.take(found, kinds)
            if not uses:
                return Written(answering.text, "", answering.rounds, _names(answering))
            self._run([use for use in uses if use.result is None], snapshot, conversation_id)
            answering.give(uses)
        return Written("", "TooManyRounds", answering.rounds, _names(answering))

    def _run(self, uses: Sequence[ToolUse], snapshot: Snapshot, conversation_id: str) -> None:
        """Run tools side by side; each has the agent's time."""
        agent = snapshot.agent
        finished = []
        for use in uses:
            command = RunTool(
                tool_use_id=use.call.tool_use_id,
                name=use.call.name,
                arguments=use.arguments() or {},
                timeout_ms=agent.tool_timeout_ms,
                idempotency_key=use.idempotency_key(conversation_id),
                organization_id=agent.organization_id,
                conversation_id=conversation_id,
                caller_number=snapshot.caller_number,
            )
            finished.append(self._start(use, command, conversation_id))
        for wait in finished:
            wait()

    def _start(self, use: ToolUse, command: RunTool, conversation_id: str) -> Callable[[], None]:
        done = threading.Event()

        def run() -> None:
            try:
                returned = self._tools.run(conversation_id, command)
                if isinstance(returned, ToolReturned):
                    use.result, use.ok = returned.result, returned.ok
            finally:
                done.set()

        use.started = True
        self._threads.run(run)

        def wait() -> None:
            if not done.wait(command.timeout_ms / 1000 + 1.0) or use.result is None:
                use.fail("the tool did not answer in time; its outcome is unknown")

        return wait


def _names(answering: Answering) -> tuple[str, ...]:
    return tuple(use.call.name for use in answering.uses)
