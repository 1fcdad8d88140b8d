"""What is kept of texts. Everything of an organization has it in its key.

| item | pk | sk |
|---|---|---|
| a text | ``TEXTS#{organization_id}#{contact}`` | ``{epoch ms}#{message_id}`` |
| its place in lists | ``LIST#texts#{organization_id}``, ``LIST#texts#{organization_id}#{agent_number}`` | the same |
| a text by Twilio's SID, or by its own id | ``TEXT_SID#{sid}``, ``TEXT_ID#{message_id}`` | ``META`` |
| a thread | ``THREAD#{organization_id}#{agent_number}#{channel}#{contact}`` | ``META`` |
| how a contact's last texts ended | ``CONTACT#{organization_id}#{contact}`` | ``TEXTS`` |
| the opt-out ledger | ``OPTOUT#{organization_id}#{agent_number}`` | ``{channel}#{contact}`` |

A text's state is an attribute of its own, all else lies in ``doc``. A text that is to be answered is written together
with an item of the outbox table, whose stream hands it on: what is stored cannot be forgotten (design D9, ADR 0015).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.exceptions import ClientError

from ringfold.adapters import codec
from ringfold.adapters.conversations import goes_on, places, took_place
from ringfold.adapters.directory import contact_texts_key
from ringfold.adapters.items import CONDITION_FAILED, Key, doc_of, get_many, request, transact, wire_key
from ringfold.core import texts as core
from ringfold.core.texts import Keyword, Text, Thread, text_from_doc
from ringfold.errors import ConflictError, DependencyError

META: Final = "META"
OUTBOX_TTL_S: Final = 24 * 3600
NEVER: Final = "0000-00-00"
"""The day of the last answer of a thread that took place elsewhere."""
MOST_ANSWERED: Final = 40
"""As many texts one answer can take up; the rest is the next one's."""
_TRIES: Final = 4


@dataclass(frozen=True)
class ThreadState:
    """What is known of a thread.

    Attributes:
        received: How many texts have come so far.
        replies_today: How many were answered on ``day``.
        day: ``2026-12-01``, UTC.
        opted_out: Whether the contact has said STOP to this number.
    """

    received: int = 0
    replies_today: int = 0
    day: str = ""
    opted_out: bool = False


class Superseded(ConflictError):
    """Another text has come while the answer was being written, or somebody else is writing one."""


class Texts:
    """Reads and writes through a botocore ``dynamodb`` client.

    Args:
        client: The client.
        table: The product's table.
        outbox: The outbox's table.
        retention_s: How long texts are kept; 0 for ever.
        clock: Epoch seconds.
    """

    def __init__(
        self, client: Any, table: str, outbox: str, *, retention_s: int = 0, clock: Callable[[], float] = time.time
    ) -> None:
        self._client, self._table, self._outbox = client, table, outbox
        self._retention_s, self._clock = retention_s, clock

    # -- coming in -----------------------------------------------------------------------------------------------------

    def receive(self, text: Text, keyword: Keyword | None = None) -> bool:
        """Store an inbound text, once.

        Args:
            text: As Twilio told it.
            keyword: STOP, START or HELP: nobody answers it, and the ledger is written with it.

        Returns:
            Whether it is new; a webhook that was delivered twice changes nothing.

        Raises:
            DependencyError: If it could not be stored; Twilio is to send it again.
        """
        thread = text.thread
        claim = {**_key_item(sid_key(text.sid)), **_where(text)}
        name = {**_key_item(id_key(text.message_id)), **_where(text)}
        actions = [self._put(claim, new=True), self._put(name), *self._puts(text), self._count(thread)]
        if keyword in {"stop", "start"}:
            actions.append(self._put(self._ledger(thread, out=keyword == "stop", by=f"keyword {keyword}")))
        if keyword is None:
            item: dict[str, Any] = {"pk": text.message_id, "thread": thread.__dict__, "account_id": text.account_id}
            item["expires_at"] = int(self._clock()) + OUTBOX_TTL_S
            actions.append({"Put": {"TableName": self._outbox, "Item": codec.dump_item(item)}})
        try:
            self._transact("receive text", actions)
        except Superseded:
            return False
        return True

    def _count(self, thread: Thread) -> dict[str, Any]:
        names = {"#who": "thread", "#received": "received"}
        return {
            "Update": {
                "TableName": self._table,
                "Key": wire_key((thread.key, META)),
                "UpdateExpression": "SET #who = :who ADD #received :one",
                "ExpressionAttributeNames": names,
                "ExpressionAttributeValues": codec.dump_item({":who": thread.__dict__, ":one": 1}),
            }
        }

    def adopt(self, text: Text) -> bool:
        """Store a text that was sent or received elsewhere, once; nobody answers it.

        Returns:
            Whether it is new: its SID was not known before.

        Raises:
            DependencyError: If it could not be stored.
        """
        claim = {**_key_item(sid_key(text.sid)), **_where(text)}
        name = {**_key_item(id_key(text.message_id)), **_where(text)}
        try:
            self._transact("adopt text", [self._put(claim, new=True), self._put(name, new=True), *self._puts(text)])
        except Superseded:
            return False
        thread = text.thread
        began = took_place(self._table, thread, text.at_ms)
        listed = places(thread.organization_id, thread.contact, thread.conversation_id, text.at_ms)
        with suppress(Superseded):  # the thread is known already
            self._transact(
                "adopt thread", [began, self._answered_before(thread), *(self._put(each) for each in listed)]
            )
        return True

    def _answered_before(self, thread: Thread) -> dict[str, Any]:
        """So that its first answer of ours does not put it into the lists again."""
        return {
            "Update": {
                "TableName": self._table,
                "Key": wire_key((thread.key, META)),
                "UpdateExpression": "SET #day = if_not_exists(#day, :never)",
                "ExpressionAttributeNames": {"#day": "day"},
                "ExpressionAttributeValues": codec.dump_item({":never": NEVER}),
            }
        }

    # -- being answered ------------------------------------------------------------------------------------------------

    def state(self, thread: Thread) -> ThreadState:
        """What is known of a thread, and whether its contact may be written to."""
        where, ledger = (thread.key, META), opt_out_key(thread)
        found = get_many(self._client, self._table, [where, ledger], "read thread")
        item = found.get(where, {})
        return ThreadState(
            received=int(item.get("received", 0)),
            replies_today=int(item.get("replies", 0)),
            day=str(item.get("day", "")),
            opted_out=bool(found.get(ledger, {}).get("out")),
        )

    def recent(self, thread: Thread, limit: int = core.HISTORY_TEXTS) -> list[Text]:
        """The newest texts of a thread, oldest first."""
        answer = request(
            self._client.query,
            "read texts",
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=codec.dump_item({":pk": texts_pk(thread.organization_id, thread.contact)}),
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=3 * limit,
        )
        found = [text_of(codec.load_item(item)) for item in answer.get("Items", [])]
        return [text for text in found if text.thread == thread][:limit][::-1]

    def ignore(self, texts: Sequence[Text], reason: str) -> None:
        """Say of inbound texts why nobody answers them."""
        for text in texts:
            self._advance(text, core.IGNORED, reason=reason)

    def commit(
        self,
        thread: Thread,
        state: ThreadState,
        answered: Sequence[Text],
        replies: Sequence[Text],
        day: str,
        tail: Sequence[Mapping[str, str]] = (),
        continues: str = "",
    ) -> None:
        """Settle an answer before it is sent: the texts are answered, the replies are about to be sent.

        Args:
            thread: The thread.
            state: As it was when the texts were read.
            answered: The inbound texts.
            replies: The outbound ones, in state ``sending``.
            day: Today.
            tail: How the conversation ends with these replies, for the contact's next call; see
                :func:`ringfold.core.texts.tail_of`.
            continues: The conversation on another channel that this one goes on from; ``""`` for none.

        Raises:
            Superseded: If another text has come since, or one of them has been answered.
        """
        count = state.replies_today + 1 if state.day == day else 1
        names = {"#received": "received", "#replies": "replies", "#day": "day"}
        actions: list[dict[str, Any]] = [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": wire_key((thread.key, META)),
                    "UpdateExpression": "SET #replies = :count, #day = :day",
                    "ConditionExpression": "#received = :seen",
                    "ExpressionAttributeNames": names,
                    "ExpressionAttributeValues": codec.dump_item(
                        {":count": count, ":day": day, ":seen": state.received}
                    ),
                }
            }
        ]
        actions += [self._state_update(each, core.RECEIVED, core.ANSWERED) for each in answered[:MOST_ANSWERED]]
        for reply in replies:
            actions += [self._put({**_key_item(id_key(reply.message_id)), **_where(reply)}, new=True)]
            actions += self._puts(reply)
        told_ms = [each.at_ms for each in (*answered, *replies)]
        span_ms = min(told_ms), max(told_ms)
        actions.append(goes_on(self._table, thread, span_ms, state.received, continues))
        if not state.day:  # its first answer
            listed = places(thread.organization_id, thread.contact, thread.conversation_id, span_ms[0])
            actions += [self._put(item) for item in listed]
        if tail:
            actions.append(self._put(self._tail(thread, tail, span_ms[1])))
        self._transact("settle answer", actions)

    def sent(self, text: Text, sid: str, state: str) -> None:
        """Keep what Twilio called a text that it has taken; a report that came first is not undone."""
        self._transact("keep SID", [self._put({**_key_item(sid_key(sid)), **_where(text)})])
        self._update(text, "SET sid = :sid", {":sid": sid})
        self._advance(text, state)

    def failed(self, text: Text, code: str) -> None:
        """Twilio will not send it."""
        self._advance(text, core.FAILED, error_code=code)

    # -- reports and the ledger ----------------------------------------------------------------------------------------

    def report(self, message_id: str, sid: str, state: str, error_code: str) -> Text | None:
        """Take Twilio's report of an outbound text: by our id, or by its SID.

        Returns:
            The text as it was before; ``None`` when we know of none.
        """
        keys = ([id_key(message_id)] if message_id else []) + ([sid_key(sid)] if sid else [])
        found = get_many(self._client, self._table, keys, "find text")
        where = next((found[key] for key in keys if key in found), None)
        if where is None:
            return None
        key = (str(where["text_pk"]), str(where["text_sk"]))
        item = get_many(self._client, self._table, [key], "read text").get(key)
        if item is None:
            return None
        text = text_of(item)
        self._advance(text, state, error_code=error_code)
        return text

    def opt_out(self, thread: Thread, *, by: str) -> None:
        """Enter a contact into the ledger, for what Twilio told us."""
        action = self._put(self._ledger(thread, out=True, by=by))
        self._transact("opt out", [action])

    # -----------------------------------------------------------------------------------------------------------------

    def _advance(self, text: Text, state: str, *, error_code: str = "", reason: str = "") -> None:
        """Take a text's state further; never back."""
        for _ in range(_TRIES):
            if text.direction == "out" and not core.is_further(text.state, state):
                return
            values: dict[str, Any] = {":state": state, ":old": text.state, ":now": int(self._clock() * 1000)}
            sets = "SET #state = :state, state_ms = :now"
            for name, value in (("error_code", error_code), ("reason", reason)):
                if value:
                    sets, values[f":{name}"] = f"{sets}, {name} = :{name}", value
            try:
                self._update(text, sets, values, condition="#state = :old", names={"#state": "state"})
            except ConflictError:
                newest = self._read(text)
                if newest is None or (text.direction == "in" and newest.state != core.RECEIVED):
                    return
                text = newest
            else:
                return
        raise ConflictError(f"text {text.message_id}: others were in the way")

    def _read(self, text: Text) -> Text | None:
        key = (texts_pk(text.thread.organization_id, text.thread.contact), text.sort_key)
        item = get_many(self._client, self._table, [key], "read text").get(key)
        return text_of(item) if item else None

    def _update(
        self, text: Text, sets: str, values: Mapping[str, Any], *, condition: str = "", names: Any = None
    ) -> None:
        about: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        if names:
            about["ExpressionAttributeNames"] = names
        try:
            request(
                self._client.update_item,
                "update text",
                TableName=self._table,
                Key=wire_key((texts_pk(text.thread.organization_id, text.thread.contact), text.sort_key)),
                UpdateExpression=sets,
                ExpressionAttributeValues=codec.dump_item(values),
                **about,
            )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != CONDITION_FAILED:
                raise DependencyError("dynamodb", f"update text: {exc.response['Error']['Code']}") from exc
            raise ConflictError(f"text {text.message_id} has moved on") from exc

    def _state_update(self, text: Text, old: str, new: str) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": wire_key((texts_pk(text.thread.organization_id, text.thread.contact), text.sort_key)),
                "UpdateExpression": "SET #state = :new, state_ms = :now",
                "ConditionExpression": "#state = :old",
                "ExpressionAttributeNames": {"#state": "state"},
                "ExpressionAttributeValues": codec.dump_item(
                    {":new": new, ":old": old, ":now": int(self._clock() * 1000)}
                ),
            }
        }

    def _puts(self, text: Text) -> list[dict[str, Any]]:
        """The text, and its places in the lists."""
        thread = text.thread
        pk = texts_pk(thread.organization_id, thread.contact)
        expiry = {"expires_at": text.at_ms // 1000 + self._retention_s} if self._retention_s else {}
        doc = {name: value for name, value in text.to_doc().items() if name not in _ATTRIBUTES}
        item = {"pk": pk, "sk": text.sort_key, "doc": json.dumps(doc), **expiry}
        item |= {name: getattr(text, name) for name in _ATTRIBUTES}
        scopes = (thread.organization_id, f"{thread.organization_id}#{thread.agent_number}")
        lists = [{"pk": f"LIST#texts#{scope}", "sk": text.sort_key, "text_pk": pk, **expiry} for scope in scopes]
        return [self._put(item), *(self._put(each) for each in lists)]

    def _tail(self, thread: Thread, tail: Sequence[Mapping[str, str]], at_ms: int) -> dict[str, Any]:
        expiry = {"expires_at": at_ms // 1000 + self._retention_s} if self._retention_s else {}
        key = _key_item(contact_texts_key(thread.organization_id, thread.contact))
        key["conversation_id"] = thread.conversation_id
        return {**key, "at_ms": at_ms, "doc": json.dumps({"tail": list(tail)}), **expiry}

    def _ledger(self, thread: Thread, *, out: bool, by: str) -> dict[str, Any]:
        return {**_key_item(opt_out_key(thread)), "out": out, "by": by, "at_ms": int(self._clock() * 1000)}

    def _put(self, item: Mapping[str, Any], *, new: bool = False) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": codec.dump_item(item)}
        if new:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        return {"Put": put}

    def _transact(self, what: str, actions: Sequence[Any]) -> None:
        try:
            transact(self._client, what, actions)
        except ConflictError as exc:
            raise Superseded(what) from exc


_ATTRIBUTES: Final = ("state", "state_ms", "error_code", "reason", "sid")


def texts_pk(organization_id: str, contact: str) -> str:
    """The partition of a contact's texts."""
    return f"TEXTS#{organization_id}#{contact}"


def sid_key(sid: str) -> Key:
    return f"TEXT_SID#{sid}", META


def id_key(message_id: str) -> Key:
    return f"TEXT_ID#{message_id}", META


def opt_out_key(thread: Thread) -> Key:
    return f"OPTOUT#{thread.organization_id}#{thread.agent_number}", f"{thread.channel}#{thread.contact}"


def text_of(item: Mapping[str, Any]) -> Text:
    """Read a text's item.

    Raises:
        ConfigError: If it cannot be read.
    """
    text = text_from_doc(doc_of(item))
    return replace(text, **{name: item[name] for name in _ATTRIBUTES if name in item})


def _key_item(key: Key) -> dict[str, Any]:
    return {"pk": key[0], "sk": key[1]}


def _where(text: Text) -> dict[str, Any]:
    return {"text_pk": texts_pk(text.thread.organization_id, text.thread.contact), "text_sk": text.sort_key}
