"""Loads the demo into the tables: once; what is there already, a changed seat or an edited agent, stays as it is.

Account SIDs and auth tokens are made up at random when an account is first seen, and kept in Secrets Manager only:
the tables hold the secret's ARN. Whoever calls this gets them, for the telephone that plays Twilio's part.
"""

from __future__ import annotations

import json
import secrets as randomness
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ringfold.adapters import codec
from ringfold.adapters.directory import account_key, account_sid_key, agent_key, number_key, organization_key
from ringfold.adapters.items import wire_key
from ringfold.core.agent import agent_from_doc
from ringfold.tools.airline import flight_key, reservation_key, seat_key

HERE = Path(__file__).parent
NUMBER_DOC = ("name", "greeting", "resume_greeting", "transfer_number", "relay", "languages", "agents", "base_url")
BATCH = 25
"""As many items as BatchWriteItem takes."""
Item = dict[str, Any]


def seed(dynamodb: Any, secrets: Any, table: str, airline_table: str, secret_prefix: str) -> dict[str, Any]:
    """Load everything; may be repeated.

    Args:
        dynamodb: A botocore client.
        secrets: A botocore client of Secrets Manager.
        table: The product's table.
        airline_table: The demo airline's table.
        secret_prefix: Of the accounts' secrets, for example ``/ringfold/dev/``.

    Returns:
        ``organizations``, ``accounts`` (with their ``auth_token``) and ``numbers``.
    """
    found = seed_directory(dynamodb, secrets, table, secret_prefix)
    seed_airline(dynamodb, airline_table)
    return found


def seed_directory(dynamodb: Any, secrets: Any, table: str, secret_prefix: str) -> dict[str, Any]:
    """Load organizations, accounts with their secrets, agents and numbers; returns what :func:`seed` does."""
    accounts = [_account(secrets, secret_prefix, row) for row in _read("accounts")]
    organizations, numbers = _read("organizations"), _read("numbers")
    by_id = {account["account_id"]: account for account in accounts}
    items = [_organization_item(row) for row in organizations]
    items += [item for account in accounts for item in _account_items(account)]
    items += [_agent_item(row) for row in _read("agents")]
    items += [_number_item(row, by_id[row["account_id"]]) for row in numbers]
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda item: _put(dynamodb, table, item), items))
    return {
        "organizations": [{"id": row["organization_id"], "name": row["name"]} for row in organizations],
        "accounts": [_account_entry(account) for account in accounts],
        "numbers": [_number_entry(row) for row in numbers],
    }


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


def _account(secrets: Any, secret_prefix: str, row: Mapping[str, Any]) -> Item:
    """The account with its secret, made at the first seed."""
    name = f"{secret_prefix}accounts/{row['account_id']}/twilio"
    try:
        found = secrets.get_secret_value(SecretId=name)
        value, arn = json.loads(found["SecretString"]), found["ARN"]
    except ClientError as exc:
        if exc.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        value = {
            "account_sid": f"AC{randomness.token_hex(16)}",
            "auth_token": randomness.token_hex(16),
            "secondary_token": None,
        }
        arn = secrets.create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
    return {**row, "secret_arn": arn, "account_sid": value["account_sid"], "auth_token": value["auth_token"]}


def _organization_item(row: Mapping[str, Any]) -> Item:
    return _item(
        organization_key(row["organization_id"]), {"name": row["name"]}, organization_id=row["organization_id"]
    )


def _account_items(account: Mapping[str, Any]) -> Iterator[Item]:
    account_id, account_sid = account["account_id"], account["account_sid"]
    yield _item(
        account_key(account_id),
        {"name": account["name"], "base_url": None},
        account_id=account_id,
        account_sid=account_sid,
        organization_id=account["organization_id"],
        secret_arn=account["secret_arn"],
        is_active=True,
    )
    pk, sk = account_sid_key(account_sid)
    yield {"pk": pk, "sk": sk, "account_id": account_id, "account_sid": account_sid}


def _agent_item(row: Mapping[str, Any]) -> Item:
    agent = agent_from_doc({**row, "instructions": "\n".join(row["instructions"])})
    return _item(agent_key(agent.organization_id, agent.agent_id), agent.to_doc())


def _number_item(row: Mapping[str, Any], account: Mapping[str, Any]) -> Item:
    return _item(
        number_key(row["phone_number"]),
        {name: row.get(name) for name in NUMBER_DOC},
        number_id=row["number_id"],
        phone_number=row["phone_number"],
        organization_id=row["organization_id"],
        account_id=row["account_id"],
        account_sid=account["account_sid"],
        secret_arn=account["secret_arn"],
        account_active=True,
        is_active=True,
        routing_mode=row["routing_mode"],
        default_agent_id=row["default_agent_id"],
    )


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


def _account_entry(account: Mapping[str, Any]) -> Item:
    return {
        "id": account["account_id"],
        "organization_id": account["organization_id"],
        "account_sid": account["account_sid"],
        "auth_token": account["auth_token"],
    }


def _number_entry(row: Mapping[str, Any]) -> Item:
    return {
        "id": row["number_id"],
        "phone_number": row["phone_number"],
        "organization_id": row["organization_id"],
        "account_id": row["account_id"],
        "routing_mode": row["routing_mode"],
    }
