"""API keys, by the 2010 API and by iam.twilio.com: all are standard keys."""

from __future__ import annotations

from typing import Any, Final

from local.carrier.books import Account, Books, Key
from local.carrier.rest import params
from local.carrier.rest.errors import malformed, not_found
from local.carrier.rest.operation import ACCOUNT, Answer, Asked, Operation, rfc_2822
from local.carrier.rest.paging import listing, meta_listing

HOST: Final = "iam.twilio.com"
NAME: Final = {"FriendlyName": params.text(64)}


class Keys:
    """Both resources, over the same keys. A key's secret is shown once, when it is made."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def operations(self) -> list[Operation]:
        old_list, old_one, new_list, new_one = (
            f"{ACCOUNT}/Keys.json",
            f"{ACCOUNT}/Keys/{{Sid}}.json",
            "/v1/Keys",
            "/v1/Keys/{Sid}",
        )
        whose = {"AccountSid": params.sid("AC")}
        making = {**whose, **NAME, "KeyType": params.one_of("standard", "restricted"), "Policy": params.text()}
        return [
            Operation("GET", old_list, self.listed, "Keys", query=params.PAGING, keys=False),
            Operation("POST", old_list, self.create, "Keys", form=NAME, keys=False),
            Operation("GET", old_one, self.fetch, "Keys", keys=False),
            Operation("POST", old_one, self.update, "Keys", form=NAME, keys=False),
            Operation("DELETE", old_one, self.delete, "Keys", keys=False),
            Operation(
                "GET",
                new_list,
                self.list_by_iam,
                "Keys",
                query={**whose, **params.PAGING},
                required=("AccountSid",),
                keys=False,
            ),
            Operation("POST", new_list, self.create_by_iam, "Keys", form=making, required=("AccountSid",), keys=False),
            Operation("GET", new_one, self.fetch_by_iam, "Keys", keys=False),
            Operation("POST", new_one, self.update_by_iam, "Keys", form=NAME, keys=False),
            Operation("DELETE", new_one, self.delete, "Keys", keys=False),
        ]

    # -- the 2010 API ----------------------------------------------------------------------------------------------

    async def listed(self, asked: Asked) -> Answer:
        return Answer(listing(asked, "keys", self._of(asked.account), lambda each: each.serial, dump))

    async def create(self, asked: Asked) -> Answer:
        key = self._books.add_key(asked.account.sid, asked.values.get("FriendlyName", ""))
        return Answer({**dump(key), "secret": key.secret}, 201)

    async def fetch(self, asked: Asked) -> Answer:
        return Answer(dump(self._key(asked)))

    async def update(self, asked: Asked) -> Answer:
        key = self._key(asked)
        key.friendly_name = asked.values.get("FriendlyName", key.friendly_name)
        self._books.touch(key)
        return Answer(dump(key))

    async def delete(self, asked: Asked) -> Answer:
        del self._books.keys[self._key(asked).sid]
        return Answer(None, 204)

    # -- iam -------------------------------------------------------------------------------------------------------

    async def list_by_iam(self, asked: Asked) -> Answer:
        keys = self._of(self._named(asked))
        return Answer(
            meta_listing(asked, HOST, "keys", keys, lambda each: each.serial, lambda key: {**dump(key), "flags": []})
        )

    async def create_by_iam(self, asked: Asked) -> Answer:
        if asked.values.get("KeyType") == "restricted" or "Policy" in asked.values:
            raise malformed("this carrier knows standard keys only: no KeyType=restricted, no Policy")
        key = self._books.add_key(self._named(asked).sid, asked.values.get("FriendlyName", ""))
        return Answer({**dump(key), "secret": key.secret, "policy": None}, 201)

    async def fetch_by_iam(self, asked: Asked) -> Answer:
        return Answer({**dump(self._key(asked)), "policy": None})

    async def update_by_iam(self, asked: Asked) -> Answer:
        answer = await self.update(asked)
        assert answer.body is not None
        return Answer({**answer.body, "policy": None})

    # -- both ------------------------------------------------------------------------------------------------------

    def _of(self, account: Account) -> list[Key]:
        return [key for key in self._books.keys.values() if key.account_sid == account.sid]

    def _key(self, asked: Asked) -> Key:
        key = self._books.keys.get(asked.at["Sid"])
        if key is None or key.account_sid != asked.account.sid:
            raise not_found(asked.path)
        return key

    def _named(self, asked: Asked) -> Account:
        account = self._books.accounts.get(asked.values["AccountSid"])
        if account is None or asked.who.sid not in (account.sid, account.owner_sid):
            raise not_found(asked.path)
        return account


def dump(key: Key) -> dict[str, Any]:
    return {
        "sid": key.sid,
        "friendly_name": key.friendly_name,
        "date_created": rfc_2822(key.created_s),
        "date_updated": rfc_2822(key.updated_s),
    }
