"""`/api/messages`: history without Twilio."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from ringfold.adapters.texts import Texts
from ringfold.core import texts
from ringfold.core.texts import Text, Thread
from tests.admin.desk import Desk
from tests.admin.twilio import Twilio

PATH = "/api/messages"
NOW = 1_796_100_000_000
NUMBERS = ("+15125550100", "+15125550110")
PEOPLE = ("+15125551234", "+15125559999")


def thread(organization: str, number: int = 0, person: int = 0, channel: str = "sms") -> Thread:
    return Thread(organization, NUMBERS[number], channel, PEOPLE[person])


def store(desk: Desk) -> Texts:
    client = desk.aws.client("dynamodb")
    outbox = f"{desk.aws.table}-outbox"
    with suppress(client.exceptions.ResourceInUseException):
        client.create_table(
            TableName=outbox,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    return Texts(client, desk.aws.table, outbox)


def receive(desk: Desk, where: Thread, n: int, **more: Any) -> Text:
    text = Text(f"msg_{n}", where, "in", f"Text {n}", NOW + 1000 * n, "acc_1", sid=f"SM{n}", **more)
    assert store(desk).receive(text)
    return text


def bodies(desk: Desk, **query: Any) -> list[str]:
    answer = desk.get(PATH, query=query)
    assert 200 == answer.status, answer.text
    return [each["body"] for each in answer.json["messages"]]


@pytest.mark.accept("A4", "A11")
def test_texts_are_listed_without_any_credentials(desk: Desk, twilio: Twilio) -> None:
    """By number, contact, channel, state and time, newest first; Twilio is not asked."""
    mine = desk.organization()
    receive(desk, thread(mine), 1)
    receive(desk, thread(mine, number=1), 2)
    receive(desk, thread(mine, person=1), 3)
    receive(desk, thread(mine, channel="whatsapp"), 4, state=texts.IGNORED, reason="inactive")
    admin = desk.admin(mine)

    assert ["Text 4", "Text 3", "Text 2", "Text 1"] == bodies(admin)
    assert ["Text 2"] == bodies(admin, number=NUMBERS[1])
    assert ["Text 3"] == bodies(admin, contact=PEOPLE[1])
    assert ["Text 2"] == bodies(admin, contact=PEOPLE[0], number=NUMBERS[1])
    assert ["Text 4"] == bodies(admin, channel="whatsapp") == bodies(admin, state="ignored")
    assert [] == bodies(admin, direction="out")
    since, until = "2026-12-01T04:40:02Z", "2026-12-01T04:40:03Z"
    assert ["Text 3", "Text 2"] == bodies(admin, since=since, until=until)
    assert [] == twilio.asked


def test_a_text_is_shown_with_everything_that_is_known(desk: Desk) -> None:
    """Its state, Twilio's SID, what it answers."""
    mine = desk.organization()
    asked = receive(desk, thread(mine), 1, media=({"url": "https://m", "content_type": "image/png"},))
    reply = Text("msg_out", asked.thread, "out", "Hello", NOW + 5000, "acc_1", state=texts.SENDING, reply_to="msg_1")
    keeper = store(desk)
    keeper.commit(asked.thread, keeper.state(asked.thread), [asked], [reply], "2026-12-01")
    keeper.sent(reply, "SM99", "queued")
    keeper.report("msg_out", "SM99", "undelivered", "30003")

    shown = desk.viewer(mine).get(f"{PATH}/msg_out").json
    question = desk.viewer(mine).get(f"{PATH}/msg_1").json

    assert ("undelivered", "30003", "SM99", "msg_1", "out") == (
        shown["state"],
        shown["error_code"],
        shown["message_sid"],
        shown["reply_to"],
        shown["direction"],
    )
    assert ("answered", [{"url": "https://m", "content_type": "image/png"}]) == (question["state"], question["media"])
    assert shown["conversation_id"] == question["conversation_id"]


def test_pages_hold_together(desk: Desk) -> None:
    """Also where a filter leaves little of each."""
    mine = desk.organization()
    for n in range(25):
        receive(desk, thread(mine, person=n % 2), n)
    admin = desk.admin(mine)
    for query in ({}, {"number": NUMBERS[0]}, {"contact": PEOPLE[0]}, {"state": "received"}):
        found, cursor = [], None
        while True:
            answer = admin.get(PATH, query={**query, "limit": 4, **({"cursor": cursor} if cursor else {})}).json
            found += [each["id"] for each in answer["messages"]]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        assert len(found) == len(set(found)) == (13 if "contact" in query else 25), query


@pytest.mark.accept("G15", "H13")
def test_another_organizations_texts_are_nobodys(desk: Desk) -> None:
    """404, the same as for none; the platform names the organization."""
    mine, other = desk.organization("One"), desk.organization("Two")
    receive(desk, thread(mine), 1)

    assert [] == bodies(desk.admin(other))
    assert 404 == desk.admin(other).get(f"{PATH}/msg_1").status
    assert 404 == desk.admin(other).get(PATH, query={"organization_id": mine}).status
    assert 400 == desk.platform.get(PATH).status
    assert ["Text 1"] == bodies(desk.platform, organization_id=mine)
    assert 200 == desk.platform.get(f"{PATH}/msg_1").status


@pytest.mark.parametrize("query", [{"number": "12"}, {"since": "yesterday"}, {"direction": "up"}, {"cursor": "x"}])
def test_a_filter_that_cannot_be_meant_is_named(desk: Desk, query: dict[str, str]) -> None:
    """400, and which."""
    answer = desk.admin(desk.organization()).get(PATH, query=query)

    assert 400 == answer.status
    assert next(iter(query)) in answer.text


def test_times_between_which_nothing_can_lie_find_nothing(desk: Desk) -> None:
    """An end before its start, or times before there were any: an empty page, no error."""
    mine = desk.organization()
    receive(desk, thread(mine), 1)
    admin = desk.admin(mine)

    assert [] == bodies(admin, since="2030-01-01T00:00:00Z", until="2020-01-01T00:00:00Z")
    assert [] == bodies(admin, until="1930-01-01T00:00:00Z")
    assert ["Text 1"] == bodies(admin, since="1930-01-01T00:00:00Z")
