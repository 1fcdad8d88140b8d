"""States of conversations over a real table: one worker each, quiet only while nothing more has come."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ringfold.adapters import codec
from ringfold.adapters.conversations import CLAIM_S, Conversations, goes_on, list_pk, places
from ringfold.adapters.directory import conversation_key
from ringfold.adapters.items import get_many
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.core.texts import Thread
from tests.aws import Aws

THREAD = Thread("org_1", "+15125550100", "sms", "+15125551234")
NOW_MS = 1_800_000_000_000


def went_on(aws: Aws, at_ms: int = NOW_MS, received: int = 1, continues: str = "") -> None:
    action = goes_on(aws.table, THREAD, (at_ms, at_ms), received, continues)
    aws.client("dynamodb").transact_write_items(TransactItems=[action])


def stored(aws: Aws) -> dict[str, Any]:
    key = conversation_key(OrganizationId("org_1"), ConversationId(THREAD.conversation_id))
    return get_many(aws.client("dynamodb"), aws.table, [key], "test")[key]


@pytest.mark.accept("I2")
def test_a_thread_is_active_then_inactive_then_active_again(aws: Aws) -> None:
    """It rests only if nothing has come since; it keeps when it began."""
    conversations = Conversations(aws.client("dynamodb"), aws.table)
    went_on(aws)
    went_on(aws, NOW_MS + 1000, 2)
    states = [stored(aws)["state"]]

    assert [False, True] == [conversations.rest("org_1", THREAD.conversation_id, seen) for seen in (1, 2)]
    states.append(stored(aws)["state"])
    went_on(aws, NOW_MS + 2000, 3, "conv_call")
    states.append(stored(aws)["state"])

    assert ["active", "inactive", "active"] == states
    assert ("2027-01-15T08:00:00.000Z", "2027-01-15T08:00:02.000Z", "conv_call") == (
        stored(aws)["created_at"],
        stored(aws)["updated_at"],
        stored(aws)["continues"],
    )


def test_one_worker_has_it(aws: Aws) -> None:
    """Until it lets go, or has been gone too long."""
    now = [NOW_MS / 1000]
    conversations = Conversations(aws.client("dynamodb"), aws.table, clock=lambda: now[0])
    went_on(aws)

    def claim(_: int = 0) -> bool:
        return conversations.claim("org_1", THREAD.conversation_id)

    with ThreadPoolExecutor(6) as pool:
        assert 1 == sum(pool.map(claim, range(6)))
    now[0] += CLAIM_S - 1
    assert not claim()
    now[0] += 1
    assert claim()
    conversations.release("org_1", THREAD.conversation_id)
    assert claim()
    assert not conversations.claim("org_1", "cnv_none")


@pytest.mark.accept("I1")
def test_a_conversation_stands_in_its_lists() -> None:
    """The organization's and the contact's; of an anonymous caller's only the first."""
    found = places("org_1", "+15125551234", "conv_1", NOW_MS)

    assert [list_pk("org_1"), list_pk("org_1#+15125551234")] == [each["pk"] for each in found]
    assert {f"{NOW_MS}#conv_1"} == {each["sk"] for each in found}
    assert 1 == len(places("org_1", "", "conv_1", NOW_MS))
    assert json.dumps(found) == json.dumps([codec.load_item(codec.dump_item(each)) for each in found])
