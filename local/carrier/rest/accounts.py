"""Accounts and subaccounts."""

from __future__ import annotations

from typing import Any, Final

from local.carrier.books import Account, Books
from local.carrier.rest import params
from local.carrier.rest.errors import ApiError, refused, unauthenticated
from local.carrier.rest.operation import ACCOUNT, Answer, Asked, Operation, rfc_2822
from local.carrier.rest.paging import listing

PARTS: Final = {
    "addresses": "Addresses",
    "applications": "Applications",
    "authorized_connect_apps": "AuthorizedConnectApps",
    "available_phone_numbers": "AvailablePhoneNumbers",
    "balance": "Balance",
    "calls": "Calls",
    "conferences": "Conferences",
    "connect_apps": "ConnectApps",
    "incoming_phone_numbers": "IncomingPhoneNumbers",
    "keys": "Keys",
    "messages": "Messages",
    "notifications": "Notifications",
    "outgoing_caller_ids": "OutgoingCallerIds",
    "queues": "Queues",
    "recordings": "Recordings",
    "short_codes": "SMS/ShortCodes",
    "signing_keys": "SigningKeys",
    "sip": "SIP",
    "transcriptions": "Transcriptions",
    "usage": "Usage",
}
STATUS: Final = params.one_of("active", "suspended", "closed")


class Accounts:
    """The resource."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def operations(self) -> list[Operation]:
        all_of_them, one = "/2010-04-01/Accounts.json", f"{ACCOUNT}.json"
        filters = {"FriendlyName": params.text(), "Status": STATUS, **params.PAGING}
        form = {"FriendlyName": params.text(64)}
        more = {**form, "Status": STATUS}
        return [
            Operation("GET", all_of_them, self.listed, "Accounts", query=filters, keys=False),
            Operation("POST", all_of_them, self.create, "Accounts", form=form, keys=False),
            Operation("GET", one, self.fetch, "Accounts", keys=False, while_suspended=True),
            Operation("POST", one, self.update, "Accounts", form=more, keys=False, while_suspended=True),
        ]

    async def listed(self, asked: Asked) -> Answer:
        wanted = {"friendly_name": asked.values.get("FriendlyName"), "status": asked.values.get("Status")}
        found = [
            each
            for each in self._books.accounts.values()
            if asked.who.sid in (each.sid, each.owner_sid)
            and all(value in (None, getattr(each, name)) for name, value in wanted.items())
        ]
        return Answer(listing(asked, "accounts", found, lambda each: each.serial, self.dump))

    async def create(self, asked: Asked) -> Answer:
        """A subaccount; those have none of their own."""
        parent = asked.who
        if not parent.is_main:
            raise ApiError(403, 20006, "A subaccount cannot create subaccounts")
        name = asked.values.get("FriendlyName") or "SubAccount Created"
        account = self._books.open_account(name, owner_sid=parent.sid, kind=parent.type)
        return Answer(self.dump(account), 201)

    async def fetch(self, asked: Asked) -> Answer:
        return Answer(self.dump(asked.account))

    async def update(self, asked: Asked) -> Answer:
        account, status = asked.account, asked.values.get("Status")
        if status is not None and status != account.status:
            self._check_status(asked.who, account)
            if status == "closed":
                self._books.close_account(account)
            account.status = status
        if "FriendlyName" in asked.values:
            account.friendly_name = asked.values["FriendlyName"]
        self._books.touch(account)
        return Answer(self.dump(account))

    def _check_status(self, who: Account, account: Account) -> None:
        if account.is_main:
            raise refused(21477, "Unable to update Status for parent accounts")
        if who is account:
            raise unauthenticated()
        if account.status == "closed":
            raise refused(21479, "Unable to update Status for subaccount, subaccount has been closed.")

    def dump(self, account: Account) -> dict[str, Any]:
        uri = f"/2010-04-01/Accounts/{account.sid}"
        return {
            "sid": account.sid,
            "owner_account_sid": account.owner_sid,
            "friendly_name": account.friendly_name,
            "auth_token": account.auth_token,
            "status": account.status,
            "type": account.type,
            "date_created": rfc_2822(account.created_s),
            "date_updated": rfc_2822(account.updated_s),
            "subresource_uris": {name: f"{uri}/{part}.json" for name, part in PARTS.items()},
            "uri": f"{uri}.json",
        }
