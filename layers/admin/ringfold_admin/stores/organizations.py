"""Organizations: ``ORG#{organization_id}``, ``META``; the name in ``doc``, where the voice webhook reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ringfold.adapters.directory import organization_key
from ringfold.adapters.items import doc_of
from ringfold_admin.stores.audit import iso
from ringfold_admin.stores.table import ALL, Item, Table, Write, list_pk, places, without

KIND = "organizations"


class Organizations:
    """Keeps organizations."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, organization_id: str) -> Item | None:
        """One organization's item."""
        return self._table.get(organization_key(organization_id))

    def exists(self, organization_id: str) -> bool:
        """Whether there is such an organization."""
        return self.get(organization_id) is not None

    def page(self, *, limit: int, after: str) -> tuple[list[Item], str]:
        """One page of all organizations, in the order of their ids."""
        listed, last = self._table.page(list_pk(KIND, ALL), limit=limit, after=after)
        keys = [organization_key(entry["sk"]) for entry in listed]
        found = self._table.get_many(keys)
        return [found[key] for key in keys if key in found], last

    def create(self, item: Item, audit: Sequence[Write]) -> None:
        """Store a new one."""
        self._table.write([Write(item, revision=0), *_places(item), *audit])

    def change(self, old: Item, new: Item, audit: Sequence[Write]) -> None:
        """Replace the one that was read.

        Raises:
            Outdated: If it was changed since.
        """
        self._table.write([Write(new, revision=old["revision"]), *audit])

    def mark(self, item: Item, *, leaving: bool) -> Item:
        """Say that one is being removed, or stays: nothing can become the property of one that is leaving.

        Its revision stays the same, and whoever changes it takes the mark away.

        Raises:
            Outdated: If it was changed since it was read.
        """
        marked = {name: value for name, value in item.items() if name != "is_leaving"}
        marked |= {"is_leaving": True} if leaving else {}
        self._table.write([Write(marked, revision=item["revision"])])
        return marked

    def delete(self, item: Item, audit: Sequence[Write]) -> None:
        """Take one away that is marked.

        Raises:
            Outdated: If it was changed since it was marked.
        """
        key = {"pk": item["pk"], "sk": item["sk"]}
        gone = Write(key, revision=item["revision"], act="delete", must={"is_leaving": True})
        self._table.write([gone, *without(_places(item)), *audit])


def new_item(organization_id: str, name: str, now_ms: int) -> Item:
    """An organization's item, as it is first stored."""
    at = iso(now_ms)
    pk, sk = organization_key(organization_id)
    return {
        "pk": pk,
        "sk": sk,
        "organization_id": organization_id,
        "doc": json.dumps({"name": name}),
        "revision": 1,
        "created_at": at,
        "updated_at": at,
    }


def changed_item(item: Item, changed: dict[str, Any], now_ms: int) -> Item:
    """The same with other settings."""
    doc = {**doc_of(item), **changed}
    kept = {name: value for name, value in item.items() if name != "is_leaving"}
    return {**kept, "doc": json.dumps(doc), "revision": item["revision"] + 1, "updated_at": iso(now_ms)}


def view(item: Item) -> dict[str, Any]:
    """An organization as the API shows it."""
    return {
        "id": item["organization_id"],
        "name": doc_of(item).get("name", ""),
        "memory_days": doc_of(item).get("memory_days", 0),
        "created_at": item["created_at"],
        "updated_at": item["updated_at"],
        "revision": item["revision"],
    }


def _places(item: Item) -> list[Write]:
    # Everybody's list and the platform's are the same here: only the platform lists organizations.
    return places(KIND, None, item["organization_id"])[:1]
