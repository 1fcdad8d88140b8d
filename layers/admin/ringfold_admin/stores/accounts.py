"""Twilio accounts: ``ACCOUNT#{account_id}``, ``META``; ``ACCOUNT_SID#{account_sid}``, ``META`` claims the SID.

Tokens are in Secrets Manager (``vault.py``); the item knows the secret's ARN only. ``account_sid``, ``secret_arn`` and
``is_active`` are attributes of their own, where the voice webhook reads them; the rest is in ``doc``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ringfold.adapters.directory import account_key, account_sid_key, organization_key
from ringfold.adapters.items import doc_of
from ringfold_admin.stores.audit import iso
from ringfold_admin.stores.table import Item, Table, Write, check, list_pk, places, without

KIND = "accounts"
NUMBERS_PREFIX = "ACCOUNT_NUMBERS#"


class Accounts:
    """Keeps accounts."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account_id: str) -> Item | None:
        """One account's item."""
        return self._table.get(account_key(account_id))

    def page(self, scope: str, *, limit: int, after: str) -> tuple[list[Item], str]:
        """One page of a scope's accounts, in the order of their ids."""
        listed, last = self._table.page(list_pk(KIND, scope), limit=limit, after=after)
        keys = [account_key(entry["sk"]) for entry in listed]
        found = self._table.get_many(keys)
        return [found[key] for key in keys if key in found], last

    def owner_of_sid(self, account_sid: str) -> str | None:
        """The id of the account that claims a SID."""
        found = self._table.get(account_sid_key(account_sid))
        return str(found["account_id"]) if found else None

    def create(self, item: Item, audit: Sequence[Write]) -> None:
        """Store a new one and claim its SID.

        Raises:
            Taken: If another account claims the SID.
            Outdated: If its organization is gone or going.
        """
        owner = item.get("organization_id")
        checks = [check(organization_key(owner), is_leaving=None)] if owner else []
        self._table.write([Write(item, revision=0), Write(_claim(item), revision=0), *checks, *_places(item), *audit])

    def change(self, old: Item, new: Item, audit: Sequence[Write]) -> None:
        """Replace the one that was read.

        Raises:
            Outdated: If it was changed since.
        """
        self._table.write([Write(new, revision=old["revision"]), *audit])

    def delete(self, item: Item, audit: Sequence[Write]) -> None:
        """Take it away and give its SID free.

        Raises:
            Outdated: If it was changed since.
        """
        gone = Write({"pk": item["pk"], "sk": item["sk"]}, revision=item["revision"], act="delete")
        self._table.write([gone, *without([Write(_claim(item)), *_places(item)]), *audit])

    def has_numbers(self, account_id: str) -> bool:
        """Whether numbers belong to the account."""
        listed, _ = self._table.page(account_numbers_pk(account_id), limit=1)
        return bool(listed)


def account_numbers_pk(account_id: str) -> str:
    """The partition that holds an entry for every number of an account; the numbers' store writes it."""
    return f"{NUMBERS_PREFIX}{account_id}"


def new_item(
    account_id: str,
    account_sid: str,
    organization_id: str | None,
    now_ms: int,
    *,
    is_active: bool,
    doc: Mapping[str, Any],
) -> Item:
    """An account's item, as it is first stored.

    Args:
        account_id: Our id.
        account_sid: Twilio's.
        organization_id: Whose it is; ``None`` for the platform's.
        now_ms: Now.
        is_active: Whether calls are answered on its numbers.
        doc: ``name``, ``base_url``, ``api_key_sid`` and what the last test found.
    """
    at = iso(now_ms)
    pk, sk = account_key(account_id)
    return {
        "pk": pk,
        "sk": sk,
        "account_id": account_id,
        "account_sid": account_sid,
        "organization_id": organization_id,
        "secret_arn": "",
        "is_active": is_active,
        "doc": json.dumps(dict(doc)),
        "revision": 1,
        "created_at": at,
        "updated_at": at,
    }


def changed_item(item: Item, now_ms: int, *, doc: Mapping[str, Any] | None = None, **attributes: Any) -> Item:
    """The same with other settings: ``doc`` is merged into what is there."""
    merged = {**doc_of(item), **(doc or {})}
    stamp = {"revision": item["revision"] + 1, "updated_at": iso(now_ms)}
    return {**item, **attributes, "doc": json.dumps(merged), **stamp}


def view(item: Item) -> dict[str, Any]:
    """An account as the API shows it: no token in it."""
    doc = doc_of(item)
    organization_id = item.get("organization_id")
    return {
        "id": item["account_id"],
        "scope": "organization" if organization_id else "platform",
        "organization_id": organization_id,
        "name": doc.get("name", ""),
        "account_sid": item["account_sid"],
        "api_key_sid": doc.get("api_key_sid"),
        "base_url": doc.get("base_url"),
        "is_active": item["is_active"],
        "has_secondary_token": bool(doc.get("has_secondary_token")),
        "connection": doc.get("connection"),
        "created_at": item["created_at"],
        "updated_at": item["updated_at"],
        "revision": item["revision"],
    }


def _claim(item: Item) -> Item:
    pk, sk = account_sid_key(item["account_sid"])
    return {"pk": pk, "sk": sk, "account_id": item["account_id"], "account_sid": item["account_sid"]}


def _places(item: Item) -> list[Write]:
    return places(KIND, item.get("organization_id"), item["account_id"])
