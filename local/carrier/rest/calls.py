"""Live calls: their state, new TwiML for them, their end."""

from __future__ import annotations

from typing import Any, Final

from local.carrier import stock
from local.carrier.books import Books
from local.carrier.call import CarrierCall
from local.carrier.exchange import Exchange
from local.carrier.program import CONTENT_TYPE
from local.carrier.rest import params
from local.carrier.rest.errors import ApiError, not_found, refused
from local.carrier.rest.operation import ACCOUNT, Answer, Asked, Operation, rfc_2822
from local.carrier.twiml import TwimlError

ALIVE: Final = ("queued", "ringing", "in-progress")
MAX_TWIML_CHARS: Final = 4000
PARTS: Final = {
    "events": "Events",
    "notifications": "Notifications",
    "payments": "Payments",
    "recordings": "Recordings",
    "siprec": "Siprec",
    "streams": "Streams",
    "transcriptions": "Transcriptions",
    "user_defined_message_subscriptions": "UserDefinedMessageSubscriptions",
    "user_defined_messages": "UserDefinedMessages",
}


def final_status(name: str, value: str) -> str:
    if value not in ("completed", "canceled"):
        raise refused(21220, f"{name} must be completed or canceled")
    return value


class Calls:
    """The resource, over the exchange's calls."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def operations(self) -> list[Operation]:
        one = f"{ACCOUNT}/Calls/{{Sid}}.json"
        form = {"Status": final_status, "Twiml": params.text(1_000_000), "Url": params.url, "Method": params.method}
        return [
            Operation("GET", one, self.fetch, "Calls"),
            Operation("POST", one, self.update, "Calls", form=form),
        ]

    async def fetch(self, asked: Asked) -> Answer:
        return Answer(dump(self._call(asked), self._exchange.books))

    async def update(self, asked: Asked) -> Answer:
        call, values = self._call(asked), asked.values
        if call.status not in ALIVE:
            raise refused(21220, "Call is not in-progress. Cannot redirect.")
        if "Status" in values:
            await call.complete()
        elif "Url" in values:
            call.redirect(url=values["Url"], method=values.get("Method", "POST"))
        elif "Twiml" in values:
            self._run(call, values["Twiml"])
        return Answer(dump(call, self._exchange.books))

    def _run(self, call: CarrierCall, twiml: str) -> None:
        if len(twiml) > MAX_TWIML_CHARS:
            raise refused(21623, f"Twiml may have {MAX_TWIML_CHARS} characters")
        try:
            call.redirect(twiml=twiml.encode(), content_type=CONTENT_TYPE)
        except TwimlError as exc:
            raise ApiError(400, exc.code, str(exc)) from exc

    def _call(self, asked: Asked) -> CarrierCall:
        call = self._exchange.calls.get(asked.at["Sid"])
        if call is None or call.line.account_sid != asked.account.sid:
            raise not_found(asked.path)
        return call


def dump(call: CarrierCall, books: Books) -> dict[str, Any]:
    line = call.line
    began_s, ended_s = call.began_s, call.ended_s
    uri = f"/2010-04-01/Accounts/{line.account_sid}/Calls/{call.call_sid}"
    number = books.holder(line.to_number)
    return {
        "sid": call.call_sid,
        "account_sid": line.account_sid,
        "parent_call_sid": None,
        "from": line.from_number,
        "from_formatted": stock.national(line.from_number),
        "to": line.to_number,
        "to_formatted": stock.national(line.to_number),
        "phone_number_sid": number.sid if number else None,
        "status": call.status,
        "direction": "inbound",
        "start_time": rfc_2822(began_s),
        "end_time": rfc_2822(ended_s) if ended_s is not None else None,
        "duration": str(round(ended_s - began_s)) if ended_s is not None else None,
        "date_created": rfc_2822(began_s),
        "date_updated": rfc_2822(ended_s if ended_s is not None else began_s),
        "answered_by": None,
        "api_version": "2010-04-01",
        "caller_name": "",
        "forwarded_from": line.to_number,
        "group_sid": None,
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "trunk_sid": None,
        "subresource_uris": {name: f"{uri}/{part}.json" for name, part in PARTS.items()},
        "uri": f"{uri}.json",
    }
