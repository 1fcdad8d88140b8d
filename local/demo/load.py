"""Loads the demo into the tables, once.

What is there stays as it is, a changed seat or an edited agent; what somebody removed does not come back.

Account SIDs and auth tokens are made up at random when an account is first seen, and kept in Secrets Manager only:
the tables hold the secret's ARN. Whoever calls this gets them, for the telephone that plays Twilio's part.

Everything of the directory is written in one transaction, with a mark that says which demo it is. Tables that an older
version filled have no mark: what is in them gets what the administrators' API asks for beside it.
"""

from __future__ import annotations

import hashlib
import json
import secrets as randomness
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.stored import Stored, read_stored
from ringfold.adapters import codec
from ringfold.adapters.directory import META, account_sid_key, number_key
from ringfold.adapters.items import wire_key
from ringfold.core.agent import agent_from_doc
from ringfold.tools.airline import flight_key, reservation_key, seat_key
from ringfold_admin.stores import accounts as account_store
from ringfold_admin.stores import agents as agent_store
from ringfold_admin.stores import numbers as number_store
from ringfold_admin.stores import organizations as organization_store
from ringfold_admin.stores.audit import iso
from ringfold_admin.stores.table import Item, Table, Write, places

HERE = Path(__file__).parent
DEMO_VERSION = 1
MARK = ("LOCAL#DEMO", META)
NUMBER_DOC = (
    "name",
    "greeting",
    "resume_greeting",
    "named_greeting",
    "transfer_number",
    "relay",
    "languages",
    "agents",
    "base_url",
)
BATCH = 25
"""As many items as BatchWriteItem takes."""

Resource = tuple[Item, list[Item]]
"""A resource's own item, and those beside it: its places in lists, what finds it by another name."""


def seed(dynamodb: Any, secrets: Any, table: str, airline_table: str, secret_prefix: str) -> Stored:
    """Load everything; may be repeated.

    Args:
        dynamodb: A botocore client.
        secrets: A botocore client of Secrets Manager.
        table: The product's table.
        airline_table: The demo airline's table.
        secret_prefix: Of the accounts' secrets, for example ``/ringfold/dev/``.

    Returns:
        What is stored now, the demo first.
    """
    found = seed_directory(dynamodb, secrets, table, secret_prefix)
    seed_airline(dynamodb, airline_table)
    return found


def seed_directory(dynamodb: Any, secrets: Any, table_name: str, secret_prefix: str) -> Stored:
    """Load organizations, accounts with their secrets, agents and numbers; returns what :func:`seed` does."""
    table = Table(dynamodb, table_name)
    mark = table.get(MARK)
    if mark is None or mark["version"] < DEMO_VERSION:
        resources = list(_resources(secrets, secret_prefix, time.time_ns() // 1_000_000))
        found = table.get_many((item["pk"], item["sk"]) for item, _ in resources)
        writes = [write for item, beside in resources for write in _missing(item, beside, found)]
        pk, sk = MARK
        table.write([*writes, Write({"pk": pk, "sk": sk, "version": DEMO_VERSION})])
    return stored(dynamodb, secrets, table_name)


def stored(dynamodb: Any, secrets: Any, table_name: str) -> Stored:
    """What is stored now, the demo first."""
    rows = [row for name in ("organizations", "accounts", "numbers") for row in _read(name)]
    first = [row.get("number_id") or row.get("account_id") or row["organization_id"] for row in rows]
    return read_stored(dynamodb, secrets, table_name, first)


def seed_airline(dynamodb: Any, airline_table: str) -> None:
    """Load flights, seats and reservations."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda flight: _load_flight(dynamodb, airline_table, flight), _read("airline")["flights"]))


def _read(name: str) -> Any:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def _put(dynamodb: Any, table: str, item: Item) -> None:
    wire = codec.dump_item(item)
    try:
        dynamodb.put_item(TableName=table, Item=wire, ConditionExpression="attribute_not_exists(pk)")
    except ClientError as exc:
        if exc.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise


def _resources(secrets: Any, secret_prefix: str, now_ms: int) -> Iterator[Resource]:
    stamp = {"revision": 1, "created_at": iso(now_ms), "updated_at": iso(now_ms)}
    for row in _read("organizations"):
        organization_id = row["organization_id"]
        item = organization_store.new_item(organization_id, row["name"], now_ms)
        yield item, _items_of(places(organization_store.KIND, None, organization_id)[:1])
    accounts = {row["account_id"]: _account(secrets, secret_prefix, row, now_ms) for row in _read("accounts")}
    yield from accounts.values()
    for row in _read("agents"):
        yield _agent(row, now_ms)
    for row in _read("numbers"):
        yield _number(row, accounts[row["account_id"]][0], stamp)


def _missing(item: Item, beside: list[Item], found: Mapping[tuple[str, str], Item]) -> Iterator[Write]:
    old = found.get((item["pk"], item["sk"]))
    if old is not None and "revision" in old:
        return
    # What an older version stored keeps its settings.
    yield Write({**item, **old}) if old else Write(item, revision=0)
    yield from map(Write, beside)


def _items_of(writes: list[Write]) -> list[Item]:
    return [write.item for write in writes]


def _account(secrets: Any, secret_prefix: str, row: Mapping[str, Any], now_ms: int) -> Resource:
    """The account; its secret is made at the first seed."""
    account_id, organization_id = row["account_id"], row["organization_id"]
    name = f"{secret_prefix}accounts/{account_id}/twilio"
    try:
        found = secrets.get_secret_value(SecretId=name)
        account_sid, arn = json.loads(found["SecretString"])["account_sid"], found["ARN"]
    except ClientError as exc:
        if exc.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        account_sid = f"AC{randomness.token_hex(16)}"
        value = {"account_sid": account_sid, "auth_token": randomness.token_hex(16), "secondary_token": None}
        arn = secrets.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
    doc = {"name": row["name"], "base_url": None}
    item = account_store.new_item(account_id, account_sid, organization_id, now_ms, is_active=True, doc=doc)
    pk, sk = account_sid_key(account_sid)
    claim = {"pk": pk, "sk": sk, "account_id": account_id, "account_sid": account_sid}
    return {**item, "secret_arn": arn}, [claim, *_items_of(places(account_store.KIND, organization_id, account_id))]


def _agent(row: Mapping[str, Any], now_ms: int) -> Resource:
    agent = agent_from_doc({**row, "instructions": "\n".join(row["instructions"])})
    item, version = agent_store.new_items(agent, now_ms, note="the demo", made_by="local")
    return item, [version, *agent_store.beside(item)]


def _number(row: Mapping[str, Any], account: Item, stamp: Mapping[str, Any]) -> Resource:
    number_id, phone_number, account_id = row["number_id"], row["phone_number"], row["account_id"]
    item = _item(
        number_key(phone_number),
        {name: row.get(name) for name in NUMBER_DOC},
        number_id=number_id,
        phone_number=phone_number,
        organization_id=row["organization_id"],
        account_id=account_id,
        account_sid=account["account_sid"],
        secret_arn=account["secret_arn"],
        phone_sid=_phone_sid(account["account_sid"], phone_number),
        account_active=True,
        is_active=True,
        state="active",
        routing_mode=row["routing_mode"],
        default_agent_id=row["default_agent_id"],
        **stamp,
    )
    return item, number_store.everything(item)[1:]


def _phone_sid(account_sid: str, phone_number: str) -> str:
    """The SID under which the local carrier enters a number of the run."""
    return "PN" + hashlib.sha256(f"{account_sid} {phone_number}".encode()).hexdigest()[:32]


def _load_flight(dynamodb: Any, table: str, flight: Mapping[str, Any]) -> None:
    """A flight with its seats and reservations; the flight itself comes last and says that the rest is there."""
    airline = _read("airline")
    organization_id, flight_number = airline["organization_id"], flight["flight_number"]
    key = flight_key(organization_id, flight_number)
    if "Item" in dynamodb.get_item(TableName=table, Key=wire_key(key), ConsistentRead=True):
        return
    booked = [row for row in airline["reservations"] if row["flight_number"] == flight_number]
    items = [*_seat_items(airline, flight_number, booked), *(_reservation_item(organization_id, row) for row in booked)]
    for start in range(0, len(items), BATCH):
        puts = [{"PutRequest": {"Item": codec.dump_item(item)}} for item in items[start : start + BATCH]]
        left = {table: puts}
        while left:
            left = dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems")
    _put(dynamodb, table, _item(key, flight))


def _reservation_item(organization_id: str, row: Mapping[str, Any]) -> Item:
    facts = {name: value for name, value in row.items() if name not in {"confirmation_code", "seat", "phone_number"}}
    key = reservation_key(organization_id, row["confirmation_code"])
    return _item(key, facts, flight_number=row["flight_number"], seat=row["seat"], phone_number=row["phone_number"])


def _seat_items(airline: Mapping[str, Any], flight_number: str, booked: list[Mapping[str, Any]]) -> Iterator[Item]:
    taken = {row["seat"]: row["confirmation_code"] for row in booked}
    for cabin in airline["cabins"]:
        first, last = cabin["rows"]
        for seat in (f"{row}{letter}" for row in range(first, last + 1) for letter in cabin["letters"]):
            pk, sk = seat_key(airline["organization_id"], flight_number, seat)
            kind = airline["kinds"][seat[-1]]
            item = {"pk": pk, "sk": sk, "seat": seat, "cabin": cabin["cabin"], "type": kind}
            if seat not in airline["free"][flight_number]:
                item["taken_by"] = taken.get(seat, "another traveler")
            yield item


def _item(key: tuple[str, str], doc: Mapping[str, Any], **attributes: Any) -> Item:
    return {"pk": key[0], "sk": key[1], "doc": json.dumps(doc), **attributes}
