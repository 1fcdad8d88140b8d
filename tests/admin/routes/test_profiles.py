"""`/api/profiles`: who people are, what is remembered of them, and how they are forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from ringfold.adapters.erasure import Erasure
from ringfold.adapters.people import People
from ringfold.adapters.texts import Texts
from ringfold.core.memory import Memory, Observation, Summary
from ringfold.core.profiles import Identity, Profile
from ringfold.core.texts import Text, Thread
from tests.admin.desk import Desk

PATH = "/api/profiles"
NOW = 1_796_100_000_000
PHONE = "+15125551234"


def people(desk: Desk) -> People:
    return People(desk.aws.client("dynamodb"), desk.aws.table)


def known(desk: Desk, organization: str, number: int = 1, phone: str = PHONE) -> str:
    """Somebody of whom one thing is remembered; their profile's id."""
    profile_id, keeper = f"prf_{number}", people(desk)
    keeper.create(Profile(profile_id, organization, "Jane", (Identity("phone", phone),)))
    person = keeper.load(organization, profile_id)
    assert person is not None
    quote = "I am vegetarian"
    fact = Observation(
        f"obs_{number}", f"Is vegetarian {number}.", "fact", "diet", 0.9, quote, ("conv_1",), NOW, 2 * NOW
    )
    ended = Summary("conv_1", "voice", "She called.", NOW, "a refund")
    filled = type(person)(person.profile, Memory(profile_id, "Jane", (fact,), (ended,)))
    keeper.save(filled, [fact], [ended])
    return profile_id


def shown(desk: Desk, **query: Any) -> list[str]:
    return [each["id"] for each in desk.get(PATH, query=query).json["profiles"]]


@pytest.mark.accept("H1", "H9")
def test_a_person_is_found_by_any_identity(desk: Desk) -> None:
    """By number, address or the organization's own id; nobody by what is nobody's."""
    mine = desk.organization()
    profile_id, admin = known(desk, mine), desk.admin(mine)
    for kind, value in (("email", "Jane@Example.com"), ("account_id", "A-17")):
        made = admin.post(f"{PATH}/{profile_id}/identities", {"kind": kind, "value": value})
        assert 200 == made.status, made.text

    queries = ({"phone": PHONE}, {"email": "jane@example.com"}, {"account_id": "A-17"}, {})
    assert [[profile_id]] * 4 == [shown(desk.viewer(mine), **query) for query in queries]
    assert [] == shown(admin, phone="+15125550000")
    identities = admin.get(f"{PATH}/{profile_id}").json["identities"]
    assert ["phone", "email", "account_id"] == [each["kind"] for each in identities]


@pytest.mark.parametrize(
    ("query", "field"),
    [({"phone": "12"}, "phone"), ({"email": "x"}, "email"), ({"phone": PHONE, "email": "x"}, "email")],
)
def test_an_identity_that_cannot_be_meant_is_named(desk: Desk, query: dict[str, str], field: str) -> None:
    """400, and which."""
    answer = desk.admin(desk.organization()).get(PATH, query=query)

    assert (400, field) == (answer.status, answer.json["error"]["details"][0]["field"])


def test_pages_hold_together(desk: Desk) -> None:
    """Everybody once."""
    mine = desk.organization()
    made = {known(desk, mine, n, f"+1512555{n:04d}") for n in range(7)}
    admin, found, cursor = desk.admin(mine), [], None
    while True:
        answer = admin.get(PATH, query={"limit": 3, **({"cursor": cursor} if cursor else {})}).json
        found += [each["id"] for each in answer["profiles"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break

    assert (7, made) == (len(found), set(found))


@pytest.mark.accept("H14")
def test_what_is_remembered_says_where_it_came_from(desk: Desk) -> None:
    """Fact, quote, conversation, expiry; and what an agent is told of it."""
    mine = desk.organization()
    memory = desk.viewer(mine).get(f"{PATH}/{known(desk, mine)}/memory").json

    (fact,), (summary,) = memory["observations"], memory["summaries"]
    assert ("Is vegetarian 1.", "I am vegetarian", ["conv_1"], None) == (
        fact["text"],
        fact["quote"],
        fact["conversations"],
        fact["superseded_by"],
    )
    assert ("She called.", "a refund") == (summary["text"], summary["unfinished"])
    assert {"Name: Jane", "Unfinished: a refund", "Fact: Is vegetarian 1."} <= set(memory["told"])


def test_a_name_is_set_and_a_fact_forgotten(desk: Desk) -> None:
    """By an administrator; both are in the audit trail, without anything of the person."""
    mine = desk.organization()
    profile_id, admin = known(desk, mine), desk.admin(mine)
    fact = f"{PATH}/{profile_id}/observations/obs_1"

    assert 403 == desk.viewer(mine).patch(f"{PATH}/{profile_id}", {"name": "X"}).status
    assert 403 == desk.viewer(mine).delete(fact).status
    assert "Jane Smith" == admin.patch(f"{PATH}/{profile_id}", {"name": " Jane   Smith "}).json["name"]
    assert "Jane Smith" == admin.patch(f"{PATH}/{profile_id}", {}).json["name"]
    assert [204, 404] == [admin.delete(fact).status for _ in range(2)]

    assert [] == admin.get(f"{PATH}/{profile_id}/memory").json["observations"]
    trail = admin.get("/api/audit").json
    assert {"profile.update", "profile.forget_fact"} <= {each["action"] for each in trail["entries"]}
    assert "Jane" not in str(trail)


@pytest.mark.accept("H9", "I4")
def test_two_people_who_are_one_are_merged_and_unmerged(desk: Desk) -> None:
    """What could not be undone is refused, with the reason."""
    mine = desk.organization()
    one, two, three = (known(desk, mine, n, f"+1512555000{n}") for n in (1, 2, 3))
    admin = desk.admin(mine)

    merged = admin.post(f"{PATH}/{one}/merge", {"into": two}).json
    assert ([one], [two]) == (merged["merged"], shown(admin, phone="+15125550001"))
    facts = admin.get(f"{PATH}/{two}/memory").json["observations"]
    assert {"Is vegetarian 1.", "Is vegetarian 2."} == {each["text"] for each in facts}

    refused = admin.post(f"{PATH}/{two}/merge", {"into": three})
    assert (409, "cannot_be_undone") == (refused.status, refused.code)
    assert "unmerge them first" in refused.text
    taken = admin.post(f"{PATH}/{three}/identities", {"kind": "phone", "value": "+15125550001"})
    assert (409, "identity_taken") == (taken.status, taken.code)

    assert None is admin.post(f"{PATH}/{one}/unmerge", {}).json["merged_into"]
    assert [one] == shown(admin, phone="+15125550001")
    assert 409 == admin.post(f"{PATH}/{one}/unmerge", {}).status


@pytest.mark.accept("M9")
def test_a_person_is_exported_and_forgotten(desk: Desk) -> None:
    """The export has everything; the erasure's receipt counts it; afterwards there is nobody."""
    mine = desk.organization()
    profile_id, admin = known(desk, mine), desk.admin(mine)
    thread = Thread(mine, "+15125550100", "sms", PHONE)
    client, table = desk.aws.client("dynamodb"), desk.aws.table
    store = Texts(client, table, table)
    text = Text("msg_1", thread, "in", "Hello", NOW, "acc_1", sid="SM1")
    assert store.receive(text, "start")
    store.commit(thread, store.state(thread), [text], [], "2026-12-01")

    assert 403 == desk.viewer(mine).get(f"{PATH}/{profile_id}/export").status
    export = admin.get(f"{PATH}/{profile_id}/export").json
    assert ["Hello"] == [each["body"] for each in export["messages"]]
    assert [["Hello"]] == [[line["text"] for line in each["transcript"]] for each in export["conversations"]]
    assert [False] == [each["opted_out"] for each in export["consents"]]
    assert 1 == len(export["observations"])

    begun = admin.delete(f"{PATH}/{profile_id}")
    assert (202, "running") == (begun.status, begun.json["state"])
    assert "done" == Erasure(client, table, table).run(mine, begun.json["id"], 60)

    receipt = desk.viewer(mine).get(f"/api/erasures/{begun.json['id']}").json
    assert ("done", 1, 1, 1) == (
        receipt["state"],
        receipt["counts"]["messages"],
        receipt["counts"]["observations"],
        receipt["counts"]["consents"],
    )
    assert 404 == admin.get(f"{PATH}/{profile_id}").status
    assert [] == shown(admin)
    assert 404 == admin.delete(f"{PATH}/{profile_id}").status


@pytest.mark.accept("G15", "H13")
def test_another_organizations_people_are_nobodys(desk: Desk) -> None:
    """404, the same as for none; the platform names the organization."""
    mine, other = desk.organization("One"), desk.organization("Two")
    profile_id = known(desk, mine)

    assert 404 == desk.admin(other).get(f"{PATH}/{profile_id}").status
    assert [] == shown(desk.admin(other), phone=PHONE)
    assert 404 == desk.admin(other).get(PATH, query={"organization_id": mine}).status
    assert 400 == desk.platform.get(f"{PATH}/{profile_id}").status
    assert 200 == desk.platform.get(f"{PATH}/{profile_id}", query={"organization_id": mine}).status
