"""The session item in memory: what ``ringfold.adapters.sessions`` asks of DynamoDB, with the same conditions."""

from __future__ import annotations

from typing import Any

from ringfold.core import commands as c
from ringfold.core.events import FLOOR
from ringfold.core.session import new_item

CALL, ACCOUNT = "CA" + "0" * 32, "AC" + "0" * 32


def copied(value: Any) -> Any:
    """A copy of plain values."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [copied(inner) for inner in value]
    return set(value) if isinstance(value, set) else value


class Table:
    """One call's items."""

    def __init__(self, created_ms: int) -> None:
        self.item: dict[str, Any] = new_item(
            call_sid=CALL, account_sid=ACCOUNT, organization_id="o", conversation_id="v", created_ms=created_ms
        )
        self.item |= {"link_gen": 1, "floor_keys": set()}
        self.history: list[dict[str, Any]] = []

    def read(self) -> Any:
        """The whole item. What is never changed once it is there, events and posts, is shared."""
        item = self.item
        replies = {key: {**r, "p": dict(r["p"]), "tools": dict(r["tools"])} for key, r in item["replies"].items()}
        return {
            **item,
            "events": dict(item["events"]),
            "links": dict(item["links"]),
            "floor_keys": set(item.get("floor_keys", ())),
            "replies": replies,
        }

    def append(self, command: c.Append) -> c.Appended:
        """Store an event unless its key is there."""
        item = self.item
        item["events"].setdefault(command.key, dict(command.event))
        if command.reply is not None:
            item["replies"].setdefault(command.key, copied(dict(command.reply)))
        if command.closes is not None:
            item["replies"][command.closes]["st"] = "stopped"
        if command.link is not None:
            item["links"].setdefault(f"g{command.link[0]}", command.link[1])
        if command.event["type"] in FLOOR:
            item["floor_keys"].add(command.key)
        return c.Appended(self.read())

    def journal(self, command: c.Journal) -> c.Journaled | c.JournalFailed:
        """Write into a reply's journal."""
        item = self.item
        reply = item["replies"].get(command.key)
        guarded = command.guard is not None
        if reply is None or (
            guarded and (len(item["floor_keys"]) != command.guard or item.get("ended") or item.get("handoff"))
        ):
            return c.JournalFailed(lost=True)
        for path, value in command.sets.items():
            group, _, leaf = path.partition(".")
            if leaf:
                reply[group][leaf] = copied(value)
            else:
                reply[group] = copied(value)
        if command.ended:
            item.setdefault("ended", command.ended)
        if command.handoff is not None:
            item["handoff"] = copied(command.handoff)
        if command.end_sent:
            item["end_sent"] = True
        return c.Journaled(self.read())

    def claim(self, command: c.Claim) -> c.Journaled | c.JournalFailed:
        """Claim a part of a turn."""
        reply = self.item["replies"].get(command.key)
        if reply is None or f"claim{command.part}" in reply:
            return c.JournalFailed(lost=True)
        reply[f"claim{command.part}"] = command.rid
        return c.Journaled(self.read())

    def end(self, reason: str) -> c.Journaled:
        """Mark the call as ended."""
        self.item.setdefault("ended", reason)
        return c.Journaled(self.read())

    def compact(self, plan: c.Plan) -> c.Journaled | c.JournalFailed:
        """Fold old events into a history item."""
        if self.item["mark"] != plan.old_mark or len(self.history) != plan.number:
            return c.JournalFailed(lost=True)
        self.history.append({"mark": plan.new_mark, "entries": copied(list(plan.entries))})
        for key in plan.events:
            self.item["events"].pop(key, None)
            self.item["floor_keys"].discard(key)
        for key in plan.replies:
            self.item["replies"].pop(key, None)
        self.item |= {"mark": plan.new_mark, "folded": plan.number + 1}
        return c.Journaled({})
