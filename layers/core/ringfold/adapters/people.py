"""What is kept of people. Everything of an organization has it in its key.

| item | pk | sk |
|---|---|---|
| a profile | ``PERSON#{organization_id}#{profile_id}`` | ``META`` |
| a fact of theirs | the same | ``OBS#{observation_id}`` |
| how a conversation went | the same | ``SUM#{epoch ms}#{conversation_id}`` |
| whose an identity is | ``IDENTITY#{organization_id}#{kind}#{value}`` | ``META`` |
| what an agent is told of a caller | ``CONTACT#{organization_id}#{number}`` | ``MEMORY`` |
| its place in the list of profiles | ``LIST#people#{organization_id}`` | ``{profile_id}`` |

The last but one is written with every change, for each number of the person, so that a call reads it together with all
else it needs: memory costs the speaking path no request of its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ringfold.adapters import codec
from ringfold.adapters.directory import contact_memory_key, organization_key
from ringfold.adapters.items import Key, doc_of, get_many, request, transact, wire_key
from ringfold.core import memory as core
from ringfold.core.memory import Memory, Observation, Summary, observation_from_doc, summary_from_doc
from ringfold.core.profiles import Identity, Profile, profile_from_doc

META: Final = "META"
MOST_KEYS: Final = 100
"""As many keys as BatchGetItem takes."""
TOLD_FACTS: Final = 25
TOLD_SUMMARIES: Final = 5
"""As many facts and summaries a caller's item holds: more than an agent is told."""


@dataclass(frozen=True)
class Person:
    """A profile with all that is remembered of it and of those that are merged into it."""

    profile: Profile
    memory: Memory
    others: tuple[Profile, ...] = ()

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Every way to know this person by."""
        return tuple(dict.fromkeys(each for one in (self.profile, *self.others) for each in one.identities))


class People:
    """Reads and writes through a botocore ``dynamodb`` client."""

    def __init__(self, client: Any, table: str, *, clock: Callable[[], float] = time.time) -> None:
        self._client, self._table, self._clock = client, table, clock

    # -- reading -------------------------------------------------------------------------------------------------------

    def find(self, organization_id: str, identity: Identity) -> str:
        """The id of the profile an identity belongs to, the one it is merged into if it is; ``""`` for nobody's."""
        key = identity_key(organization_id, identity)
        item = get_many(self._client, self._table, [key], "find profile").get(key)
        if item is None:
            return ""
        profile = self.profile(organization_id, str(item["profile_id"]))
        return (profile.merged_into or profile.profile_id) if profile else ""

    def profile(self, organization_id: str, profile_id: str) -> Profile | None:
        """A profile by itself."""
        key = person_key(organization_id, profile_id)
        item = get_many(self._client, self._table, [key], "read profile").get(key)
        return profile_from_doc(doc_of(item), int(item.get("version", 0))) if item else None

    def profiles(self, organization_id: str, profile_ids: Sequence[str]) -> list[Profile]:
        """Profiles by themselves, those that are there, in the order of their ids given."""
        keys = [person_key(organization_id, each) for each in profile_ids]
        found: dict[Key, dict[str, Any]] = {}
        for start in range(0, len(keys), MOST_KEYS):
            found |= get_many(self._client, self._table, keys[start : start + MOST_KEYS], "read profiles")
        items = [found[key] for key in keys if key in found]
        return [profile_from_doc(doc_of(item), int(item.get("version", 0))) for item in items]

    def load(self, organization_id: str, profile_id: str) -> Person | None:
        """A person with everything that is remembered, superseded facts included."""
        profile = self.profile(organization_id, profile_id)
        if profile is None:
            return None
        others = self.profiles(organization_id, profile.merged)
        facts: dict[str, Observation] = {}
        summaries: list[Summary] = []
        for each in (profile.profile_id, *profile.merged):
            for item in self._partition(organization_id, each):
                if str(item["sk"]).startswith("OBS#"):
                    fact = observation_from_doc(doc_of(item))
                    # A merged profile keeps its facts as they were; what has become of them since stands before.
                    facts.setdefault(fact.observation_id, fact)
                elif str(item["sk"]).startswith("SUM#"):
                    summaries.append(summary_from_doc(doc_of(item)))
        observations = sorted(facts.values(), key=lambda o: (o.first_ms, o.observation_id))
        summaries.sort(key=lambda s: (s.at_ms, s.conversation_id))
        days = self._most_days(organization_id)
        memory = Memory(profile_id, profile.name, tuple(observations), tuple(summaries), days)
        return Person(profile, memory, tuple(others))

    def _most_days(self, organization_id: str) -> int:
        """As long as an organization remembers anything; 0 for as long as its kind is kept."""
        key = organization_key(organization_id)
        item = get_many(self._client, self._table, [key], "read organization").get(key)
        days = doc_of(item).get("memory_days", 0) if item else 0
        return days if isinstance(days, int) else 0

    def _partition(self, organization_id: str, profile_id: str) -> list[dict[str, Any]]:
        pk = person_key(organization_id, profile_id)[0]
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": codec.dump_item({":pk": pk}),
            "ConsistentRead": True,
        }
        found: list[dict[str, Any]] = []
        while True:
            answer = request(self._client.query, "read memory", **arguments)
            found += [codec.load_item(item) for item in answer.get("Items", [])]
            if "LastEvaluatedKey" not in answer:
                return found
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    # -- writing -------------------------------------------------------------------------------------------------------

    def create(self, profile: Profile) -> Profile:
        """Store a new profile, with its identities.

        Raises:
            ConflictError: If one of them is somebody's by now.
        """
        now = int(self._clock() * 1000)
        made = replace(profile, version=1, created_ms=profile.created_ms or now, updated_ms=now)
        actions = [self._put(self._profile_item(made), condition="attribute_not_exists(pk)")]
        actions += [self._claim(made, each) for each in made.identities]
        actions += [
            self._put({"pk": list_pk(made.organization_id), "sk": made.profile_id, "profile_id": made.profile_id})
        ]
        transact(self._client, "create profile", actions)
        return made

    def save(
        self,
        person: Person,
        changed: Sequence[Observation] = (),
        summaries: Sequence[Summary] = (),
        also: Sequence[Any] = (),
    ) -> Person:
        """Store what has changed of a person, and what agents are told of them from now on.

        Args:
            person: As it is now to be; its profile's version is the one that was read.
            changed: Facts that are new or have changed.
            summaries: New ones.
            also: Actions of the same transaction.

        Raises:
            ConflictError: If somebody else has changed the profile since it was read.
        """
        now = int(self._clock() * 1000)
        profile = replace(person.profile, version=person.profile.version + 1, updated_ms=now)
        pk = person_key(profile.organization_id, profile.profile_id)[0]
        actions = [self._put(self._profile_item(profile), condition="version = :was", was=person.profile.version)]
        days = self._most_days(profile.organization_id)
        for fact in changed:
            expiry = core.expires_ms(fact, days) // 1000
            actions.append(
                self._put({"pk": pk, "sk": f"OBS#{fact.observation_id}", **_doc(fact), "expires_at": expiry})
            )
        for each in summaries:
            expiry = core.summary_expires_ms(each, days) // 1000
            sk = f"SUM#{each.at_ms:013d}#{each.conversation_id}"
            actions.append(self._put({"pk": pk, "sk": sk, **_doc(each), "expires_at": expiry}))
        memory = replace(person.memory, name=profile.name, most_days=days)
        saved = replace(person, profile=profile, memory=memory)
        transact(self._client, "save profile", [*actions, *self._told(saved, now), *also])
        return saved

    def add_identity(self, profile: Profile, identity: Identity, also: Sequence[Any] = ()) -> Profile:
        """Know a person by one more identity.

        Raises:
            ConflictError: If it is somebody else's, or the profile has changed since it was read.
        """
        made = replace(
            profile,
            identities=(*profile.identities, identity),
            version=profile.version + 1,
            updated_ms=int(self._clock() * 1000),
        )
        put = self._put(self._profile_item(made), condition="version = :was", was=profile.version)
        transact(self._client, "add identity", [put, self._claim(made, identity), *also])
        return made

    def regroup(self, one: Profile, into: Profile, also: Sequence[Any] = ()) -> None:
        """Store two profiles that were merged, or whose merge was taken back, as they are now to be.

        Raises:
            ConflictError: If one of them has changed since it was read.
        """
        now = int(self._clock() * 1000)
        puts = [
            self._put(
                self._profile_item(replace(each, version=each.version + 1, updated_ms=now)),
                condition="version = :was",
                was=each.version,
            )
            for each in (one, into)
        ]
        transact(self._client, "merge profiles", [*puts, *also])
        for each in (one, into):
            self.tell(each.organization_id, each.profile_id)

    def tell(self, organization_id: str, profile_id: str) -> None:
        """Write anew what agents are told of a person; of one that is merged into another, that one's."""
        person = self.load(organization_id, profile_id)
        if person is not None and person.profile.merged_into:
            person = self.load(organization_id, person.profile.merged_into)
        if person is not None:
            told = self._told(person, int(self._clock() * 1000))
            if told:
                transact(self._client, "tell memory", told)

    def forget(self, person: Person, observation_id: str) -> bool:
        """Forget one fact, also as a merged profile has it; whether there was one."""
        found = False
        for profile in (person.profile, *person.others):
            pk = person_key(profile.organization_id, profile.profile_id)[0]
            answer = request(
                self._client.delete_item,
                "forget fact",
                TableName=self._table,
                Key=wire_key((pk, f"OBS#{observation_id}")),
                ReturnValues="ALL_OLD",
            )
            found = found or bool(answer.get("Attributes"))
        if found:
            self.tell(person.profile.organization_id, person.profile.profile_id)
        return found

    # -----------------------------------------------------------------------------------------------------------------

    def _told(self, person: Person, now_ms: int) -> list[dict[str, Any]]:
        """What agents are told, for each number of the person; nothing of one who stands for nobody any more."""
        if person.profile.merged_into:
            return []
        now = core.current(person.memory, now_ms)
        latest = sorted(now.summaries, key=lambda s: -s.at_ms)[:TOLD_SUMMARIES]
        told = replace(
            now, name=person.profile.name, observations=now.observations[:TOLD_FACTS], summaries=tuple(latest)
        )
        numbers = [each.value for each in person.identities if each.kind == "phone"]
        keys = [contact_memory_key(person.profile.organization_id, number) for number in numbers]
        ends = [core.expires_ms(each, told.most_days) for each in told.observations]
        ends += [core.summary_expires_ms(each, told.most_days) for each in told.summaries]
        rest = {"doc": json.dumps(told.to_doc()), "expires_at": max(ends, default=now_ms + core.DAY_MS) // 1000}
        return [self._put({"pk": key[0], "sk": key[1], **rest}) for key in keys]

    def _profile_item(self, profile: Profile) -> dict[str, Any]:
        key = person_key(profile.organization_id, profile.profile_id)
        return {"pk": key[0], "sk": key[1], "version": profile.version, "doc": json.dumps(profile.to_doc())}

    def _claim(self, profile: Profile, identity: Identity) -> dict[str, Any]:
        key = identity_key(profile.organization_id, identity)
        item = {"pk": key[0], "sk": key[1], "profile_id": profile.profile_id}
        return self._put(item, condition="attribute_not_exists(pk) OR profile_id = :own", own=profile.profile_id)

    def _put(self, item: Mapping[str, Any], *, condition: str = "", **values: Any) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self._table, "Item": codec.dump_item(item)}
        if condition:
            put["ConditionExpression"] = condition
        if values:
            put["ExpressionAttributeValues"] = codec.dump_item({f":{name}": value for name, value in values.items()})
        return {"Put": put}


def person_key(organization_id: str, profile_id: str) -> Key:
    return f"PERSON#{organization_id}#{profile_id}", META


def identity_key(organization_id: str, identity: Identity) -> Key:
    return f"IDENTITY#{organization_id}#{identity.kind}#{identity.value}", META


def list_pk(organization_id: str) -> str:
    return f"LIST#people#{organization_id}"


def _doc(thing: Observation | Summary) -> dict[str, str]:
    return {"doc": json.dumps(thing.to_doc())}
