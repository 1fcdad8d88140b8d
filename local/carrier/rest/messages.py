"""Text messages, as far as they are played: stored, and found again. Kept in memory."""

from __future__ import annotations

import secrets
import time
from typing import Any, Final

from local.carrier.books import Books
from local.carrier.rest import params
from local.carrier.rest.errors import not_found, refused
from local.carrier.rest.operation import ACCOUNT, Answer, Asked, Operation, rfc_2822
from local.carrier.rest.paging import listing

MAX_CHARS: Final = 1600
NEEDED: Final = (("To", 21604), ("From", 21603), ("Body", 21602))


class Messages:
    """The resource."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._messages: dict[str, dict[str, Any]] = {}

    def operations(self) -> list[Operation]:
        all_of_them, one = f"{ACCOUNT}/Messages.json", f"{ACCOUNT}/Messages/{{Sid}}.json"
        form = {name: params.text(1_000_000) for name, _ in NEEDED}
        filters = {"To": params.text(100), "From": params.text(100), **params.PAGING}
        return [
            Operation("POST", all_of_them, self.create, "Messages", form=form),
            Operation("GET", all_of_them, self.listed, "Messages", query=filters),
            Operation("GET", one, self.fetch, "Messages"),
        ]

    async def create(self, asked: Asked) -> Answer:
        for name, code in NEEDED:
            if not asked.values.get(name):
                raise refused(code, f"A '{name}' is required.")
        sender, text = asked.values["From"], asked.values["Body"]
        if len(text) > MAX_CHARS:
            raise refused(21617, f"The concatenated message body exceeds the {MAX_CHARS} character limit")
        number = self._books.holder(sender)
        if number is None or number.account_sid != asked.account.sid or not number.capabilities["sms"]:
            raise refused(21606, f"The From phone number {sender} is not a valid number of this account")
        message = self._message(asked.account.sid, asked.values["To"], sender, text)
        self._messages[message["sid"]] = message
        return Answer(message, 201)

    def _message(self, account_sid: str, to: str, sender: str, text: str) -> dict[str, Any]:
        sid = "SM" + secrets.token_hex(16)
        uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{sid}"
        now = rfc_2822(time.time())
        return {
            "sid": sid,
            "account_sid": account_sid,
            "to": to,
            "from": sender,
            "body": text,
            "status": "queued",
            "direction": "outbound-api",
            "num_segments": str(1 if len(text) <= 160 else -(-len(text) // 153)),
            "num_media": "0",
            "messaging_service_sid": None,
            "api_version": "2010-04-01",
            "price": None,
            "price_unit": "USD",
            "error_code": None,
            "error_message": None,
            "date_created": now,
            "date_updated": now,
            "date_sent": None,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "uri": f"{uri}.json",
        }

    async def listed(self, asked: Asked) -> Answer:
        wanted = params.given(asked.values, "To", "From")
        order = {sid: serial for serial, sid in enumerate(self._messages)}
        found = [
            message
            for message in self._messages.values()
            if message["account_sid"] == asked.account.sid
            and all(message[name] == value for name, value in wanted.items())
        ]
        return Answer(listing(asked, "messages", found, lambda each: order[each["sid"]], dict))

    async def fetch(self, asked: Asked) -> Answer:
        message = self._messages.get(asked.at["Sid"])
        if message is None or message["account_sid"] != asked.account.sid:
            raise not_found(asked.path)
        return Answer(message)
