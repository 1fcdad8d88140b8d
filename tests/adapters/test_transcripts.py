"""What is kept of a call that is over."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringfold.adapters import codec
from ringfold.adapters.directory import contact_key, conversation_key
from ringfold.adapters.items import wire_key
from ringfold.adapters.transcripts import MAX_DOC_BYTES, Transcripts
from ringfold.core.ids import ConversationId, OrganizationId, PhoneNumber
from ringfold.errors import DependencyError
from tests.aws import Aws

ORGANIZATION, CONVERSATION, CALLER = OrganizationId("org_1"), ConversationId("conv_1"), PhoneNumber("+15125550147")
LINES = [{"role": "caller", "text": "Hällo"}, {"role": "agent", "text": "Hello."}]
NOW_MS = 1_790_000_000_123


class Table:
    """A real table with a conversation and a contact in it."""

    def __init__(self, aws: Aws) -> None:
        self._client, self._table = aws.client("dynamodb"), aws.table
        self.transcripts = Transcripts(self._client, aws.table)
        self.conversation = conversation_key(ORGANIZATION, CONVERSATION)
        self.contact = contact_key(ORGANIZATION, CALLER)
        self._put(self.conversation, state="active", call_sid="CA1")
        self._put(self.contact, last_call_sid="CA1", last_conversation_id="conv_1")

    def _put(self, key: tuple[str, str], **attributes: Any) -> None:
        item = codec.dump_item({"pk": key[0], "sk": key[1], **attributes})
        self._client.put_item(TableName=self._table, Item=item)

    def read(self, key: tuple[str, str]) -> dict[str, Any]:
        answer = self._client.get_item(TableName=self._table, Key=wire_key(key), ConsistentRead=True)
        return codec.load_item(answer.get("Item", {}))


@pytest.fixture
def table(aws: Aws) -> Table:
    return Table(aws)


def test_a_conversation_is_closed_with_its_transcript(table: Table) -> None:
    """State, reason, time and what was said."""
    table.transcripts.keep(ORGANIZATION, CONVERSATION, "agent_ended", LINES, NOW_MS)

    item = table.read(table.conversation)
    assert ("closed", "agent_ended") == (item["state"], item["end_reason"])
    assert item["updated_at"].endswith(".123Z")
    assert {"transcript": LINES} == json.loads(item["doc"])


@pytest.mark.accept("E25")
def test_the_first_end_reason_stays_and_the_later_transcript_wins(table: Table) -> None:
    """Repeated by whoever learns of the end later, with more evidence of what was heard."""
    table.transcripts.keep(ORGANIZATION, CONVERSATION, "agent_ended", LINES[:1], NOW_MS)

    table.transcripts.keep(ORGANIZATION, CONVERSATION, "caller_hung_up", LINES, NOW_MS + 9)

    item = table.read(table.conversation)
    assert "agent_ended" == item["end_reason"]
    assert LINES == json.loads(item["doc"])["transcript"]


@pytest.mark.accept("G15")
def test_another_organizations_conversation_is_not_made(table: Table) -> None:
    """Row 59: the key has the organization in it; nothing appears where nothing was."""
    table.transcripts.keep("org_2", CONVERSATION, "x", LINES, NOW_MS)

    assert {} == table.read(conversation_key(OrganizationId("org_2"), CONVERSATION))
    assert "active" == table.read(table.conversation)["state"]


def test_a_contact_remembers_the_end_of_its_last_call(table: Table) -> None:
    """So that a call back continues it; the time of the end is the first one told."""
    table.transcripts.remember(ORGANIZATION, CALLER, "CA1", "caller_hung_up", LINES, NOW_MS)
    table.transcripts.remember(ORGANIZATION, CALLER, "CA1", "caller_hung_up", LINES, NOW_MS + 60_000)

    item = table.read(table.contact)
    assert (NOW_MS, "caller_hung_up") == (item["ended_ms"], item["end_reason"])
    assert {"tail": LINES} == json.loads(item["doc"])


def test_an_older_calls_end_does_not_overwrite_a_newer_calls(table: Table) -> None:
    """The caller has called again before the first call was finalized."""
    table.transcripts.remember(ORGANIZATION, CALLER, "CA0", "caller_hung_up", LINES, NOW_MS)

    assert "doc" not in table.read(table.contact)


def test_a_transcript_too_long_for_an_item_loses_its_beginning(table: Table) -> None:
    """Row 53: it is kept, and says how much is missing."""
    lines = [{"role": "caller", "text": f"{n} " + "ä" * 400} for n in range(1000)]

    table.transcripts.keep(ORGANIZATION, CONVERSATION, "x", lines, NOW_MS)

    doc = table.read(table.conversation)["doc"]
    kept = json.loads(doc)
    assert len(doc.encode()) <= MAX_DOC_BYTES
    assert lines[-1] == kept["transcript"][-1]
    assert 1000 == kept["dropped"] + len(kept["transcript"])


def test_one_line_too_long_for_an_item_is_left_out() -> None:
    """The conversation is closed all the same."""
    asked: list[dict[str, Any]] = []

    class Client:
        def update_item(self, **arguments: Any) -> None:
            asked.append(arguments)

    Transcripts(Client(), "t").keep("o", "c", "x", [{"role": "agent", "text": "x" * 400_000}], NOW_MS)

    doc = json.loads(asked[0]["ExpressionAttributeValues"][":doc"]["S"])
    assert {"transcript": [], "dropped": 1} == doc


def test_a_table_that_fails_is_told() -> None:
    """Whoever called calls again."""

    class Client:
        def update_item(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")

    with pytest.raises(DependencyError):
        Transcripts(Client(), "t").keep("o", "c", "x", LINES, NOW_MS)
