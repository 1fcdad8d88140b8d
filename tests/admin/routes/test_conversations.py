"""`/api/conversations`: calls and texts in one form, without Twilio."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfold.adapters import codec
from ringfold.adapters.conversations import iso, places
from ringfold.adapters.people import People
from ringfold.adapters.texts import Texts
from ringfold.core.profiles import Identity, Profile
from ringfold.core.texts import Text, Thread
from tests.admin.desk import Desk

PATH = "/api/conversations"
NOW = 1_796_100_000_000
NUMBER, PHONE, OTHER = "+15125550100", "+15125551234", "+15125559999"


def put(desk: Desk, item: dict[str, Any]) -> None:
    desk.aws.client("dynamodb").put_item(TableName=desk.aws.table, Item=codec.dump_item(item))


def called(desk: Desk, organization: str, n: int, contact: str = PHONE, **more: Any) -> str:
    """A call; its conversation's id."""
    at_ms, conversation_id = NOW + 1000 * n, f"conv_{n}"
    for place in places(organization, contact, conversation_id, at_ms):
        put(desk, place)
    said = [
        {"role": "agent", "text": "Hello.", "greeting": True},
        {"role": "caller", "text": "My code is ABC123.", "at": iso(at_ms)},
        {"role": "agent", "text": "Got it.", "at": iso(at_ms), "tools": [{"name": "look", "input": {}, "ok": True}]},
    ]
    item = {
        "pk": f"ORG#{organization}",
        "sk": f"CONVERSATION#{conversation_id}",
        "conversation_id": conversation_id,
        "organization_id": organization,
        "channel": "voice",
        "state": "closed",
        "caller_number": contact,
        "agent_number": NUMBER,
        "agent_id": "agt_1",
        "call_sid": f"CA{n}",
        "call_status": "completed",
        "status_rank": 9,
        "end_reason": "caller_hung_up",
        "created_at": iso(at_ms),
        "updated_at": iso(at_ms),
        "doc": json.dumps({"transcript": said, "dropped": 2}),
    }
    put(desk, {**item, **more})
    return conversation_id


def texted(desk: Desk, organization: str, n: int, contact: str = PHONE) -> str:
    """A text and its answer; their conversation's id."""
    thread = Thread(organization, NUMBER, "sms", contact)
    store = Texts(desk.aws.client("dynamodb"), desk.aws.table, desk.aws.table)
    text = Text(f"msg_{n}", thread, "in", f"Text {n}", NOW + 1000 * n, "acc_1", sid=f"SM{n}")
    reply = Text(f"msg_r{n}", thread, "out", f"Reply {n}", NOW + 1000 * n + 1, "acc_1", state="sending")
    assert store.receive(text, "help")
    store.commit(thread, store.state(thread), [], [reply], "2026-12-01", continues="conv_1")
    return thread.conversation_id


def ids(desk: Desk, **query: Any) -> list[str]:
    answer = desk.get(PATH, query=query)
    assert 200 == answer.status, answer.text
    return [each["id"] for each in answer.json["conversations"]]


@pytest.mark.accept("I1", "I2", "G12")
def test_calls_and_texts_are_listed_in_one_form(desk: Desk) -> None:
    """By channel, state, contact, number and time, newest first."""
    mine = desk.organization()
    call, thread, other = called(desk, mine, 1), texted(desk, mine, 2), called(desk, mine, 3, OTHER, state="active")
    admin = desk.viewer(mine)

    assert [other, thread, call] == ids(admin)
    assert [thread] == ids(admin, channel="sms")
    assert [call] == ids(admin, state="closed")
    assert [thread, call] == ids(admin, contact=PHONE)
    assert [] == ids(admin, number="+15125550199")
    assert [call] == ids(admin, until=iso(NOW + 1500))
    assert [other] == ids(admin, since=iso(NOW + 2500))
    assert [] == ids(admin, since=iso(NOW + 2500), until=iso(NOW))


@pytest.mark.accept("I3")
def test_a_conversation_is_shown_with_its_transcript(desk: Desk) -> None:
    """Who said what and when, tools and delivery states; and which conversation it goes on from."""
    mine = desk.organization()
    call, thread = called(desk, mine, 1), texted(desk, mine, 2)
    admin = desk.admin(mine)

    spoken, written = (admin.get(f"{PATH}/{each}").json for each in (call, thread))

    assert [("agent", "Hello."), ("caller", "My code is ABC123."), ("agent", "Got it.")] == [
        (line["role"], line["text"]) for line in spoken["transcript"]
    ]
    assert ("look", 2, "caller_hung_up", None) == (
        spoken["transcript"][2]["tools"][0]["name"],
        spoken["omitted"],
        spoken["end_reason"],
        spoken["continues"],
    )
    assert [("caller", "Text 2", "received"), ("agent", "Reply 2", "sending")] == [
        (line["role"], line["text"], line["state"]) for line in written["transcript"]
    ]
    assert ("active", call, "sms") == (written["state"], written["continues"], written["channel"])


def test_a_call_that_goes_on_has_no_transcript_yet(desk: Desk) -> None:
    """It is stored when it is over."""
    mine = desk.organization()
    call = called(desk, mine, 1, state="active")
    client = desk.aws.client("dynamodb")
    key = {"pk": {"S": f"ORG#{mine}"}, "sk": {"S": f"CONVERSATION#{call}"}}
    client.update_item(TableName=desk.aws.table, Key=key, UpdateExpression="REMOVE doc, end_reason")

    shown = desk.admin(mine).get(f"{PATH}/{call}").json

    assert ("active", [], None) == (shown["state"], shown["transcript"], shown["end_reason"])


@pytest.mark.accept("I1")
def test_a_persons_conversations_are_listed_by_all_their_numbers(desk: Desk) -> None:
    """In one order, page by page."""
    mine = desk.organization()
    made = [called(desk, mine, n, PHONE if n % 3 else OTHER) for n in range(1, 10)]
    called(desk, mine, 20, "+15125550001")
    keeper = People(desk.aws.client("dynamodb"), desk.aws.table)
    keeper.create(Profile("prf_1", mine, identities=(Identity("phone", PHONE), Identity("phone", OTHER))))
    admin = desk.admin(mine)

    for limit in (1, 2, 4, 50):
        found, cursor = [], None
        while True:
            query = {"profile_id": "prf_1", "limit": limit, **({"cursor": cursor} if cursor else {})}
            answer = admin.get(PATH, query=query).json
            found += [each["id"] for each in answer["conversations"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        assert made[::-1] == found, limit
    assert 404 == admin.get(PATH, query={"profile_id": "prf_none"}).status


@pytest.mark.accept("G15", "H13")
def test_another_organizations_conversations_are_nobodys(desk: Desk) -> None:
    """404, the same as for none."""
    mine, other = desk.organization("One"), desk.organization("Two")
    call = called(desk, mine, 1)

    assert [] == ids(desk.admin(other))
    assert 404 == desk.admin(other).get(f"{PATH}/{call}").status
    assert 404 == desk.admin(other).get(PATH, query={"organization_id": mine}).status
    assert [call] == ids(desk.platform, organization_id=mine)
