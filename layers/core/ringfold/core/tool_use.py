"""One tool call of a turn: what the model asked for, what came of it, and how both are written down and told."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from ringfold.core.commands import ModelCalled


@dataclass
class ToolUse:
    """A call on its way.

    Attributes:
        kind: ``"read"``, ``"effect"``, ``"end_call"`` or ``""`` when the agent has no such tool.
        step: The round of the turn that asked for it.
        index: Its place in the reply's journal.
        result: JSON text for the model; ``None`` while nothing is known.
        started: Whether it has been run.
    """

    call: ModelCalled
    kind: str
    step: int
    index: int
    result: str | None = None
    ok: bool = False
    started: bool = False

    @property
    def path(self) -> str:
        """Where it stands in the reply's journal."""
        return f"tools.{self.index:03d}"

    def entry(self) -> dict[str, Any]:
        """What the journal holds of it (see :mod:`ringfold.core.journal`)."""
        entry: dict[str, Any] = {"n": self.step, "id": self.call.tool_use_id, "name": self.call.name}
        entry["i"] = self.call.arguments or "{}"
        if self.result is not None:
            entry |= {"r": self.result, "st": "success" if self.ok else "error"}
        return entry

    def told(self) -> dict[str, Any]:
        """What the model is told of it (see :func:`ringfold.core.history.add_step`)."""
        about = {"id": self.call.tool_use_id, "name": self.call.name, "input": self.call.arguments or "{}"}
        return {**about, "result": self.result, "ok": self.ok}

    def arguments(self) -> dict[str, Any] | None:
        """The arguments, or ``None`` when the model did not write a JSON object."""
        try:
            value = json.loads(self.call.arguments or "{}")
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    @property
    def asked(self) -> dict[str, Any]:
        """The arguments, empty when they make no sense."""
        return self.arguments() or {}

    def succeed(self, result: dict[str, Any]) -> None:
        """It is done; the model is told so."""
        self.result, self.ok = json.dumps(result), True

    def fail(self, why: str) -> None:
        """It cannot be run; the model is told why."""
        self.result, self.ok = json.dumps({"error": why}), False

    def idempotency_key(self, conversation_id: str) -> str:
        """The same for the same effect asked for twice in a conversation, by whichever model (A13)."""
        canonical = json.dumps([self.call.name, self.arguments() or {}], sort_keys=True)
        return hashlib.sha256(f"{conversation_id}|{canonical}".encode()).hexdigest()[:32]
