"""Phone numbers: ``NUMBER#{phone number}``, ``META``, which is all the voice webhook reads to know who is called.

| item | pk | sk |
|---|---|---|
| a number | ``NUMBER#{phone number}`` | ``META`` |
| what Twilio said of it last | ``NUMBER#{phone number}`` | ``CARRIER`` |
| its phone number by its id | ``NUMBER_ID#{number_id}`` | ``META`` |
| one of an account's numbers | ``ACCOUNT_NUMBERS#{account_id}`` | the number's id |
| one that names an agent | ``AGENT_NUMBERS#{organization_id}#{agent_id}`` | the number's id |
| which number a request is buying | ``PURCHASES#{account_id}`` | the request |

The phone number is the key, so it is here once at most. ``state`` tells a number that is being bought or given back
from one that is in use: the record is there before money is spent, and until the number is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfold.adapters.directory import META, account_key, agent_key, number_key, organization_key
from ringfold.adapters.items import Key, doc_of
from ringfold.core.lines import STATE_ACTIVE
from ringfold_admin.stores.accounts import account_numbers_pk
from ringfold_admin.stores.audit import iso
from ringfold_admin.stores.table import Item, Table, Write, check, list_pk, places, without

KIND: Final = "numbers"
CARRIER: Final = "CARRIER"
ATTRIBUTES: Final = ("is_active", "routing_mode", "default_agent_id", "default_agent_version")
"""Settings that are attributes of their own; the others are in ``doc``."""


@dataclass(frozen=True)
class NumberRecord:
    """A number with what it takes to show it.

    Attributes:
        item: The number.
        seen: What Twilio said of it last; ``{}`` when it was never asked.
        account: The owning account's item; ``{}`` when there is none.
    """

    item: Item
    seen: Item
    account: Item

    @property
    def doc(self) -> dict[str, Any]:
        """The settings."""
        return doc_of(self.item)

    @property
    def phone_number(self) -> str:
        """In E.164."""
        return str(self.item["phone_number"])

    @property
    def phone_sid(self) -> str:
        """Twilio's SID; ``""`` while it is being bought."""
        return str(self.item.get("phone_sid") or "")

    @property
    def organization_id(self) -> str | None:
        """Whom it serves; ``None``: nobody yet."""
        return self.item.get("organization_id") or None

    @property
    def state(self) -> str:
        """See :mod:`ringfold.core.lines`."""
        return str(self.item.get("state") or STATE_ACTIVE)


class Numbers:
    """Keeps numbers."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def at(self, phone_number: str) -> Item | None:
        """A number by its phone number."""
        return self._table.get(number_key(phone_number))

    def get(self, number_id: str) -> Item | None:
        """A number by its id."""
        pointer = self._table.get(pointer_key(number_id))
        item = self.at(pointer["phone_number"]) if pointer else None
        # The pointer of a number that was given back and bought again is another's.
        return item if item is not None and item.get("number_id") == number_id else None

    def record(self, number_id: str) -> NumberRecord | None:
        """A number by its id, with what it takes to show it: two reads."""
        pointer = self._table.get(pointer_key(number_id))
        if pointer is None:
            return None
        phone, account = str(pointer["phone_number"]), account_key(str(pointer["account_id"]))
        found = self._table.get_many([number_key(phone), carrier_key(phone), account])
        item = found.get(number_key(phone))
        if item is None or item.get("number_id") != number_id:
            return None
        return NumberRecord(item, found.get(carrier_key(phone), {}), found.get(account, {}))

    def page(self, scope: str, *, limit: int, after: str) -> tuple[list[NumberRecord], str]:
        """One page of a scope's numbers, in the order of their ids: a query, and a read for every hundred items."""
        listed, last = self._table.page(list_pk(KIND, scope), limit=limit, after=after)
        phones = [str(entry["phone_number"]) for entry in listed]
        accounts = [account_key(str(entry["account_id"])) for entry in listed]
        keys = [key for phone in phones for key in (number_key(phone), carrier_key(phone))]
        found = self._table.get_many([*keys, *accounts])
        records = [
            NumberRecord(found[number_key(phone)], found.get(carrier_key(phone), {}), found.get(account, {}))
            for phone, account in zip(phones, accounts, strict=True)
            if number_key(phone) in found
        ]
        return records, last

    def of_account(self, account_id: str, *, limit: int) -> list[Item]:
        """Some numbers of an account."""
        listed, _ = self._table.page(account_numbers_pk(account_id), limit=limit)
        found = self._table.get_many(number_key(str(entry["phone_number"])) for entry in listed)
        return list(found.values())

    def naming(self, organization_id: str, agent_id: str) -> list[str]:
        """Phone numbers whose default or pool an agent is; a few at most."""
        listed, _ = self._table.page(agent_numbers_pk(organization_id, agent_id), limit=5)
        return [str(entry["phone_number"]) for entry in listed]

    def claimed(self, account_id: str, request: str) -> str | None:
        """The phone number that a request is buying."""
        found = self._table.get(claim_key(account_id, request))
        return str(found["phone_number"]) if found else None

    def begin(
        self, item: Item, audit: Sequence[Write], *, claim: str = "", expires_s: int = 0, seen: Item | None = None
    ) -> None:
        """Store a new number.

        Args:
            item: The number.
            audit: Written with it.
            claim: The request that is buying it, where the request does not name the number itself.
            expires_s: Until when that is remembered, epoch seconds.
            seen: What Twilio said of it.

        Raises:
            Taken: If the phone number is here already, or the request is buying another.
            Outdated: If its account or organization is gone or going.
        """
        writes = [Write(item, revision=0), *_satellites(item), check(account_key(item["account_id"]), is_leaving=None)]
        writes += _checks(item, ())
        if claim:
            writes.append(Write({**_claim(item, claim), "expires_at": expires_s}, revision=0))
        if seen is not None:
            writes.append(Write(seen))
        self._table.write([*writes, *audit])

    def change(self, old: Item, new: Item, audit: Sequence[Write], *, seen: Item | None = None) -> None:
        """Replace the one that was read.

        Raises:
            Outdated: If it was changed since, or names an agent or organization that is gone.
        """
        before = {write.key: write for write in _satellites(old)}
        after = {write.key: write for write in _satellites(new)}
        gone = without(write for key, write in before.items() if key not in after)
        made = [write for key, write in after.items() if key not in before]
        moved = [] if old.get("organization_id") == new.get("organization_id") else _checks(new, ())
        agents = [] if moved else _checks(new, agents_of(old), organization=False)
        writes = [Write(new, revision=old["revision"]), *gone, *made, *(moved or agents)]
        if seen is not None:
            writes.append(Write(seen))
        self._table.write([*writes, *audit])

    def drop_claim(self, item: Item, claim: str) -> None:
        """Let a request that has bought its number buy another."""
        self._table.write(without([Write(_claim(item, claim))]))

    def remove(self, item: Item, audit: Sequence[Write], *, claim: str = "") -> None:
        """Take a number away.

        Raises:
            Outdated: If it was changed since it was read.
        """
        gone = Write({"pk": item["pk"], "sk": item["sk"]}, revision=item["revision"], act="delete")
        pk, sk = carrier_key(item["phone_number"])
        rest = [*_satellites(item), Write({"pk": pk, "sk": sk})]
        if claim:
            rest.append(Write(_claim(item, claim)))
        self._table.write([gone, *without(rest), *audit])

    def audit(self, audit: Sequence[Write]) -> None:
        """Write down what was done at Twilio, where nothing of ours changed."""
        self._table.write(audit)

    def note(self, item: Item, seen: Item) -> None:
        """Keep what Twilio said of a number, as long as the number is here.

        Raises:
            Outdated: If it is not.
        """
        self._table.write([Write(seen), check((item["pk"], item["sk"]), number_id=item["number_id"])])


def pointer_key(number_id: str) -> Key:
    """The item that finds a number by its id."""
    return f"NUMBER_ID#{number_id}", META


def carrier_key(phone_number: str) -> Key:
    """What Twilio said of a number last."""
    return number_key(phone_number)[0], CARRIER


def claim_key(account_id: str, request: str) -> Key:
    """Which number a request is buying."""
    return f"PURCHASES#{account_id}", request


def agent_numbers_pk(organization_id: str, agent_id: str) -> str:
    """The partition that holds an entry for every number that names an agent."""
    return f"AGENT_NUMBERS#{organization_id}#{agent_id}"


def agents_of(item: Item) -> list[str]:
    """The agents a number names: its default and its pool."""
    named = [item.get("default_agent_id"), *(doc_of(item).get("agents") or [])]
    return list(dict.fromkeys(str(each) for each in named if each))


def new_item(
    number_id: str,
    phone_number: str,
    account: Mapping[str, Any],
    organization_id: str | None,
    now_ms: int,
    *,
    state: str,
    attributes: Mapping[str, Any],
    doc: Mapping[str, Any],
) -> Item:
    """A number's item, as it is first stored.

    Args:
        number_id: Our id.
        phone_number: In E.164.
        account: The item of the account it is on.
        organization_id: Whom it serves.
        now_ms: Now.
        state: What is happening to it.
        attributes: Settings that are attributes, and what a purchase needs to know of itself.
        doc: The other settings.
    """
    at = iso(now_ms)
    pk, sk = number_key(phone_number)
    return {
        "pk": pk,
        "sk": sk,
        "number_id": number_id,
        "phone_number": phone_number,
        "phone_sid": None,
        "account_id": account["account_id"],
        "account_sid": account["account_sid"],
        "secret_arn": account.get("secret_arn") or "",
        "organization_id": organization_id,
        "state": state,
        **attributes,
        "doc": json.dumps(dict(doc)),
        "revision": 1,
        "created_at": at,
        "updated_at": at,
    }


def changed_item(item: Item, now_ms: int, *, doc: Mapping[str, Any] | None = None, **attributes: Any) -> Item:
    """The same with other settings.

    Args:
        item: As it was read.
        now_ms: Now.
        doc: All settings of ``doc``; ``None`` leaves them as they are.
        attributes: Others; those that are ``None`` are stored as null.
    """
    stamp = {"revision": item["revision"] + 1, "updated_at": iso(now_ms)}
    told = {} if doc is None else {"doc": json.dumps(dict(doc))}
    return {**item, **attributes, **told, **stamp}


def seen_item(item: Item, told: Mapping[str, Any], before: Mapping[str, Any], now_ms: int) -> Item:
    """What Twilio said of a number, over what it said before."""
    pk, sk = carrier_key(item["phone_number"])
    return {**before, **told, "pk": pk, "sk": sk, "checked_at": iso(now_ms)}


def everything(item: Item) -> list[Item]:
    """All items of a number, for whoever loads tables by hand: the number itself, and what finds it."""
    return [item, *(write.item for write in _satellites(item))]


def _satellites(item: Item) -> list[Write]:
    """What finds a number: by its id, in lists, by its account, by its agents."""
    number_id, phone_number, account_id = item["number_id"], item["phone_number"], item["account_id"]
    pk, sk = pointer_key(number_id)
    attributes = {"phone_number": phone_number, "account_id": account_id}
    owner = item.get("organization_id")
    named = agents_of(item) if owner else []
    return [
        Write({"pk": pk, "sk": sk, **attributes}),
        *places(KIND, owner, number_id, **attributes),
        Write({"pk": account_numbers_pk(account_id), "sk": number_id, **attributes}),
        *(Write({"pk": agent_numbers_pk(str(owner), each), "sk": number_id, **attributes}) for each in named),
    ]


def _checks(item: Item, known: Iterable[str], *, organization: bool = True) -> list[Write]:
    """Write only while the organization and the agents that a number newly names are there to stay."""
    owner = item.get("organization_id")
    if not owner:
        return []
    fresh = [each for each in agents_of(item) if each not in set(known)]
    checks = [check(agent_key(owner, each), is_leaving=None) for each in fresh]
    return [check(organization_key(owner), is_leaving=None), *checks] if organization else checks


def _claim(item: Item, request: str) -> Item:
    pk, sk = claim_key(item["account_id"], request)
    return {"pk": pk, "sk": sk, "phone_number": item["phone_number"]}
