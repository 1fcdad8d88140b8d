"""Text messages: sent, fetched and found again; see :mod:`local.carrier.texting`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from local.carrier.books import Books
from local.carrier.rest import params
from local.carrier.rest.errors import malformed, not_found, refused
from local.carrier.rest.operation import ACCOUNT, Answer, Asked, Operation
from local.carrier.rest.paging import listing
from local.carrier.texting import WHATSAPP, Texting, bare

MAX_CHARS: Final = 1600
NEEDED: Final = (("To", 21604), ("From", 21603), ("Body", 21602))
ADDRESS: Final = re.compile(r"(whatsapp:)?\+[1-9][0-9]{6,14}")


class Messages:
    """The resource."""

    def __init__(self, books: Books, texting: Texting | None = None) -> None:
        self._books = books
        self._texting = texting or Texting(books)

    def operations(self) -> list[Operation]:
        all_of_them, one = f"{ACCOUNT}/Messages.json", f"{ACCOUNT}/Messages/{{Sid}}.json"
        form = {name: params.text(1_000_000) for name, _ in NEEDED} | {"StatusCallback": params.text(4000)}
        days = {"DateSent": _day, "DateSent>": _day, "DateSent<": _day}
        filters = {"To": params.text(100), "From": params.text(100), **days, **params.PAGING}
        return [
            Operation("POST", all_of_them, self.create, "Messages", form=form),
            Operation("GET", all_of_them, self.listed, "Messages", query=filters),
            Operation("GET", one, self.fetch, "Messages"),
        ]

    async def create(self, asked: Asked) -> Answer:
        for name, code in NEEDED:
            if not asked.values.get(name):
                raise refused(code, f"A '{name}' is required.")
        sender, to, text = asked.values["From"], asked.values["To"], asked.values["Body"]
        if len(text) > MAX_CHARS:
            raise refused(21617, f"The concatenated message body exceeds the {MAX_CHARS} character limit")
        number = self._books.holder(bare(sender))
        if number is None or number.account_sid != asked.account.sid or not number.capabilities["sms"]:
            raise refused(21606, f"The From phone number {sender} is not a valid number of this account")
        if not ADDRESS.fullmatch(to):
            raise refused(21211, f"The 'To' number {to} is not a valid phone number.")
        if to.startswith(WHATSAPP) != sender.startswith(WHATSAPP):
            raise refused(21910, "'From' and 'To' must be of the same channel")
        if (sender, to) in self._texting.opted_out:
            raise refused(21610, "Attempt to send to unsubscribed recipient")
        callback = asked.values.get("StatusCallback") or ""
        return Answer(self._texting.send(asked.account.sid, to, sender, text, callback), 201)

    async def listed(self, asked: Asked) -> Answer:
        wanted = params.given(asked.values, "To", "From")
        messages = self._texting.messages
        order = {sid: serial for serial, sid in enumerate(messages)}
        after, before, on = (asked.values.get(name) for name in ("DateSent>", "DateSent<", "DateSent"))
        found = [
            message
            for message in messages.values()
            if message["account_sid"] == asked.account.sid
            and all(message[name] == value for name, value in wanted.items())
            and (after is None or _made(message) >= after)
            and (before is None or _made(message) <= before)
            and (on is None or _made(message) == on)
        ]
        return Answer(listing(asked, "messages", found, lambda each: order[each["sid"]], dict))

    async def fetch(self, asked: Asked) -> Answer:
        message = self._texting.messages.get(asked.at["Sid"])
        if message is None or message["account_sid"] != asked.account.sid:
            raise not_found(asked.path)
        return Answer(message)


def _made(message: dict[str, Any]) -> str:
    return parsedate_to_datetime(message["date_created"]).strftime("%Y-%m-%d")


def _day(name: str, value: str) -> str:
    try:
        return datetime.strptime(value[:10], "%Y-%m-%d").replace(tzinfo=UTC).strftime("%Y-%m-%d")
    except ValueError as exc:
        raise malformed(f"{name} is {value!r}; expected YYYY-MM-DD") from exc
