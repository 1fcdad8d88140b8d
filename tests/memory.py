"""The session store in memory; tests/adapters/test_sessions.py holds it and the real one to the same contract."""

from __future__ import annotations

import copy
import functools
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ringfold.core.commands import Append, Journal, Plan
from ringfold.core.events import FLOOR
from ringfold.core.session import Snapshot, new_item, snapshot_from_doc
from ringfold.errors import DependencyError, FloorLost, SessionMissing


def _alone(method: Callable[..., Any]) -> Callable[..., Any]:
    """One request at a time, as a table takes those of one item."""

    @functools.wraps(method)
    def run(self: MemorySessions, *args: Any, **kwargs: Any) -> Any:
        with self.lock:
            return method(self, *args, **kwargs)

    return run


class MemorySessions:
    """Calls by their SID.

    Attributes:
        down: Every write, or with ``reads_down`` every read, fails while it is set.
        requests: Names of the requests so far, in order.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.items: dict[str, dict[str, Any]] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.down = False
        self.reads_down = False
        self.requests: list[str] = []

    def open_call(
        self, call_sid: str, snapshot: Snapshot, *, organization_id: str = "org_1", conversation_id: str = "conv_1"
    ) -> dict[str, Any]:
        """What the voice webhook writes, and the handshake after it; gives the stored item itself."""
        item = new_item(
            call_sid=call_sid,
            account_sid="AC1",
            organization_id=organization_id,
            conversation_id=conversation_id,
            created_ms=1_790_000_000_000,
        )
        item["link_gen"] = 1
        self.items[call_sid], self.snapshots[call_sid], self.history[call_sid] = item, snapshot, []
        return item

    @_alone
    def append(self, call_sid: str, command: Append) -> dict[str, Any]:
        item = self._write(call_sid, "append")
        item["events"].setdefault(str(command.key), copy.deepcopy(dict(command.event)))
        if command.reply is not None:
            item["replies"].setdefault(str(command.key), copy.deepcopy(dict(command.reply)))
        if command.closes is not None:
            item["replies"][command.closes]["st"] = "stopped"
        if command.link is not None:
            item["links"].setdefault(f"g{command.link[0]}", command.link[1])
        if command.event["type"] in FLOOR:
            item.setdefault("floor_keys", set()).add(str(command.key))
        return copy.deepcopy(item)

    @_alone
    def journal(self, call_sid: str, command: Journal) -> dict[str, Any]:
        item = self._write(call_sid, "journal")
        entry = item["replies"].get(command.key)
        if entry is None:
            raise FloorLost("journal")
        over = "ended" in item or "handoff" in item
        if command.guard is not None and (len(item.get("floor_keys", ())) != command.guard or over):
            raise FloorLost("journal")
        for path, value in command.sets.items():
            group, _, leaf = path.partition(".")
            place = entry[group] if leaf else entry
            place[leaf or group] = copy.deepcopy(value)
        if command.ended:
            item.setdefault("ended", command.ended)
        for key, event in command.events.items():
            item["events"].setdefault(str(key), copy.deepcopy(dict(event)))
        if command.handoff is not None:
            item["handoff"] = copy.deepcopy(dict(command.handoff))
        if command.end_sent:
            item["end_sent"] = True
        return copy.deepcopy(item)

    @_alone
    def claim(self, call_sid: str, key: str, part: int, rid: str) -> dict[str, Any]:
        item = self._write(call_sid, "claim")
        if f"claim{part}" in item["replies"].get(key, {f"claim{part}": ""}):
            raise FloorLost("claim turn")
        item["replies"][key][f"claim{part}"] = rid
        return copy.deepcopy(item)

    @_alone
    def load(self, call_sid: str) -> dict[str, Any]:
        self._read("load")
        if call_sid not in self.items:
            raise SessionMissing(call_sid)
        return copy.deepcopy(self.items[call_sid])

    def load_fixed(self, call_sid: str) -> tuple[Snapshot, list[Mapping[str, Any]]]:
        self._read("load_fixed")
        if call_sid not in self.snapshots:
            raise SessionMissing(call_sid)
        doc = json.loads(json.dumps(self.snapshots[call_sid].to_doc()))
        return snapshot_from_doc(doc), copy.deepcopy(list(self.history[call_sid]))

    @_alone
    def end(self, call_sid: str, reason: str) -> dict[str, Any]:
        item = self._write(call_sid, "end")
        item.setdefault("ended", reason)
        return copy.deepcopy(item)

    @_alone
    def compact(self, call_sid: str, plan: Plan, expires_at: int) -> dict[str, Any]:
        item = self._write(call_sid, "compact")
        if item["mark"] != plan.old_mark:
            raise FloorLost("compact")
        item["mark"], item["folded"] = plan.new_mark, plan.number + 1
        for key in plan.events:
            item["events"].pop(key, None)
            item.get("floor_keys", set()).discard(key)
        for key in plan.replies:
            item["replies"].pop(key, None)
        self.history[call_sid].append({"mark": plan.new_mark, "entries": copy.deepcopy(list(plan.entries))})
        return {}

    def _write(self, call_sid: str, name: str) -> dict[str, Any]:
        self.requests.append(name)
        if self.down:
            raise DependencyError("dynamodb", f"{name}: down", retryable=True)
        if call_sid not in self.items:
            raise SessionMissing(call_sid)
        return self.items[call_sid]

    def _read(self, name: str) -> None:
        self.requests.append(name)
        if self.reads_down:
            raise DependencyError("dynamodb", f"{name}: down", retryable=True)
