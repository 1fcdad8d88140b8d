"""What the webhooks and the handshake write of a call: one request each, every one harmless when repeated.

The call's items are the session, its snapshot, the conversation and the contact's pointer to the last call; the
session belongs to :mod:`ringfold.core.session`, and what this module adds to it is:

| attribute | type | meaning |
|---|---|---|
| ``recovered`` | L | SessionIds whose loss was answered with a new session, in order |
| ``recovered_ms`` | L | when, beside them |
| ``handshake`` | S | connection id of the newest handshake |
| ``links.g{generation}_closed`` | N | when that link was closed, epoch ms |
"""

from __future__ import annotations

import json
from typing import Any, Final

from botocore.exceptions import ClientError

from ringfold.adapters import codec
from ringfold.adapters.conversations import iso, places
from ringfold.adapters.directory import contact_key, conversation_key, read_snapshot
from ringfold.adapters.items import CONDITION_FAILED, Key, failed_item, get_many, request, wire_key
from ringfold.core import call_status
from ringfold.core.calls import CallRecord, Opening, Recovery
from ringfold.core.events import RETURNED, frame_key
from ringfold.core.handoff import note_of
from ringfold.core.ids import CallSid, ConversationId, OrganizationId
from ringfold.core.relay_token import Claims
from ringfold.core.session import MAX_RECOVERIES, call_pk, new_item
from ringfold.errors import ConflictError, DependencyError, SessionMissing, SignatureError

RETURN_ATTEMPTS: Final = 100
"""Attempts from here on are returns from a handoff; those of lost sessions are below it."""
TRIES: Final = 3
"""How often opening a call is tried when another transaction holds the same items for a moment."""


class Calls:
    """Writes through a botocore ``dynamodb`` client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def open_call(self, opening: Opening) -> CallRecord:
        """Store a call before it is answered: session, snapshot, conversation and contact, all or none.

        Returns:
            What is stored: this opening, or the one that was stored before when the webhook is a repeat.

        Raises:
            SessionMissing: If the call has been and gone: its conversation is there, its session has expired.
            ConflictError: If another call of this caller was in the way, three times.
            DependencyError: If DynamoDB failed.
        """
        items = self._opening_items(opening)
        for _ in range(TRIES):
            try:
                request(self._client.transact_write_items, "open call", TransactItems=items)
            except ClientError as exc:
                reasons: list[Any] = list(exc.response.get("CancellationReasons", []))
                codes = [reason.get("Code") for reason in reasons]
                if codes[:1] == ["ConditionalCheckFailed"]:
                    return self._stored(opening.call_sid, reasons)
                if "ConditionalCheckFailed" in codes:
                    raise SessionMissing("the call's conversation is there, its session has expired") from exc
                if "TransactionConflict" not in codes:
                    raise DependencyError("dynamodb", f"open call: {codes}") from exc
            else:
                return CallRecord(
                    opening.call_sid,
                    opening.account_sid,
                    opening.organization_id,
                    opening.conversation_id,
                    opening.created_ms,
                    snapshot=opening.snapshot,
                )
        raise ConflictError("open call: another transaction was in the way")

    def set_status(
        self, organization_id: OrganizationId, conversation_id: ConversationId, status: str, now_ms: int
    ) -> bool:
        """Store a call status, unless one as late or later is stored.

        Returns:
            Whether it was stored; a repeat, a late one and one of an unknown call are not.
        """
        return self._update(
            conversation_key(organization_id, conversation_id),
            "set call status",
            UpdateExpression="SET call_status = :status, status_rank = :rank, updated_at = :at",
            ConditionExpression="attribute_exists(pk) AND status_rank < :rank",
            values={":status": status, ":rank": call_status.RANKS[status], ":at": iso(now_ms)},
        )

    def close_conversation(
        self, organization_id: OrganizationId, conversation_id: ConversationId, reason: str, now_ms: int
    ) -> bool:
        """Close a conversation that nobody else can close; the first end reason stays."""
        return self._update(
            conversation_key(organization_id, conversation_id),
            "close conversation",
            UpdateExpression="SET #state = :closed, updated_at = :at, end_reason = if_not_exists(end_reason, :reason)",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeNames={"#state": "state"},
            values={":closed": "closed", ":at": iso(now_ms), ":reason": reason},
        )

    def grant_recovery(
        self, call_sid: CallSid, session_id: str, now_ms: int, most: int = MAX_RECOVERIES
    ) -> Recovery | None:
        """Count one more session of a call that lost its own.

        Args:
            call_sid: The call.
            session_id: The relay session that was lost; asked about twice, it gets the same answer.
            now_ms: Now.
            most: How often a call may be recovered.

        Returns:
            ``None`` when the call has been recovered as often as it may.

        Raises:
            SessionMissing: If there is no such call.
        """
        try:
            answer = request(
                self._client.update_item,
                "grant recovery",
                TableName=self._table,
                Key=wire_key((call_pk(call_sid), "SESSION")),
                UpdateExpression=(
                    "SET recoveries = if_not_exists(recoveries, :zero) + :one, "
                    "recovered = list_append(if_not_exists(recovered, :none), :ids), "
                    "recovered_ms = list_append(if_not_exists(recovered_ms, :none), :times)"
                ),
                ConditionExpression=(
                    "attribute_exists(pk) AND NOT contains(recovered, :id) "
                    "AND (attribute_not_exists(recoveries) OR recoveries < :most)"
                ),
                ExpressionAttributeValues=codec.dump_item(
                    {
                        ":zero": 0,
                        ":one": 1,
                        ":none": [],
                        ":ids": [session_id],
                        ":times": [now_ms],
                        ":id": session_id,
                        ":most": most,
                    }
                ),
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            item = failed_item(exc)
            if item is None:
                raise SessionMissing("no such call") from exc
            known: list[str] = item.get("recovered", [])
            if session_id not in known:
                return None
            position = known.index(session_id)
            return Recovery(position + 1, item["recovered_ms"][position])
        return Recovery(codec.load(answer["Attributes"]["recoveries"]), now_ms)

    def grant_return(self, call_sid: CallSid, number: int, outcome: str, now_ms: int) -> Recovery | None:
        """Take a caller back from handoff ``number``: the handoff is over, and an event says what came of it.

        Args:
            call_sid: The call.
            number: Of the handoff; told twice, its end gets the same answer.
            outcome: One of :data:`ringfold.core.handoff.OUTCOMES`.
            now_ms: Now.

        Returns:
            The attempt at a new session; ``None`` when the call has ended, or was never handed over so.

        Raises:
            SessionMissing: If there is no such call.
        """
        key = wire_key((call_pk(call_sid), "SESSION"))
        try:
            session = request(
                self._client.get_item, "load session", TableName=self._table, Key=key, ConsistentRead=True
            ).get("Item")
            if session is None:
                raise SessionMissing("no such call")
            # Behind everything the link that handed over has stored, before anything of the next one.
            event = frame_key(int(codec.load(session["link_gen"])), now_ms, RETURNED, f"back{number}")
            request(
                self._client.update_item,
                "grant return",
                TableName=self._table,
                Key=key,
                UpdateExpression="SET returned = :returned, events.#k = :event REMOVE handoff, end_sent",
                ConditionExpression="attribute_not_exists(ended) AND handoff.n = :n",
                ExpressionAttributeNames={"#k": str(event)},
                ExpressionAttributeValues=codec.dump_item(
                    {
                        ":n": number,
                        ":returned": {"n": number, "ms": now_ms, "outcome": outcome},
                        ":event": {"type": RETURNED, "rid": f"return{number}", "text": note_of(outcome)},
                    }
                ),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            item = failed_item(exc)
            known = (item or {}).get("returned", {})
            if item is None or item.get("ended") or int(known.get("n", 0)) != number:
                return None
            return Recovery(RETURN_ATTEMPTS + number, int(known["ms"]))
        return Recovery(RETURN_ATTEMPTS + number, now_ms)

    def claim_link(self, claims: Claims, connection_id: str, now_s: float) -> int:
        """Burn a token's attempt and open the next link generation, in one update.

        Returns:
            The link generation. The same connection asking twice (a repeated request) gets the same one.

        Raises:
            SignatureError: If there is no such call, it has ended or expired, or the token was used before.
        """
        unused = "" if claims.reusable else " AND NOT contains(burned, :attempt)"
        try:
            answer = request(
                self._client.update_item,
                "claim link",
                TableName=self._table,
                Key=wire_key((call_pk(claims.call_sid), "SESSION")),
                UpdateExpression="SET handshake = :connection ADD link_gen :one, burned :attempts",
                ConditionExpression=(
                    "attribute_exists(pk) AND attribute_not_exists(ended) AND attribute_not_exists(handoff) "
                    "AND expires_at > :now "
                    "AND account_sid = :account AND conversation_id = :conversation"
                    f"{unused} AND (attribute_not_exists(handshake) OR handshake <> :connection)"
                ),
                ExpressionAttributeValues=codec.dump_item(
                    {
                        ":connection": connection_id,
                        ":one": 1,
                        ":attempts": {claims.attempt},
                        ":now": int(now_s),
                        ":account": claims.account_sid,
                        ":conversation": claims.conversation_id,
                        **({} if claims.reusable else {":attempt": claims.attempt}),
                    }
                ),
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as exc:
            return _generation_of_repeat(failed_item(exc), claims, connection_id)
        return int(codec.load(answer["Attributes"]["link_gen"]))

    def close_link(self, call_sid: str, generation: int, now_ms: int) -> bool:
        """Note that a link was closed; the call goes on. Nothing happens when there is no such call."""
        return self._update(
            (call_pk(call_sid), "SESSION"),
            "close link",
            UpdateExpression="SET links.#link = if_not_exists(links.#link, :at)",
            ConditionExpression="attribute_exists(pk)",
            ExpressionAttributeNames={"#link": f"g{generation}_closed"},
            values={":at": now_ms},
        )

    def _update(self, key: Key, what: str, *, values: dict[str, Any], **expressions: Any) -> bool:
        try:
            request(
                self._client.update_item,
                what,
                TableName=self._table,
                Key=wire_key(key),
                ExpressionAttributeValues=codec.dump_item(values),
                **expressions,
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != CONDITION_FAILED:
                raise DependencyError("dynamodb", f"{what}: {exc.response['Error']['Code']}") from exc
            return False
        return True

    def _stored(self, call_sid: CallSid, reasons: list[Any]) -> CallRecord:
        session = codec.load_item(reasons[0]["Item"])
        item = reasons[1].get("Item")
        snapshot = codec.load_item(item) if item else self._snapshot(call_sid)
        return CallRecord(
            call_sid,
            session["account_sid"],
            session["organization_id"],
            session["conversation_id"],
            session["created_ms"],
            ended=session.get("ended") or "",
            link_gen=session.get("link_gen", 0),
            snapshot=read_snapshot(snapshot),
        )

    def _snapshot(self, call_sid: CallSid) -> dict[str, Any]:
        key = (call_pk(call_sid), "SNAPSHOT")
        found = get_many(self._client, self._table, [key], "read snapshot")
        if key not in found:
            raise SessionMissing("the call's snapshot has expired")
        return found[key]

    def _opening_items(self, opening: Opening) -> list[dict[str, Any]]:
        session = new_item(
            call_sid=opening.call_sid,
            account_sid=opening.account_sid,
            organization_id=opening.organization_id,
            conversation_id=opening.conversation_id,
            created_ms=opening.created_ms,
        )
        snapshot = {
            "pk": session["pk"],
            "sk": "SNAPSHOT",
            "doc": json.dumps(opening.snapshot.to_doc(), separators=(",", ":")),
            "expires_at": session["expires_at"],
        }
        listed = places(opening.organization_id, opening.caller_contact, opening.conversation_id, opening.created_ms)
        puts = [self._put(item) for item in (session, snapshot, _conversation(opening), *listed)]
        return puts + ([self._contact(opening)] if opening.caller_contact else [])

    def _put(self, item: dict[str, Any]) -> dict[str, Any]:
        return {
            "Put": {
                "TableName": self._table,
                "Item": codec.dump_item(item),
                "ConditionExpression": "attribute_not_exists(pk)",
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        }

    def _contact(self, opening: Opening) -> dict[str, Any]:
        """Point the contact at this call; its tail stays until the call is finalized."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": wire_key(contact_key(opening.organization_id, opening.caller_contact)),
                "UpdateExpression": (
                    "SET last_call_sid = :call, last_conversation_id = :conversation REMOVE ended_ms, end_reason"
                ),
                "ExpressionAttributeValues": codec.dump_item(
                    {":call": opening.call_sid, ":conversation": opening.conversation_id}
                ),
            }
        }


def _conversation(opening: Opening) -> dict[str, Any]:
    pk, sk = conversation_key(opening.organization_id, opening.conversation_id)
    created_at = iso(opening.created_ms)
    status = opening.call_status if opening.call_status in call_status.RANKS else "ringing"
    return {
        "pk": pk,
        "sk": sk,
        "conversation_id": opening.conversation_id,
        "organization_id": opening.organization_id,
        "call_sid": opening.call_sid,
        "channel": "voice",
        "caller_number": opening.snapshot.caller_number,
        "agent_number": opening.snapshot.agent_number,
        "number_id": opening.number_id,
        "agent_id": opening.agent_id,
        "state": "active",
        "call_status": status,
        "status_rank": call_status.RANKS[status],
        "created_at": created_at,
        "updated_at": created_at,
        **({"continues": opening.snapshot.continues} if opening.snapshot.continues else {}),
    }


def _generation_of_repeat(item: dict[str, Any] | None, claims: Claims, connection_id: str) -> int:
    """Tell a request that was sent twice from a token that was used twice."""
    if item is None:
        raise SignatureError("no such call")
    if item.get("account_sid") != claims.account_sid or item.get("conversation_id") != claims.conversation_id:
        raise SignatureError("the call is another one")
    if item.get("ended") or item.get("handoff"):
        raise SignatureError("the call has ended")
    if item.get("handshake") == connection_id and claims.attempt in item.get("burned", set()):
        return int(item["link_gen"])
    raise SignatureError("token used before, or call expired")
