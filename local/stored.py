"""What the tables hold for clients of the running system: organizations, accounts with their tokens, numbers.

Read through the administrators' own lists, so that what was made, bought or removed by the API is seen like the demo.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from ringfold.adapters.directory import number_key
from ringfold.adapters.items import doc_of
from ringfold_admin.stores.accounts import Accounts
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import ALL, Item, Table, list_pk

PAGE = 100
Stored = dict[str, list[dict[str, Any]]]


def read_stored(dynamodb: Any, secrets: Any, table_name: str, first: Sequence[str] = ()) -> Stored:
    """Read everything.

    Args:
        dynamodb: A botocore client.
        secrets: A botocore client of Secrets Manager.
        table_name: The product's table.
        first: Ids that come first, in this order; the rest follows in the order it was made.

    Returns:
        ``organizations``, ``accounts`` (with their present ``auth_token``; without one whose secret is gone) and
        ``numbers``, as `.local/run.json` has them.
    """
    table = Table(dynamodb, table_name)
    organizations = [_organization(item) for item in _all(Organizations(table).page)]
    items = list(_all(lambda **page: Accounts(table).page(ALL, **page)))
    with ThreadPoolExecutor(max_workers=8) as pool:
        accounts = [each for each in pool.map(lambda item: _account(secrets, item), items) if each is not None]
    numbers = [_number(item) for item in _all(lambda **page: _numbers(table, **page))]
    place = {resource_id: at for at, resource_id in enumerate(first)}

    def in_order(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(found, key=lambda each: (place.get(each["id"], len(place)), each["id"]))

    return {"organizations": in_order(organizations), "accounts": in_order(accounts), "numbers": in_order(numbers)}


def _all(read: Callable[..., tuple[list[Item], str]]) -> Iterator[Item]:
    after, more = "", True
    while more:
        items, after = read(limit=PAGE, after=after)
        yield from items
        more = bool(after)


def _numbers(table: Table, *, limit: int, after: str) -> tuple[list[Item], str]:
    listed, last = table.page(list_pk("numbers", ALL), limit=limit, after=after)
    found = table.get_many(number_key(entry["phone_number"]) for entry in listed)
    return list(found.values()), last


def _organization(item: Item) -> dict[str, Any]:
    return {"id": item["organization_id"], "name": doc_of(item).get("name", "")}


def _account(secrets: Any, item: Item) -> dict[str, Any] | None:
    try:
        found = secrets.get_secret_value(SecretId=item["secret_arn"])
        auth_token = json.loads(found["SecretString"])["auth_token"]
    except (ClientError, ValueError, KeyError) as exc:
        reason = exc.response["Error"]["Code"] if isinstance(exc, ClientError) else type(exc).__name__
        print(f"account {item['account_id']}: its credentials cannot be read ({reason})")
        return None
    return {
        "id": item["account_id"],
        "organization_id": item.get("organization_id"),
        "account_sid": item["account_sid"],
        "auth_token": auth_token,
    }


def _number(item: Item) -> dict[str, Any]:
    names = ("phone_number", "organization_id", "account_id", "routing_mode")
    doc = doc_of(item)
    told = {"transfer_number": doc.get("transfer_number"), "language": (doc.get("relay") or {}).get("language")}
    return {"id": item["number_id"], **{name: item.get(name) for name in names}, **told}
