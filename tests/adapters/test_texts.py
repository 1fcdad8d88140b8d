"""Texts in a real table: one transaction each, states that go one way, and lists that page."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ringfold.adapters import codec
from ringfold.adapters.texts import Superseded, Texts
from ringfold.core import texts as core
from ringfold.core.texts import Text, Thread
from tests.aws import Aws

THREAD = Thread("org_1", "+15125550100", "sms", "+15125551234")
NOW = 1_800_000_000_000


def inbound(n: int, thread: Thread = THREAD) -> Text:
    return Text(f"msg_{n}", thread, "in", f"Text {n}", NOW + n, "acc_1", sid=f"SM{n}", state_ms=NOW + n)


def outbound(n: int) -> Text:
    return Text(f"out_{n}", THREAD, "out", f"Reply {n}", NOW + 100 + n, "acc_1", state=core.SENDING)


@pytest.fixture
def store(aws: Aws) -> Texts:
    return make(aws)


def make(aws: Aws, **more: Any) -> Texts:
    client = aws.client("dynamodb")
    outbox = f"{aws.table}-outbox"
    client.create_table(
        TableName=outbox,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return Texts(client, aws.table, outbox, clock=lambda: NOW / 1000, **more)


def test_texts_come_back_in_their_order(store: Texts) -> None:
    """The newest of a thread, oldest first; another thread's of the same contact are not among them."""
    other = Thread("org_1", "+15125550111", "sms", "+15125551234")
    for n in range(6):
        assert store.receive(inbound(n))
    assert store.receive(inbound(50, other))

    assert ["Text 3", "Text 4", "Text 5"] == [each.body for each in store.recent(THREAD, 3)]
    assert inbound(2) == store.recent(THREAD)[2]
    assert 6 == store.state(THREAD).received


def test_many_at_once_are_all_counted(store: Texts) -> None:
    """Transactions in each other's way are tried again."""
    with ThreadPoolExecutor(8) as pool:
        assert [True] * 16 == list(pool.map(lambda n: store.receive(inbound(n)), range(16)))

    assert 16 == store.state(THREAD).received == len(store.recent(THREAD))


def test_an_answer_is_settled_once_and_only_if_nothing_came(store: Texts) -> None:
    """All or nothing."""
    store.receive(inbound(1))
    state, waiting = store.state(THREAD), store.recent(THREAD)
    store.receive(inbound(2))

    with pytest.raises(Superseded):
        store.commit(THREAD, state, waiting, [outbound(1)], "2027-01-15")
    state, waiting = store.state(THREAD), store.recent(THREAD)
    store.commit(THREAD, state, waiting, [outbound(1)], "2027-01-15")
    with pytest.raises(Superseded):
        store.commit(THREAD, state, waiting, [outbound(2)], "2027-01-15")

    assert [core.ANSWERED, core.ANSWERED, core.SENDING] == [each.state for each in store.recent(THREAD)]
    assert (1, "2027-01-15") == (store.state(THREAD).replies_today, store.state(THREAD).day)
    store.receive(inbound(3))
    store.commit(THREAD, store.state(THREAD), [inbound(3)], [], "2027-01-16")
    assert 1 == store.state(THREAD).replies_today


def test_a_report_that_overtakes_the_answer_to_the_send_is_kept(store: Texts) -> None:
    """Delivered by our id before we know the SID; then the SID is kept, and found by."""
    store.commit(THREAD, store.state(THREAD), [], [outbound(1)], "d") if store.receive(inbound(1)) else None
    store.report("out_1", "SM9", "delivered", "")

    store.sent(outbound(1), "SM9", "queued")

    text = store.recent(THREAD)[-1]
    assert ("SM9", "delivered") == (text.sid, text.state)
    assert text == store.report("", "SM9", "read", "")
    assert "read" == store.recent(THREAD)[-1].state
    assert None is store.report("", "SM404", "sent", "")


def test_what_is_ignored_says_why(store: Texts) -> None:
    """And what is answered already is not ignored."""
    store.receive(inbound(1))
    store.ignore([inbound(1)], "loop")
    store.ignore([inbound(1)], "flood")

    assert [("ignored", "loop")] == [(each.state, each.reason) for each in store.recent(THREAD)]


@pytest.mark.accept("A3")
def test_the_lists_and_the_expiry_of_a_text(aws: Aws) -> None:
    """A place in the organization's list and in the number's; gone with the text when its time is over."""
    store = make(aws, retention_s=3600)
    store.receive(inbound(1))

    items = [codec.load_item(each) for each in aws.client("dynamodb").scan(TableName=aws.table)["Items"]]
    mine = [each for each in items if each["sk"] == inbound(1).sort_key]
    assert {
        "TEXTS#org_1#+15125551234",
        "LIST#texts#org_1",
        "LIST#texts#org_1#+15125550100",
    } == {each["pk"] for each in mine}
    assert {NOW // 1000 + 3600} == {each["expires_at"] for each in mine}
