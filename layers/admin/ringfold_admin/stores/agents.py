"""Agents and their versions.

The agent as it is now is ``ORG#{organization_id}``, ``AGENT#{agent_id}``, where the voice webhook reads it; each of its
versions is an item of its own behind that (``…#V000001``), never changed again, which a number may pin. ``AGENT_ID#``
finds the organization of an agent, for the platform's administrators. ``revision`` is the version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringfold.adapters.directory import META, agent_key, organization_key
from ringfold.adapters.items import Key, doc_of
from ringfold.core.agent import Agent, agent_from_doc
from ringfold_admin.stores.audit import iso
from ringfold_admin.stores.table import Item, Table, Write, check, list_pk, places, without

KIND: Final = "agents"


class Agents:
    """Keeps agents."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def organization_of(self, agent_id: str) -> str | None:
        """Whose agent it is."""
        found = self._table.get(pointer_key(agent_id))
        return str(found["organization_id"]) if found else None

    def get(self, organization_id: str, agent_id: str, version: int | None = None) -> Item | None:
        """One agent's item, of now or of a version."""
        return self._table.get(agent_key(organization_id, agent_id, version))

    def exists(self, organization_id: str, agent_id: str, version: int | None = None) -> bool:
        """Whether the organization has such an agent, in this version if one is named."""
        return self.get(organization_id, agent_id, version) is not None

    def missing(self, organization_id: str, agent_ids: Sequence[str]) -> list[str]:
        """Those of these ids that are no agents of the organization, or are being removed."""
        found = self._table.get_many(agent_key(organization_id, each) for each in agent_ids)
        there = {key for key, item in found.items() if not item.get("is_leaving")}
        return [each for each in agent_ids if agent_key(organization_id, each) not in there]

    def page(self, scope: str, *, limit: int, after: str) -> tuple[list[Item], str]:
        """One page of a scope's agents, in the order of their ids."""
        listed, last = self._table.page(list_pk(KIND, scope), limit=limit, after=after)
        keys = [agent_key(entry["organization_id"], entry["sk"]) for entry in listed]
        found = self._table.get_many(keys)
        return [found[key] for key in keys if key in found], last

    def versions(self, organization_id: str, agent_id: str, *, limit: int, after: str) -> tuple[list[Item], str]:
        """One page of an agent's versions, the newest first."""
        pk, sk = agent_key(organization_id, agent_id)
        return self._table.page(pk, limit=limit, after=after, prefix=f"{sk}#V", newest_first=True)

    def create(self, item: Item, version: Item, audit: Sequence[Write]) -> None:
        """Store a new agent with its first version.

        Raises:
            Outdated: If its organization is gone or going.
        """
        owner = check(organization_key(item["organization_id"]), is_leaving=None)
        writes = [Write(item, revision=0), Write(version, revision=0), Write(_pointer(item), revision=0), owner]
        self._table.write([*writes, *_places(item), *audit])

    def change(self, old: Item, new: Item, version: Item, audit: Sequence[Write]) -> None:
        """Put another version in force.

        Raises:
            Outdated: If the agent was changed since it was read.
        """
        self._table.write([Write(new, revision=old["revision"]), Write(version), *audit])

    def mark(self, item: Item, *, leaving: bool) -> Item:
        """Say that an agent is being removed, or stays: no number can name one that is leaving.

        Its version stays the same, and whoever changes it takes the mark away.

        Raises:
            Outdated: If it was changed since it was read.
        """
        marked = {name: value for name, value in item.items() if name != "is_leaving"}
        marked |= {"is_leaving": True} if leaving else {}
        self._table.write([Write(marked, revision=item["revision"])])
        return marked

    def delete(self, item: Item, audit: Sequence[Write]) -> None:
        """Take an agent away that is marked; its versions stay, for the calls that are told of with them.

        Raises:
            Outdated: If it was changed since it was read.
        """
        key = {"pk": item["pk"], "sk": item["sk"]}
        gone = Write(key, revision=item["revision"], act="delete", must={"is_leaving": True})
        self._table.write([gone, *without([Write(_pointer(item)), *_places(item)]), *audit])


def pointer_key(agent_id: str) -> Key:
    """The item that tells whose an agent is."""
    return f"AGENT_ID#{agent_id}", META


def new_items(agent: Agent, now_ms: int, *, note: str, made_by: str) -> tuple[Item, Item]:
    """A new agent's item and that of its first version."""
    at = iso(now_ms)
    return _items(agent, 1, at, at, note, made_by)


def next_items(old: Item, agent: Agent, now_ms: int, *, note: str, made_by: str) -> tuple[Item, Item]:
    """The item with other settings, and that of the version this makes."""
    return _items(agent, old["revision"] + 1, old["created_at"], iso(now_ms), note, made_by)


def beside(item: Item) -> list[Item]:
    """What finds an agent, for whoever loads tables by hand."""
    return [_pointer(item), *(write.item for write in _places(item))]


def agent_of(item: Item) -> Agent:
    """The agent an item holds.

    Raises:
        ConfigError: If it cannot be read.
    """
    return agent_from_doc(doc_of(item))


def view(item: Item) -> dict[str, Any]:
    """An agent as the API shows it, of now or of a version."""
    doc: Mapping[str, Any] = agent_of(item).to_doc()
    seen = {name: list(value) if isinstance(value, tuple) else value for name, value in doc.items()}
    return {
        "id": seen.pop("agent_id"),
        **seen,
        "version": item["revision"],
        "created_at": item["created_at"],
        "updated_at": item["updated_at"],
    }


def version_view(item: Item) -> dict[str, Any]:
    """A version as the API shows it."""
    return {**view(item), "note": item.get("note", ""), "made_by": item.get("made_by", "")}


def _items(agent: Agent, revision: int, created_at: str, at: str, note: str, made_by: str) -> tuple[Item, Item]:
    pk, sk = agent_key(agent.organization_id, agent.agent_id)
    item: Item = {
        "pk": pk,
        "sk": sk,
        "agent_id": agent.agent_id,
        "organization_id": agent.organization_id,
        "doc": json.dumps(agent.to_doc()),
        "revision": revision,
        "created_at": created_at,
        "updated_at": at,
    }
    _, version_sk = agent_key(agent.organization_id, agent.agent_id, revision)
    return item, {**item, "sk": version_sk, "note": note, "made_by": made_by}


def _pointer(item: Item) -> Item:
    pk, sk = pointer_key(item["agent_id"])
    return {"pk": pk, "sk": sk, "organization_id": item["organization_id"]}


def _places(item: Item) -> list[Write]:
    owner = item["organization_id"]
    return places(KIND, owner, item["agent_id"], organization_id=owner)
