"""Forgets a person: everything that is kept of them, with a receipt that counts it. A job that can be killed anywhere.

Each step deletes a few items and adds to the receipt in one transaction, so nothing is counted twice and nothing
uncounted is gone. What says who the person is goes last: until then the job finds its way again after a kill, and the
receipt itself never says who it was.

| item | pk | sk |
|---|---|---|
| a job, and its receipt | ``ERASURE#{organization_id}#{job_id}`` | ``META`` |
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from ringfold.adapters import codec
from ringfold.adapters.conversations import iso, list_pk
from ringfold.adapters.directory import conversation_key
from ringfold.adapters.items import Key, get_many, request, transact, wire_key
from ringfold.adapters.people import META, People, Person, identity_key, person_key
from ringfold.adapters.people import list_pk as people_pk
from ringfold.adapters.texts import id_key, opt_out_key, sid_key, text_of, texts_pk
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.core.session import call_pk
from ringfold.core.texts import Thread
from ringfold.errors import ConflictError

KINDS: Final = ("messages", "conversations", "observations", "summaries", "consents", "identities")
"""What a receipt counts."""
MOST_ACTIONS: Final = 90
"""As many items one transaction deletes; DynamoDB takes a hundred actions."""
CALL_PATIENCE_S: Final = 4 * 3600
"""A call that began longer ago is not going on, whatever its state says."""

Progress = Literal["done", "more", "waiting"]


@dataclass(frozen=True)
class Unit:
    """What is deleted together.

    Attributes:
        first: The item it is about; the unit was taken already when that is gone.
        keys: All the others.
        kind: What the receipt counts it as; ``""`` for nothing of its own.
        outbox: Keys of the outbox's table.
    """

    first: Key
    keys: tuple[Key, ...] = ()
    kind: str = ""
    outbox: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many actions it takes."""
        return 1 + len(self.keys) + len(self.outbox)


class Erasure:
    """Deletes through a botocore ``dynamodb`` client.

    Args:
        client: The client.
        table: The product's table.
        outbox: The outbox's table.
        clock: Epoch seconds.
    """

    def __init__(self, client: Any, table: str, outbox: str, *, clock: Callable[[], float] = time.time) -> None:
        self._client, self._table, self._outbox, self._clock = client, table, outbox, clock
        self._people = People(client, table, clock=clock)

    def begin(self, organization_id: str, job_id: str, profile_id: str, also: Sequence[Any] = ()) -> None:
        """Write a job down, with whatever else is to be written in the same transaction."""
        item = {
            "pk": job_key(organization_id, job_id)[0],
            "sk": META,
            "job_id": job_id,
            "organization_id": organization_id,
            "profile_id": profile_id,
            "state": "running",
            "counts": dict.fromkeys(KINDS, 0),
            "created_at": iso(int(self._clock() * 1000)),
        }
        put = {
            "Put": {
                "TableName": self._table,
                "Item": codec.dump_item(item),
                "ConditionExpression": "attribute_not_exists(pk)",
            }
        }
        transact(self._client, "begin erasure", [put, *also])

    def job(self, organization_id: str, job_id: str) -> dict[str, Any] | None:
        """A job as it is stored."""
        key = job_key(organization_id, job_id)
        return get_many(self._client, self._table, [key], "read erasure").get(key)

    def run(self, organization_id: str, job_id: str, seconds: float) -> Progress:
        """Carry a job on.

        Args:
            organization_id: Whose.
            job_id: Which.
            seconds: As long as this, about.

        Returns:
            ``more`` when it is to be carried on, ``waiting`` when a call of the person's is still going on.

        Raises:
            DependencyError: If DynamoDB failed; carry it on later.
        """
        job = self.job(organization_id, job_id)
        if job is None or job["state"] == "done":
            return "done"
        until = self._clock() + seconds
        person = self._people.load(organization_id, str(job["profile_id"]))
        if person is None:
            self._finish(organization_id, job_id, [])
            return "done"
        if person.profile.merged_into:
            person = self._people.load(organization_id, person.profile.merged_into) or person
        numbers = [each.value for each in person.identities if each.kind == "phone"]
        waiting = False
        for unit in self._units(organization_id, numbers, person):
            if unit is None:
                waiting = True
                continue
            self._delete(organization_id, job_id, unit)
            if self._clock() >= until:
                return "more"
        if waiting:
            return "waiting"
        self._finish(organization_id, job_id, list(self._identity(organization_id, person)))
        return "done"

    # -- what there is -------------------------------------------------------------------------------------------------

    def _units(self, organization_id: str, numbers: Sequence[str], person: Person) -> Iterator[Unit | None]:
        """Everything but who the person is; ``None`` for a call that is still going on."""
        for number in numbers:
            yield from self._texts(organization_id, number)
            yield from self._conversations(organization_id, number)
            yield from self._partition_units(f"CONTACT#{organization_id}#{number}")
        for profile in (person.profile, *person.others):
            for item in self._query(person_key(organization_id, profile.profile_id)[0]):
                if item["sk"] != META:
                    kind = "observations" if str(item["sk"]).startswith("OBS#") else "summaries"
                    yield Unit((item["pk"], item["sk"]), kind=kind)

    def _texts(self, organization_id: str, number: str) -> Iterator[Unit]:
        for item in self._query(texts_pk(organization_id, number)):
            text = text_of(item)
            scopes = (organization_id, f"{organization_id}#{text.thread.agent_number}")
            keys: list[Key] = [(f"LIST#texts#{scope}", item["sk"]) for scope in scopes]
            keys += [id_key(text.message_id)] + ([sid_key(text.sid)] if text.sid else [])
            yield Unit((item["pk"], item["sk"]), tuple(keys), "messages", (text.message_id,))

    def _conversations(self, organization_id: str, number: str) -> Iterator[Unit | None]:
        for place in self._query(list_pk(f"{organization_id}#{number}")):
            key = conversation_key(OrganizationId(organization_id), ConversationId(str(place["conversation_id"])))
            found = get_many(self._client, self._table, [key], "read conversation").get(key, {})
            listed: list[Key] = [(place["pk"], place["sk"]), (list_pk(organization_id), place["sk"])]
            if found.get("channel") == "voice":
                began_s = int(str(place["sk"]).partition("#")[0]) / 1000
                if found.get("state") == "active" and self._clock() - began_s < CALL_PATIENCE_S:
                    yield None
                    continue
                yield from self._partition_units(call_pk(str(found.get("call_sid", ""))))
            elif found:
                thread = Thread(organization_id, str(found["agent_number"]), str(found["channel"]), number)
                kinds = {(thread.key, META): "", opt_out_key(thread): "consents"}
                for there in get_many(self._client, self._table, kinds, "read thread"):
                    yield Unit(there, kind=kinds[there])
            yield Unit(key, tuple(listed), "conversations")

    def _partition_units(self, pk: str) -> Iterator[Unit]:
        for item in self._query(pk):
            yield Unit((item["pk"], item["sk"]))

    def _identity(self, organization_id: str, person: Person) -> Iterator[Unit]:
        for identity in person.identities:
            yield Unit(identity_key(organization_id, identity), kind="identities")
        for profile in (person.profile, *person.others):
            listed = ((people_pk(organization_id), profile.profile_id),)
            yield Unit(person_key(organization_id, profile.profile_id), listed)

    def _query(self, pk: str) -> Iterator[dict[str, Any]]:
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": codec.dump_item({":pk": pk}),
            "ConsistentRead": True,
        }
        while True:
            answer = request(self._client.query, "read what is to be erased", **arguments)
            yield from [codec.load_item(item) for item in answer.get("Items", [])]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # -- taking it away ------------------------------------------------------------------------------------------------

    def _delete(self, organization_id: str, job_id: str, unit: Unit) -> None:
        """Delete a unit and count it; one that somebody else has taken meanwhile is not counted again."""
        actions = [self._gone(unit.first, must=True), *(self._gone(key) for key in unit.keys)]
        actions += [
            {"Delete": {"TableName": self._outbox, "Key": {"pk": {"S": message_id}}}} for message_id in unit.outbox
        ]
        if unit.kind:
            actions.append(self._count(organization_id, job_id, {unit.kind: 1}))
        try:
            transact(self._client, "erase", actions)
        except ConflictError:
            for key in unit.keys:  # its item is gone: what else there is of it goes uncounted
                request(self._client.delete_item, "erase", TableName=self._table, Key=wire_key(key))

    def _finish(self, organization_id: str, job_id: str, units: Sequence[Unit]) -> None:
        """Who the person is goes last, with the word that all is done."""
        chunk: list[Unit] = []
        chunks: list[list[Unit]] = []
        for unit in units:
            if sum(each.size for each in chunk) + unit.size > MOST_ACTIONS:
                chunks.append(chunk)
                chunk = []
            chunk.append(unit)
        for each in chunks:
            for unit in each:
                self._delete(organization_id, job_id, unit)
        counts: dict[str, int] = {}
        for unit in chunk:
            if unit.kind:
                counts[unit.kind] = counts.get(unit.kind, 0) + 1
        actions = [self._gone(key) for unit in chunk for key in (unit.first, *unit.keys)]
        actions.append(self._count(organization_id, job_id, counts, done=True))
        try:
            transact(self._client, "finish erasure", actions)
        except ConflictError:
            return  # done by somebody else meanwhile

    def _gone(self, key: Key, *, must: bool = False) -> dict[str, Any]:
        delete: dict[str, Any] = {"TableName": self._table, "Key": wire_key(key)}
        if must:
            delete["ConditionExpression"] = "attribute_exists(pk)"
        return {"Delete": delete}

    def _count(
        self, organization_id: str, job_id: str, counts: Mapping[str, int], *, done: bool = False
    ) -> dict[str, Any]:
        values: dict[str, Any] = {f":{kind}": number for kind, number in counts.items()}
        values |= {":running": "running"}
        names = {"#counts": "counts", "#state": "state", **{f"#{kind}": kind for kind in counts}}
        sets = [f"#counts.#{kind} = #counts.#{kind} + :{kind}" for kind in counts]
        if done:
            sets += ["#state = :done", "finished_at = :at"]
            values |= {":done": "done", ":at": iso(int(self._clock() * 1000))}
        return {
            "Update": {
                "TableName": self._table,
                "Key": wire_key(job_key(organization_id, job_id)),
                "UpdateExpression": "SET " + ", ".join(sets),
                "ConditionExpression": "#state = :running",
                "ExpressionAttributeNames": names if counts else {"#state": "state"},
                "ExpressionAttributeValues": codec.dump_item(values),
            }
        }


def job_key(organization_id: str, job_id: str) -> Key:
    return f"ERASURE#{organization_id}#{job_id}", META
