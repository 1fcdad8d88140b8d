"""`/api/messages`: history without Twilio."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest

from ringfold.adapters.texts import Texts
from ringfold.core import texts
from ringfold.core.texts import Text, Thread
from tests.admin.desk import Desk
from tests.admin.numbers_desk import Office
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


# -- what Twilio has of before ---------------------------------------------------------------------------------------


def old_text(n: int, number: str, *, inbound: bool = True, contact: str = PEOPLE[0], **more: Any) -> dict[str, Any]:
    """A text as Twilio lists it; the higher the number, the older."""
    sender, recipient = (contact, number) if inbound else (number, contact)
    at = format_datetime(datetime.fromtimestamp(NOW / 1000 - 3600 * n, UTC), usegmt=True)
    return {
        "sid": f"SM{n:032x}",
        "account_sid": "AC1",
        "from": sender,
        "to": recipient,
        "body": f"Old {n}",
        "direction": "inbound" if inbound else "outbound-api",
        "status": "received" if inbound else "delivered",
        "error_code": None,
        "num_segments": "1",
        "num_media": "0",
        "date_sent": at,
        "date_created": at,
        "uri": f"/2010-04-01/Accounts/AC1/Messages/SM{n:032x}.json",
        **more,
    }


def backfill(desk: Desk, number_id: str, **more: Any) -> tuple[int, int]:
    """To the end: how many were fetched, how many were new."""
    fetched = added = 0
    cursor = None
    while True:
        body = {"number_id": number_id, **more, **({"cursor": cursor} if cursor else {})}
        answer = desk.post(f"{PATH}/backfill", body)
        assert 200 == answer.status, answer.text
        fetched, added = fetched + answer.json["fetched"], added + answer.json["added"]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return fetched, added


@pytest.mark.accept("A5")
def test_older_texts_are_fetched_once(office: Office) -> None:
    """Both ways, on both channels, page by page; what is known already is known; nobody answers them."""
    number = office.bought()
    ours = number["phone_number"]
    office.twilio.messages = [old_text(n, ours, inbound=n % 2 == 0) for n in range(250)]
    office.twilio.messages += [
        old_text(300, f"whatsapp:{ours}", contact=f"whatsapp:{PEOPLE[1]}"),
        old_text(301, ours, contact="242424"),
        old_text(302, "+15125550188"),
    ]
    admin = office.admin

    assert (252, 251) == backfill(admin, number["id"])
    assert (252, 0) == backfill(admin, number["id"])

    shown = admin.get(PATH, query={"contact": PEOPLE[0], "limit": 3}).json["messages"]
    assert ["Old 0", "Old 1", "Old 2"] == [each["body"] for each in shown]
    assert ["answered", "delivered"] == [each["state"] for each in shown[:2]]
    found = admin.get("/api/conversations").json["conversations"]
    assert {("sms", "inactive"), ("whatsapp", "inactive")} == {(each["channel"], each["state"]) for each in found}


def test_a_thread_that_was_fetched_and_goes_on_is_one_conversation(office: Office) -> None:
    """It stands in the lists once, from when it began."""
    number = office.bought()
    ours = number["phone_number"]
    office.twilio.messages = [old_text(5, ours)]
    assert (1, 1) == backfill(office.admin, number["id"])
    client, table = office.desk.aws.client("dynamodb"), office.desk.aws.table
    thread, keeper = Thread(office.org, ours, "sms", PEOPLE[0]), Texts(client, table, table)
    text = Text("msg_new", thread, "in", "And now?", NOW, "acc", sid="SMnew")
    assert keeper.receive(text, "help")
    keeper.commit(thread, keeper.state(thread), [], [replace(text, message_id="msg_r", direction="out")], "2026-12-01")

    (found,) = office.admin.get("/api/conversations").json["conversations"]

    began = datetime.fromisoformat(found["started_at"]).timestamp()
    assert ("active", 5 * 3600) == (found["state"], round(NOW / 1000 - began))
    full = office.admin.get(f"/api/conversations/{found['id']}").json
    assert ["Old 5", "And now?", "And now?"] == [line["text"] for line in full["transcript"]]


@pytest.mark.accept("A5")
def test_a_text_that_came_by_webhook_is_not_fetched_again(office: Office) -> None:
    """The SID is the same."""
    number = office.bought()
    ours = number["phone_number"]
    client, table = office.desk.aws.client("dynamodb"), office.desk.aws.table
    thread = Thread(office.org, ours, "sms", PEOPLE[0])
    sid = f"SM{7:032x}"
    assert Texts(client, table, table).receive(Text("msg_7", thread, "in", "Old 7", NOW, "acc", sid=sid), "help")
    office.twilio.messages = [old_text(7, ours), old_text(8, ours)]

    assert (2, 1) == backfill(office.admin, number["id"])


def test_a_backfill_keeps_to_its_days(office: Office) -> None:
    """Twilio is asked for them, and what it gives beyond is left out."""
    number = office.bought()
    office.twilio.messages = [old_text(n, number["phone_number"]) for n in (0, 30, 60)]
    day = datetime.fromtimestamp(NOW / 1000 - 3600 * 30, UTC).date().isoformat()

    assert (3, 2) == backfill(office.admin, number["id"], until=day, since="2020-01-01")
    asked = next(query for name, query in office.twilio.seen if name == "messages")
    assert {"DateSent>", "DateSent<"} <= asked.keys()


def test_a_backfill_has_to_be_possible(office: Office) -> None:
    """No viewer, no foreign number, no cursor of something else; what Twilio refuses is told."""
    number = office.bought()
    body = {"number_id": number["id"]}
    other = office.desk.organization("Other")

    assert 403 == office.desk.viewer(office.org).post(f"{PATH}/backfill", body).status
    assert 404 == office.desk.admin(other).post(f"{PATH}/backfill", body).status
    assert 400 == office.admin.post(f"{PATH}/backfill", {**body, "cursor": "x"}).status
    assert 400 == office.admin.post(f"{PATH}/backfill", {**body, "since": "yesterday"}).status
    office.twilio.faults["messages"] = ["20429"]
    assert 429 == office.admin.post(f"{PATH}/backfill", body).status
