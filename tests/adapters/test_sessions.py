"""The session item: what each write does and refuses. The store in memory is held to the same contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError

from ringfold.adapters import codec
from ringfold.adapters.sessions import Sessions
from ringfold.adapters.wire import DynamoDb, JsonService
from ringfold.core import events as ev
from ringfold.core.commands import Append, Journal, Plan
from ringfold.core.ids import Key
from ringfold.core.session import SCHEMA, Snapshot, call_pk, new_item
from ringfold.errors import DependencyError, FloorLost, SessionMissing
from tests.aws import REGION, Aws
from tests.memory import MemorySessions
from tests.stage import SNAPSHOT

CALL = "CA1"
AT = 1_790_000_000_000
PROMPT = ev.frame_key(1, AT, ev.PROMPT, "m1")
LATER = ev.frame_key(1, AT + 900, ev.PROMPT, "m2")
OPENED = {"rid": "r1", "at": AT, "p": {}, "tools": {}}


def said(key: Key = PROMPT, rid: str = "r1", text: str = "Hello", **more: Any) -> Append:
    """The append of an utterance."""
    opened = {**OPENED, "rid": rid}
    return Append(key, {"type": ev.PROMPT, "rid": rid, "text": text}, **{"reply": opened, **more})


def dynamodb(aws: Aws) -> DynamoDb:
    """The client that is deployed."""
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    return DynamoDb(JsonService(session, "dynamodb", REGION, aws.endpoint, "DynamoDB_20120810", read_timeout_s=5))


def put(client: Any, table: str, item: dict[str, Any]) -> None:
    client.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": codec.dump_item(item)}}])


@pytest.fixture(params=["memory", "dynamodb"])
def store(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Both stores, with one call in them, its link set up."""
    who = {"organization_id": "org_1", "conversation_id": "conv_1"}
    if request.param == "memory":
        memory = MemorySessions()
        memory.open_call(CALL, SNAPSHOT, **who)
        yield memory
        return
    aws: Aws = request.getfixturevalue("aws")
    client = dynamodb(aws)
    item = new_item(call_sid=CALL, account_sid="AC1", created_ms=AT, **who) | {"link_gen": 1}
    put(client, aws.table, item)
    snapshot = {"pk": call_pk(CALL), "sk": "SNAPSHOT", "doc": json.dumps(SNAPSHOT.to_doc())}
    put(client, aws.table, snapshot)
    yield Sessions(client, aws.table)


# --- append -----------------------------------------------------------------------------------------------------------
def test_an_append_stores_the_event_and_gives_the_whole_item(store: Any) -> None:
    """Event, opened reply, floor key and link, in one write."""
    item = store.append(CALL, said(link=(1, "c1=")))

    assert {"type": "prompt", "rid": "r1", "text": "Hello"} == item["events"][PROMPT]
    assert OPENED == item["replies"][PROMPT]
    assert {PROMPT} == item["floor_keys"]
    assert {"g1": "c1="} == item["links"]
    assert ("org_1", "conv_1", SCHEMA, "") == tuple(
        item[name] for name in ("organization_id", "conversation_id", "schema", "mark")
    )


def test_a_frame_that_comes_twice_keeps_its_first_owner(store: Any) -> None:
    """A1: whose request id is stored may act, and only that one."""
    store.append(CALL, said(rid="r1"))

    item = store.append(CALL, said(rid="r2", text="Changed"))

    assert ("r1", "Hello") == (item["events"][PROMPT]["rid"], item["events"][PROMPT]["text"])
    assert "r1" == item["replies"][PROMPT]["rid"]
    assert 1 == len(item["floor_keys"])


def test_a_write_repeated_after_a_lost_answer_is_the_same_write(store: Any) -> None:
    """Row 51: the event is there once, and what has been journalled meanwhile stays."""
    store.append(CALL, said())
    store.journal(CALL, Journal(PROMPT, {"beat": AT + 5}))

    item = store.append(CALL, said())

    assert 1 == len(item["events"])
    assert AT + 5 == item["replies"][PROMPT]["beat"]


@pytest.mark.parametrize(
    ("kind", "floor"),
    [
        (ev.PROMPT, True),
        (ev.INTERRUPT, True),
        (ev.TAKE, True),
        (ev.DIGIT, False),
        (ev.SETUP, False),
        (ev.PLAYED, False),
    ],
)
def test_only_what_takes_the_floor_is_a_floor_key(store: Any, kind: str, floor: bool) -> None:
    """The set's size is the guard of an effect: a played token must not change it."""
    item = store.append(CALL, Append(PROMPT, {"type": kind, "rid": "r1"}))

    assert floor == (PROMPT in item.get("floor_keys", set()))


def test_taking_the_floor_closes_the_reply_opened_before(store: Any) -> None:
    """A5: one write."""
    store.append(CALL, said())

    item = store.append(CALL, said(LATER, closes=PROMPT))

    assert "stopped" == item["replies"][PROMPT]["st"]
    assert "st" not in item["replies"][LATER]


def test_the_first_connection_of_a_link_stays(store: Any) -> None:
    """A generation is one link."""
    store.append(CALL, said(link=(1, "c1=")))

    item = store.append(CALL, said(LATER, link=(1, "other=")))

    assert {"g1": "c1="} == item["links"]


def test_without_the_item_nothing_is_stored(store: Any) -> None:
    """Row 55: no call, no frame, and no item comes to be."""
    with pytest.raises(SessionMissing):
        store.append("CA2", said())
    with pytest.raises(SessionMissing):
        store.load("CA2")
    with pytest.raises(SessionMissing):
        store.load_fixed("CA2")


def test_appends_at_once_lose_nothing(store: Any) -> None:
    """D2: no read before the write, no retry loop, every event there."""
    keys = [ev.frame_key(1, AT + i, ev.PROMPT, f"m{i}") for i in range(24)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.append(CALL, said(key)), keys))

    item = store.load(CALL)
    assert set(keys) == set(item["events"]) == set(item["replies"]) == item["floor_keys"]


# --- journal ----------------------------------------------------------------------------------------------------------
def test_a_journal_writes_below_its_reply(store: Any) -> None:
    """Posts and tools by number, flags by name; everything else stays."""
    store.append(CALL, said())
    post = {"x": "Hi. ", "s": AT + 1, "at": AT + 2, "n": 0, "f": "s"}
    tool = {"n": 0, "id": "u", "name": "look", "i": "{}"}
    store.journal(CALL, Journal(PROMPT, {"p.000": post, "covers": [PROMPT]}))

    item = store.journal(CALL, Journal(PROMPT, {"tools.000": tool, "st": "done", "last": True}))

    expected = {**OPENED, "p": {"000": post}, "tools": {"000": tool}, "covers": [PROMPT], "st": "done", "last": True}
    assert expected == item["replies"][PROMPT]


@pytest.mark.parametrize("change", ["nothing", "interrupt", "prompt", "ended", "played"])
def test_a_guard_holds_until_somebody_takes_the_floor(store: Any, change: str) -> None:
    """A13: an effect starts only if nobody has spoken since we looked; what was refused is not written at all."""
    item = store.append(CALL, said())
    match change:
        case "interrupt":
            store.append(CALL, Append(LATER, {"type": ev.INTERRUPT, "rid": "r2"}))
        case "prompt":
            store.append(CALL, said(LATER, "r2"))
        case "ended":
            store.end(CALL, "caller_hung_up")
        case "played":
            store.append(CALL, Append(LATER, {"type": ev.PLAYED, "rid": "r2"}))
    guarded = Journal(PROMPT, {"tools.000": {"n": 0}}, guard=len(item["floor_keys"]))

    if change in {"nothing", "played"}:
        assert "000" in store.journal(CALL, guarded)["replies"][PROMPT]["tools"]
        return
    with pytest.raises(FloorLost):
        store.journal(CALL, guarded)
    assert {} == store.load(CALL)["replies"][PROMPT]["tools"]


def test_the_end_of_a_call_is_absorbing(store: Any) -> None:
    """The first reason stays, whoever says it again."""
    store.append(CALL, said())

    first = store.journal(CALL, Journal(PROMPT, {"st": "done"}, guard=1, ended="agent_ended"))
    store.end(CALL, "caller_hung_up")
    item = store.journal(CALL, Journal(PROMPT, {"beat": 1}, end_sent=True, ended="other"))

    assert "agent_ended" == first["ended"]
    assert ("agent_ended", True) == (item["ended"], item["end_sent"])


@pytest.mark.accept("F11")
def test_a_handoff_is_written_behind_a_guard_and_guards_itself(store: Any) -> None:
    """It stays what it was; nothing else starts behind it."""
    store.append(CALL, said())

    item = store.journal(CALL, Journal(PROMPT, {"st": "x"}, guard=1, handoff={"n": 1, "reason": "Refund"}))

    assert {"n": 1, "reason": "Refund"} == item["handoff"]
    with pytest.raises(FloorLost):
        store.journal(CALL, Journal(PROMPT, {"st": "y"}, guard=1))
    assert "y" != store.journal(CALL, Journal(PROMPT, {"beat": 1}))["replies"][PROMPT]["st"]


def test_a_journal_of_no_reply_is_refused(store: Any) -> None:
    """Folded away, or never opened: nothing is written."""
    with pytest.raises(FloorLost):
        store.journal(CALL, Journal(PROMPT, {"beat": 1}))


@pytest.mark.parametrize("times", [2, 8])
def test_a_part_of_a_turn_is_claimed_once(store: Any, times: int) -> None:
    """A11: an asynchronous invocation delivered twice runs once."""
    store.append(CALL, said())

    def claim(number: int) -> bool:
        try:
            store.claim(CALL, PROMPT, 1, f"r{number}")
        except FloorLost:
            return False
        return True

    with ThreadPoolExecutor(times) as pool:
        won = sum(pool.map(claim, range(times)))

    assert 1 == won
    store.claim(CALL, PROMPT, 2, "r9")
    with pytest.raises(FloorLost):
        store.claim(CALL, LATER, 1, "r9")


# --- history ----------------------------------------------------------------------------------------------------------
def a_plan(**changes: Any) -> Plan:
    values: dict[str, Any] = {
        "old_mark": "",
        "new_mark": PROMPT,
        "number": 0,
        "entries": [{"role": "caller", "key": PROMPT, "text": "Hello"}],
        "events": [PROMPT],
        "replies": [PROMPT],
    }
    return Plan(**{**values, **changes})


@pytest.mark.accept("G16")
def test_a_compaction_moves_what_is_old_into_history(store: Any) -> None:
    """A10: the item keeps the rest; the entries are read back in order."""
    store.append(CALL, said())
    store.append(CALL, said(LATER, "r2"))

    store.compact(CALL, a_plan(), 1_800_000_000)

    item = store.load(CALL)
    assert ({LATER}, {LATER}, {LATER}) == (set(item["events"]), set(item["replies"]), item["floor_keys"])
    assert (PROMPT, 1) == (item["mark"], item["folded"])
    snapshot, segments = store.load_fixed(CALL)
    assert SNAPSHOT == snapshot
    assert [[{"role": "caller", "key": PROMPT, "text": "Hello"}]] == [list(s["entries"]) for s in segments]


def test_of_two_compactions_one_wins_and_nothing_is_lost(store: Any) -> None:
    """Row 54: the second is refused whole; its entries stay in the item."""
    store.append(CALL, said())
    store.append(CALL, said(LATER, "r2"))
    store.compact(CALL, a_plan(), 1_800_000_000)

    with pytest.raises(FloorLost):
        store.compact(CALL, a_plan(new_mark=LATER, events=[PROMPT, LATER], replies=[LATER]), 1_800_000_000)

    item = store.load(CALL)
    assert {LATER} == set(item["events"])
    assert 1 == len(store.load_fixed(CALL)[1])


def test_a_late_event_below_the_mark_is_kept(store: Any) -> None:
    """Row 54: appended to the item, whatever has been folded meanwhile."""
    store.append(CALL, said())
    store.compact(CALL, a_plan(), 1_800_000_000)
    late = ev.frame_key(1, AT - 50, ev.PROMPT, "m0")

    item = store.append(CALL, said(late, "r0"))

    assert late in item["events"]


# --- the wire ---------------------------------------------------------------------------------------------------------
class Recorder:
    """A client that notes what it is asked, and fails with what it is given."""

    def __init__(self, client: Any = None, error: Exception | None = None) -> None:
        self._client, self._error = client, error
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self.asked.append((name, arguments))
            if self._error:
                raise self._error
            return getattr(self._client, name)(**arguments)

        return call


def refusal(code: str) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "said the caller: canary"}}
    return ClientError(response, "UpdateItem")


def test_the_fence_is_never_read_from_a_copy() -> None:
    """Row 56: every read is consistent."""
    recorder = Recorder(error=refusal("InternalServerError"))
    sessions = Sessions(recorder, "t")

    for read in (sessions.load, sessions.load_fixed):
        with pytest.raises(DependencyError):
            read(CALL)

    assert [True, True] == [arguments.get("ConsistentRead") for _, arguments in recorder.asked]


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "InternalServerError", "ResourceNotFoundException", "AccessDeniedException"]
)
def test_a_table_that_fails_is_told_without_what_was_said(code: str) -> None:
    """Rows 50, 58: one family of error, its code, and no text of a caller."""
    sessions = Sessions(Recorder(error=refusal(code)), "t")
    writes: list[Callable[[], object]] = [
        lambda: sessions.append(CALL, said(text="canary")),
        lambda: sessions.journal(CALL, Journal(PROMPT, {"beat": 1})),
        lambda: sessions.claim(CALL, PROMPT, 1, "r"),
        lambda: sessions.end(CALL, "x"),
        lambda: sessions.compact(CALL, a_plan(), 1),
        lambda: sessions.load(CALL),
        lambda: sessions.load_fixed(CALL),
    ]

    for write in writes:
        with pytest.raises(DependencyError) as caught:
            write()
        assert code == caught.value.code
        assert "canary" not in str(caught.value)


def test_every_request_is_one_request() -> None:
    """No read before a write, and no second write."""
    recorder = Recorder(error=refusal("ConditionalCheckFailedException"))
    sessions = Sessions(recorder, "t")

    writes: list[Callable[[], object]] = [
        lambda: sessions.append(CALL, said()),
        lambda: sessions.journal(CALL, Journal(PROMPT, {"beat": 1})),
        lambda: sessions.claim(CALL, PROMPT, 1, "r"),
    ]

    for write in writes:
        with pytest.raises((SessionMissing, FloorLost)):
            write()

    assert ["update_item"] * 3 == [name for name, _ in recorder.asked]
    assert {"ALL_NEW"} == {arguments["ReturnValues"] for _, arguments in recorder.asked}


def test_a_long_history_is_read_to_its_end(aws: Aws) -> None:
    """Row 53: the snapshot sorts behind more than one page of it."""
    client = dynamodb(aws)
    put(client, aws.table, {"pk": call_pk(CALL), "sk": "SNAPSHOT", "doc": json.dumps(SNAPSHOT.to_doc())})
    for number in range(4):
        entries = [{"role": "caller", "key": PROMPT, "text": "x" * 300_000}]
        doc = json.dumps({"mark": PROMPT, "entries": entries})
        put(client, aws.table, {"pk": call_pk(CALL), "sk": f"HISTORY#{number:06d}", "doc": doc})

    snapshot, segments = Sessions(client, aws.table).load_fixed(CALL)

    assert isinstance(snapshot, Snapshot)
    assert 4 == len(segments)


def test_an_item_of_another_version_is_read_for_what_it_holds(store: Any) -> None:
    """Row 45: attributes a newer version has added do no harm."""
    item = store.append(CALL, said())

    assert {"created_ms", "recoveries", "expires_at"} <= set(item)
    assert isinstance(item["created_ms"], int)
