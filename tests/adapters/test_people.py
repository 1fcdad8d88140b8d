"""People over a real table: one profile an identity, no change lost, what agents are told always up to date."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ringfold.adapters.directory import contact_memory_key
from ringfold.adapters.items import get_many
from ringfold.adapters.people import People, Person
from ringfold.core.memory import DAY_MS, Memory, Observation, Summary, memory_from_doc, recall
from ringfold.core.profiles import Identity, Profile, merge, unmerge
from ringfold.errors import ConflictError
from tests.aws import Aws

ORG = "org_1"
PHONE, EMAIL = Identity("phone", "+15125551234"), Identity("email", "jane@example.com")
NOW = 1_800_000_000_000


@pytest.fixture
def people(aws: Aws) -> People:
    return People(aws.client("dynamodb"), aws.table, clock=lambda: NOW / 1000)


def made(people: People, profile_id: str = "prf_1", *identities: Identity, organization: str = ORG) -> Person:
    people.create(Profile(profile_id, organization, identities=identities or (PHONE,)))
    person = people.load(organization, profile_id)
    assert person is not None
    return person


def fact(text: str = "Is vegetarian.", observation_id: str = "obs_1") -> Observation:
    return Observation(observation_id, text, "fact", "diet", 0.9, "I'm vegetarian", ("c1",), NOW, NOW)


def learn(people: People, person: Person, *facts: Observation, name: str = "") -> Person:
    ended = Summary("c1", "voice", "Hi.", NOW)
    memory = Memory(person.profile.profile_id, name, (*person.memory.observations, *facts), (ended,))
    profile = replace(person.profile, name=name)
    return people.save(replace(person, profile=profile, memory=memory), facts, [ended])


def told(aws: Aws, number: str = PHONE.value, organization: str = ORG) -> Memory | None:
    key = contact_memory_key(organization, number)
    found = get_many(aws.client("dynamodb"), aws.table, [key], "test")
    return memory_from_doc(json.loads(found[key]["doc"])) if found else None


@pytest.mark.accept("H1", "H9")
def test_a_person_is_found_by_each_of_their_identities(people: People) -> None:
    """And by nobody else's."""
    person = made(people, "prf_1", PHONE)
    people.add_identity(person.profile, EMAIL)

    assert ["prf_1", "prf_1", ""] == [
        people.find(ORG, each) for each in (PHONE, EMAIL, Identity("account_id", "jane@example.com"))
    ]
    assert "" == people.find("org_2", PHONE)
    assert people.load("org_2", "prf_1") is None


def test_an_identity_belongs_to_one(people: People) -> None:
    """Of ten who make a profile for it at once, one does."""

    def make(number: int) -> bool:
        try:
            people.create(Profile(f"prf_{number}", ORG, identities=(PHONE,)))
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(10) as pool:
        assert 1 == sum(pool.map(make, range(10)))
    other = made(people, "prf_other", EMAIL)
    with pytest.raises(ConflictError):
        people.add_identity(other.profile, PHONE)


@pytest.mark.accept("H4")
def test_what_is_learnt_is_told_to_the_next_call(people: People, aws: Aws) -> None:
    """It lies with the caller's number, where a call reads it together with all else."""
    learn(people, made(people), fact(), name="Jane")

    memory = told(aws)

    assert memory is not None
    assert ("Jane", ["Is vegetarian."], ["Hi."]) == (
        memory.name,
        [each.text for each in memory.observations],
        [each.text for each in memory.summaries],
    )
    assert told(aws, organization="org_2") is None


def test_two_changes_at_once_do_not_lose_one(people: People) -> None:
    """The second has to read again."""
    person = made(people)
    learn(people, person, fact())

    with pytest.raises(ConflictError):
        learn(people, person, fact("Is vegan.", "obs_2"))


@pytest.mark.accept("H9", "I4")
def test_a_merge_can_be_taken_back(people: People, aws: Aws) -> None:
    """Merged, either's identities lead to all that is known of both; unmerged, everything is as it was."""
    other = Identity("phone", "+15125559999")
    one = learn(people, made(people, "prf_1", PHONE), fact())
    two = learn(people, made(people, "prf_2", other), fact("Lives in Austin.", "obs_2"))

    people.regroup(*merge(one.profile, two.profile))

    assert ["prf_2", "prf_2"] == [people.find(ORG, each) for each in (PHONE, other)]
    both = {"Is vegetarian.", "Lives in Austin."}
    for number in (PHONE.value, other.value):
        memory = told(aws, number)
        assert memory is not None
        assert both == {each.text for each in memory.observations}

    first, second = people.profile(ORG, "prf_1"), people.profile(ORG, "prf_2")
    assert first is not None
    assert second is not None
    people.regroup(*unmerge(first, second))

    assert ["prf_1", "prf_2"] == [people.find(ORG, each) for each in (PHONE, other)]
    memory = told(aws)
    assert memory is not None
    assert ["Is vegetarian."] == [each.text for each in memory.observations]


@pytest.mark.accept("H9", "H14")
def test_what_becomes_of_a_merged_fact_is_not_told_twice(people: People, aws: Aws) -> None:
    """Superseded while merged, it holds no more; renamed, forgotten and unmerged, each profile is told as its own."""
    other = Identity("phone", "+15125559999")
    one = learn(people, made(people, "prf_1", PHONE), fact())
    two = learn(people, made(people, "prf_2", other), fact("Lives in Austin.", "obs_2"), name="Jane")
    people.regroup(*merge(one.profile, two.profile))
    both = people.load(ORG, "prf_2")
    assert both is not None
    vegan = fact("Is vegan.", "obs_3")
    old = replace(fact(), superseded_by="obs_3")
    facts = tuple(old if each.observation_id == "obs_1" else each for each in both.memory.observations)
    people.save(replace(both, memory=replace(both.memory, observations=(*facts, vegan))), [old, vegan])

    again = people.load(ORG, "prf_2")
    assert again is not None
    assert ["obs_1", "obs_2", "obs_3"] == sorted(each.observation_id for each in again.memory.observations)
    merged = people.load(ORG, "prf_1")
    assert merged is not None
    people.save(replace(merged, profile=replace(merged.profile, name="Somebody")))
    memory = told(aws)
    assert memory is not None
    assert ("Jane", {"Lives in Austin.", "Is vegan."}) == (memory.name, {each.text for each in memory.observations})

    now = people.load(ORG, "prf_2")
    assert now is not None
    assert people.forget(now, "obs_1")
    after = people.load(ORG, "prf_2")
    assert after is not None
    assert "obs_1" not in {each.observation_id for each in after.memory.observations}


def test_a_forgotten_fact_is_told_no_more(people: People, aws: Aws) -> None:
    """Whoever it was told to."""
    person = learn(people, made(people), fact(), fact("Lives in Austin.", "obs_2"))

    assert [True, False] == [people.forget(person, each) for each in ("obs_1", "obs_1")]

    memory = told(aws)
    assert memory is not None
    assert ["Lives in Austin."] == [each.text for each in memory.observations]


@pytest.mark.accept("H10")
def test_an_organization_decides_how_long_it_remembers(people: People, aws: Aws) -> None:
    """Items expire by its limit, and what is told until then keeps to it too."""
    item = {"pk": {"S": f"ORG#{ORG}"}, "sk": {"S": "META"}, "doc": {"S": json.dumps({"memory_days": 30})}}
    aws.client("dynamodb").put_item(TableName=aws.table, Item=item)

    learn(people, made(people), fact())

    items = aws.client("dynamodb").scan(TableName=aws.table)["Items"]
    expiring = {each["sk"]["S"][:3]: int(each["expires_at"]["N"]) for each in items if "expires_at" in each}
    month = NOW // 1000 + 30 * 86_400
    assert {"OBS": month, "SUM": month, "MEM": month} == expiring
    memory = told(aws)
    assert memory is not None
    assert [2, 0] == [len(recall(memory, NOW + days * DAY_MS)) for days in (29, 30)]
