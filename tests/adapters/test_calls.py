"""What is written of a call; most of it is seen through the webhooks (tests/service), here is what races do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ringfold.adapters.calls import TRIES, Calls
from ringfold.adapters.directory import Directory, conversation_key
from ringfold.core import end_reasons
from ringfold.core.agent import Agent
from ringfold.core.calls import CallRecord, Opening
from ringfold.core.ids import AccountId, AccountSid, AgentId, CallSid, ConversationId, NumberId, OrganizationId
from ringfold.core.relay_token import Claims
from ringfold.core.session import MAX_RECOVERIES, Snapshot
from ringfold.errors import ConflictError, DependencyError, SessionMissing, SignatureError
from tests.aws import Aws

NOW_MS = 1_800_000_000_000
CALL, ACCOUNT = CallSid("CA1"), AccountSid("AC1")
ORGANIZATION, CONVERSATION = OrganizationId("org_1"), ConversationId("conv_1")
AGENT = Agent(AgentId("agt_1"), ORGANIZATION, "Olive", "Be kind.")


def opening(**changes: Any) -> Opening:
    said: dict[str, Any] = {
        "call_sid": CALL,
        "account_sid": ACCOUNT,
        "organization_id": ORGANIZATION,
        "conversation_id": CONVERSATION,
        "number_id": NumberId("num_1"),
        "agent_id": AGENT.agent_id,
        "caller_contact": "+15125550147",
        "call_status": "ringing",
        "snapshot": Snapshot(AGENT, "+15125550147", "+15125550100", number={"attributes": {}}),
        "created_ms": NOW_MS,
    }
    return Opening(**{**said, **changes})


def claims(attempt: int = 0, *, reusable: bool = False) -> Claims:
    return Claims(CALL, AccountId("acc_1"), ACCOUNT, ORGANIZATION, CONVERSATION, attempt, NOW_MS, reusable)


@pytest.fixture
def calls(aws: Aws) -> Calls:
    return Calls(aws.client("dynamodb"), aws.table)


def test_a_call_opened_by_many_at_once_is_one(calls: Calls) -> None:
    """Everybody learns of the same opening, whoever made it."""
    openings = [opening(created_ms=NOW_MS + i) for i in range(8)]

    with ThreadPoolExecutor(8) as pool:
        records = list(pool.map(calls.open_call, openings))

    assert 1 == len({record.created_ms for record in records})


def test_a_repeated_opening_gives_the_stored_one(calls: Calls) -> None:
    """Snapshot included, as it was then."""
    first = calls.open_call(opening())

    second = calls.open_call(opening(created_ms=NOW_MS + 5, snapshot=replace(opening().snapshot, greeting="New")))

    assert (first.created_ms, first.snapshot) == (second.created_ms, second.snapshot)


def canceled(*codes: str, items: tuple[Any, ...] = ()) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    for reason, item in zip(reasons, items, strict=False):
        reason["Item"] = item
    error: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return ClientError(error, "TransactWriteItems")


class Scripted:
    """A table whose transactions fail as told, then work."""

    def __init__(self, *errors: ClientError) -> None:
        self._errors = list(errors)
        self.tried = 0

    def transact_write_items(self, **_: Any) -> dict[str, Any]:
        self.tried += 1
        if self._errors:
            raise self._errors.pop(0)
        return {}

    def batch_get_item(self, **_: Any) -> dict[str, Any]:
        return {"Responses": {}}


def test_a_conflicting_transaction_is_tried_again() -> None:
    """Two calls of one caller in one moment hold the same contact; neither is turned away."""
    table = Scripted(canceled("None", "None", "None", "TransactionConflict"))

    record = Calls(table, "t").open_call(opening())

    assert (2, NOW_MS) == (table.tried, record.created_ms)


def test_a_transaction_that_conflicts_on_and_on_is_given_up() -> None:
    """Three times, then the caller is told."""
    table = Scripted(*[canceled("TransactionConflict")] * 9)

    with pytest.raises(ConflictError):
        Calls(table, "t").open_call(opening())

    assert TRIES == table.tried


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (canceled("None", "None", "ConditionalCheckFailed"), SessionMissing),
        (canceled("None", "None", "None", "ThrottlingError"), DependencyError),
    ],
)
def test_a_canceled_transaction_is_told_for_what_it_is(error: ClientError, raised: type[Exception]) -> None:
    """A conversation without a session is a call that has been; anything else is DynamoDB's trouble."""
    with pytest.raises(raised):
        Calls(Scripted(error), "t").open_call(opening())


def test_a_repeat_whose_snapshot_is_gone_has_been() -> None:
    """A session that outlived its snapshot is on its way out."""
    session = {name: {"S": "x"} for name in ("account_sid", "organization_id", "conversation_id")} | {
        "created_ms": {"N": "1"}
    }
    table = Scripted(canceled("ConditionalCheckFailed", "None", "None", items=(session,)))

    with pytest.raises(SessionMissing):
        Calls(table, "t").open_call(opening())


def test_a_caller_without_a_number_leaves_no_contact(calls: Calls, aws: Aws) -> None:
    """And is listed with the organization's calls only."""
    calls.open_call(opening(caller_contact=""))

    found = aws.client("dynamodb").scan(TableName=aws.table)["Items"]
    assert {"CALL#CA1", "ORG#org_1", "LIST#conversations#org_1"} == {item["pk"]["S"] for item in found}


def test_recoveries_raced_for_are_counted_once_each(calls: Calls) -> None:
    """Many callbacks for few sessions: each session has one attempt, none is above the cap."""
    calls.open_call(opening())
    sessions = [f"VX{i % 5}" for i in range(20)]

    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(lambda session: (session, calls.grant_recovery(CALL, session, NOW_MS)), sessions))

    by_session: dict[str, set[Any]] = {}
    for session, recovery in granted:
        by_session.setdefault(session, set()).add(recovery)
    assert {1} == {len(answers) for answers in by_session.values()}
    attempts = sorted(recovery.attempt for (recovery,) in by_session.values() if recovery)
    assert list(range(1, MAX_RECOVERIES + 1)) == attempts


def test_a_recovery_of_no_call_is_refused(calls: Calls) -> None:
    """Nothing to recover, and no item appears."""
    with pytest.raises(SessionMissing):
        calls.grant_recovery(CALL, "VX1", NOW_MS)


@pytest.mark.accept("F8")
def test_a_return_raced_for_is_one(calls: Calls, aws: Aws) -> None:
    """Told many times, the end of a handoff brings the caller back once, and everybody gets the same answer."""
    calls.open_call(opening())
    aws.client("dynamodb").update_item(
        TableName=aws.table,
        Key={"pk": {"S": f"CALL#{CALL}"}, "sk": {"S": "SESSION"}},
        UpdateExpression="SET handoff = :h, end_sent = :t",
        ExpressionAttributeValues={":h": {"M": {"n": {"N": "1"}}}, ":t": {"BOOL": True}},
    )

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda i: calls.grant_return(CALL, 1, "busy", NOW_MS + i), range(16)))

    (answer,) = answers
    assert answer is not None
    assert calls.grant_return(CALL, 2, "busy", NOW_MS) is None
    record = Directory(aws.client("dynamodb"), aws.table, clock=lambda: NOW_MS / 1000).find_line("", ACCOUNT, CALL).call
    assert record is not None
    assert (None, 1, "") == (record.handoff, record.returned, record.over)


def test_a_return_of_no_call_is_refused(calls: Calls) -> None:
    """And no item appears."""
    with pytest.raises(SessionMissing):
        calls.grant_return(CALL, 1, "busy", NOW_MS)


@pytest.mark.parametrize("reusable", [False, True])
def test_a_token_raced_for_burns_once(calls: Calls, reusable: bool) -> None:
    """A plain token lets one in; a reusable one everybody, each on a link of its own."""
    calls.open_call(opening())

    def claim(i: int) -> int:
        try:
            return calls.claim_link(claims(reusable=reusable), f"c{i}=", NOW_MS / 1000)
        except SignatureError:
            return 0

    with ThreadPoolExecutor(6) as pool:
        links = sorted(pool.map(claim, range(6)))

    assert ([1, 2, 3, 4, 5, 6] if reusable else [0, 0, 0, 0, 0, 1]) == links


def test_each_attempt_burns_for_itself(calls: Calls) -> None:
    """The token of a recovery works although the first one is used up."""
    calls.open_call(opening())

    links = [calls.claim_link(claims(attempt), f"c{attempt}=", NOW_MS / 1000) for attempt in range(3)]

    assert [1, 2, 3] == links


def test_a_conversation_is_closed_once(calls: Calls, aws: Aws) -> None:
    """The first end reason stays; one that is not there is not made."""
    calls.open_call(opening())

    closed = [
        calls.close_conversation(ORGANIZATION, CONVERSATION, end_reasons.LINK_FAILED, NOW_MS),
        calls.close_conversation(ORGANIZATION, CONVERSATION, end_reasons.CALLER_HUNG_UP, NOW_MS),
        calls.close_conversation(ORGANIZATION, ConversationId("conv_2"), end_reasons.UNKNOWN, NOW_MS),
    ]

    found = Directory(aws.client("dynamodb"), aws.table).conversation(ORGANIZATION, CONVERSATION)
    assert found is not None
    assert [True, True, False] == closed
    assert ("closed", end_reasons.LINK_FAILED) == (found["state"], found["end_reason"])


@pytest.mark.accept("G15")
def test_a_status_of_another_organizations_conversation_changes_nothing(calls: Calls) -> None:
    """The key has the organization in it."""
    calls.open_call(opening())

    assert not calls.set_status(OrganizationId("org_2"), CONVERSATION, "completed", NOW_MS)
    assert calls.set_status(ORGANIZATION, CONVERSATION, "completed", NOW_MS)
    assert ("ORG#org_1", "CONVERSATION#conv_1") == conversation_key(ORGANIZATION, CONVERSATION)


def test_a_record_is_what_was_opened(calls: Calls) -> None:
    """So that the first answer needs no second read."""
    said = opening()

    expected = CallRecord(CALL, ACCOUNT, ORGANIZATION, CONVERSATION, NOW_MS, snapshot=said.snapshot)
    assert expected == calls.open_call(said)
