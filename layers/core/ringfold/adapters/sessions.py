"""The session item in DynamoDB: one UpdateItem a frame, the whole item back (design D2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from ringfold.adapters import codec
from ringfold.adapters.items import CONDITION_FAILED, request
from ringfold.core.commands import Append, Item, Journal, Plan
from ringfold.core.events import FLOOR
from ringfold.core.session import Snapshot, call_pk, snapshot_from_doc
from ringfold.errors import DependencyError, FloorLost, SessionMissing

HISTORY: Final = "HISTORY#"


class Sessions:
    """The running calls of one table, through a botocore ``dynamodb`` client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def append(self, call_sid: str, command: Append) -> Item:
        """Store an event under its key unless it is there, and return the whole item.

        ``if_not_exists`` keeps the first copy of a frame that comes twice: whose request id is stored may act.

        Raises:
            SessionMissing: If there is no such call.
            DependencyError: If DynamoDB failed.
        """
        sets = ["events.#k = if_not_exists(events.#k, :e)"]
        names = {"#k": str(command.key)}
        values: dict[str, Any] = {":e": dict(command.event)}
        if command.reply is not None:
            sets.append("replies.#k = if_not_exists(replies.#k, :r)")
            values[":r"] = dict(command.reply)
        if command.closes is not None:
            sets.append("replies.#o.#st = :stopped")
            names |= {"#o": str(command.closes), "#st": "st"}
            values[":stopped"] = "stopped"
        if command.link is not None:
            sets.append("links.#g = if_not_exists(links.#g, :c)")
            names["#g"] = f"g{command.link[0]}"
            values[":c"] = command.link[1]
        expression = "SET " + ", ".join(sets)
        if command.event["type"] in FLOOR:
            expression += " ADD floor_keys :f"
            values[":f"] = {str(command.key)}
        return self._update(call_sid, "append event", expression, names, values, "attribute_exists(pk)")

    def journal(self, call_sid: str, command: Journal) -> Item:
        """Write into a reply's journal; the answer is the floor check.

        Raises:
            FloorLost: If a guard was given and somebody has taken the floor.
            SessionMissing: If there is no such call.
            DependencyError: If DynamoDB failed.
        """
        names = {"#k": str(command.key)}
        values: dict[str, Any] = {}
        sets = []
        for i, (path, value) in enumerate(command.sets.items()):
            group, _, leaf = path.partition(".")
            names[f"#g{i}"] = group
            values[f":v{i}"] = value
            if leaf:
                names[f"#l{i}"] = leaf
            sets.append(f"replies.#k.#g{i}{f'.#l{i}' if leaf else ''} = :v{i}")
        if command.ended:
            sets.append("ended = if_not_exists(ended, :ended)")
            values[":ended"] = command.ended
        if command.handoff is not None:
            sets.append("handoff = :handoff")
            values[":handoff"] = dict(command.handoff)
        if command.end_sent:
            sets.append("end_sent = :true")
            values[":true"] = True
        for i, (key, event) in enumerate(command.events.items()):
            names[f"#e{i}"] = str(key)
            values[f":e{i}"] = dict(event)
            sets.append(f"events.#e{i} = if_not_exists(events.#e{i}, :e{i})")
        condition = "attribute_exists(replies.#k)"
        if command.guard is not None:
            condition += " AND size(floor_keys) = :n AND attribute_not_exists(ended) AND attribute_not_exists(handoff)"
            values[":n"] = command.guard
        return self._update(call_sid, "journal", "SET " + ", ".join(sets), names, values, condition)

    def claim(self, call_sid: str, key: str, part: int, rid: str) -> Item:
        """Claim one part of a turn for this invocation (A11).

        Raises:
            FloorLost: If another invocation has claimed it.
        """
        names = {"#k": key, "#c": f"claim{part}"}
        condition = "attribute_exists(replies.#k) AND attribute_not_exists(replies.#k.#c)"
        return self._update(call_sid, "claim turn", "SET replies.#k.#c = :rid", names, {":rid": rid}, condition)

    def load(self, call_sid: str) -> Item:
        """Read the item, consistently: a stale answer would let an old reply speak on.

        Raises:
            SessionMissing: If there is no such call.
        """
        key = codec.dump_item({"pk": call_pk(call_sid), "sk": "SESSION"})
        try:
            answer = request(self._client.get_item, "load session", TableName=self._table, Key=key, ConsistentRead=True)
        except ClientError as exc:
            raise DependencyError("dynamodb", f"load session: {_code(exc)}", code=_code(exc)) from exc
        if "Item" not in answer:
            raise SessionMissing(f"no session for {call_sid}")
        return codec.load_item(answer["Item"])

    def load_fixed(self, call_sid: str) -> tuple[Snapshot, list[Mapping[str, Any]]]:
        """Read the snapshot and the older history: one query, no filter (``H`` < ``SE`` < ``SN``)."""
        items = self._query(codec.dump_item({":pk": call_pk(call_sid), ":from": HISTORY}))
        snapshot = next((i for i in items if i["sk"] == "SNAPSHOT"), None)
        if snapshot is None:
            raise SessionMissing(f"no snapshot for {call_sid}")
        segments = [json.loads(i["doc"]) for i in items if i["sk"].startswith(HISTORY)]
        return snapshot_from_doc(json.loads(snapshot["doc"])), segments

    def _query(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """All pages: one holds a megabyte, which is hours of talk."""
        items: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            try:
                answer = request(
                    self._client.query,
                    "load snapshot",
                    TableName=self._table,
                    KeyConditionExpression="pk = :pk AND sk >= :from",
                    ExpressionAttributeValues=values,
                    ConsistentRead=True,
                    **start,
                )
            except ClientError as exc:
                raise DependencyError("dynamodb", f"load snapshot: {_code(exc)}", code=_code(exc)) from exc
            items += [codec.load_item(item) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return items
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def end(self, call_sid: str, reason: str) -> Item:
        """Mark the call as ended, unless it is already; the first reason stays."""
        values = {":ended": reason}
        condition = "attribute_exists(pk)"
        return self._update(call_sid, "end call", "SET ended = if_not_exists(ended, :ended)", {}, values, condition)

    def compact(self, call_sid: str, plan: Plan, expires_at: int) -> Item:
        """Fold old events into a history item, only if nobody has moved the mark since (A10).

        Raises:
            FloorLost: If somebody has.
            DependencyError: If DynamoDB failed.
        """
        names: dict[str, str] = {}
        removes = []
        for group, keys in (("events", plan.events), ("replies", plan.replies)):
            for i, key in enumerate(keys):
                names[f"#{group[0]}{i}"] = key
                removes.append(f"{group}.#{group[0]}{i}")
        values: dict[str, Any] = {":old": plan.old_mark, ":new": plan.new_mark, ":n": plan.number + 1}
        expression = "SET mark = :new, folded = :n REMOVE " + ", ".join(removes) + " DELETE floor_keys :gone"
        values[":gone"] = set(plan.events)
        history = {
            "pk": call_pk(call_sid),
            "sk": f"{HISTORY}{plan.number:06d}",
            "doc": json.dumps({"mark": plan.new_mark, "entries": list(plan.entries)}),
            "expires_at": expires_at,
        }
        update: dict[str, Any] = {
            "TableName": self._table,
            "Key": codec.dump_item({"pk": call_pk(call_sid), "sk": "SESSION"}),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": codec.dump_item(values),
            "ConditionExpression": "mark = :old",
        }
        if names:
            update["ExpressionAttributeNames"] = names
        put = {
            "TableName": self._table,
            "Item": codec.dump_item(history),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        try:
            request(self._client.transact_write_items, "compact", TransactItems=[{"Update": update}, {"Put": put}])
        except ClientError as exc:
            raise FloorLost(f"compact: {_code(exc)}") from exc
        return {}

    def _update(
        self, call_sid: str, what: str, expression: str, names: Mapping[str, str], values: Mapping[str, Any], when: str
    ) -> Item:
        try:
            answer = request(
                self._client.update_item,
                what,
                TableName=self._table,
                Key=codec.dump_item({"pk": call_pk(call_sid), "sk": "SESSION"}),
                UpdateExpression=expression,
                **({"ExpressionAttributeNames": dict(names)} if names else {}),
                ExpressionAttributeValues=codec.dump_item(values),
                ConditionExpression=when,
                ReturnValues="ALL_NEW",
            )
        except ClientError as exc:
            code = _code(exc)
            if code == CONDITION_FAILED:
                if what == "append event":
                    raise SessionMissing(f"no session for {call_sid}") from exc
                raise FloorLost(what) from exc
            raise DependencyError("dynamodb", f"{what}: {code}", retryable=True, code=code) from exc
        return codec.load_item(answer["Attributes"])


def _code(exc: ClientError) -> str:
    return str(exc.response.get("Error", {}).get("Code", "Unknown"))
