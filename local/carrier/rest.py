"""A stand-in for the few REST resources of Twilio that calls need: stateful, Basic auth, Twilio's error bodies."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.carrier.call import CarrierCall
from local.carrier.exchange import Exchange
from local.carrier.program import CONTENT_TYPE
from local.carrier.twiml import TwimlError

API: Final = "/2010-04-01/Accounts/{account_sid}"
MAX_MESSAGE_CHARS: Final = 1600
FINAL: Final = ("completed", "canceled")


class ApiError(Exception):
    """One of Twilio's errors, with its code."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code

    def response(self) -> JSONResponse:
        more_info = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": str(self), "more_info": more_info, "status": self.status}
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if self.status == 401 else None
        return JSONResponse(body, self.status, headers)


class RestApi:
    """The resources; messages live in memory, calls and numbers are the exchange's."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._messages: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        return [
            Route(API + "/Calls/{sid}.json", self._served(self.fetch_call), methods=["GET"]),
            Route(API + "/Calls/{sid}.json", self._served(self.update_call), methods=["POST"]),
            Route(API + "/Messages.json", self._served(self.create_message), methods=["POST"]),
            Route(API + "/Messages.json", self._served(self.list_messages), methods=["GET"]),
            Route(API + "/Messages/{sid}.json", self._served(self.fetch_message), methods=["GET"]),
            Route(API + "/IncomingPhoneNumbers.json", self._served(self.list_numbers), methods=["GET"]),
        ]

    def _served(
        self, serve: Callable[[Request, Mapping[str, str]], Awaitable[JSONResponse]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                self._authenticate(request)
                return await serve(request, await _form(request))
            except ApiError as exc:
                return exc.response()

        return answer

    def _authenticate(self, request: Request) -> None:
        account_sid, auth_token = _basic(request.headers.get("authorization", ""))
        if not self._exchange.directory().authorized(account_sid, auth_token):
            raise ApiError(401, 20003, "Authenticate")
        if account_sid != request.path_params["account_sid"]:
            raise ApiError(404, 20404, f"The requested resource {request.url.path} was not found")

    # -- calls -----------------------------------------------------------------------------------------------------

    async def fetch_call(self, request: Request, form: Mapping[str, str]) -> JSONResponse:
        del form
        return JSONResponse(_call_json(self._call(request)))

    async def update_call(self, request: Request, form: Mapping[str, str]) -> JSONResponse:
        call = self._call(request)
        if unknown := set(form) - {"Status", "Twiml", "Url", "Method"}:
            raise ApiError(400, 20001, f"this carrier does not know the parameters {', '.join(sorted(unknown))}")
        if form.get("Status") not in (None, *FINAL):
            raise ApiError(400, 21220, "Status must be completed or canceled")
        if call.status == "completed":
            raise ApiError(400, 21220, "Call is not in-progress. Cannot redirect.")
        if "Status" in form:
            await call.complete()
        elif "Twiml" in form or "Url" in form:
            self._redirect(call, form)
        return JSONResponse(_call_json(call))

    def _redirect(self, call: CarrierCall, form: Mapping[str, str]) -> None:
        if "Url" in form:
            call.redirect(url=form["Url"])
            return
        if len(form["Twiml"]) > 4000:
            raise ApiError(400, 21623, "Twiml may have 4000 characters")
        try:
            call.redirect(twiml=form["Twiml"].encode(), content_type=CONTENT_TYPE)
        except TwimlError as exc:
            raise ApiError(400, exc.code, str(exc)) from exc

    def _call(self, request: Request) -> CarrierCall:
        call = self._exchange.calls.get(request.path_params["sid"])
        if call is None or call.line.account_sid != request.path_params["account_sid"]:
            raise ApiError(404, 20404, f"The requested resource {request.url.path} was not found")
        return call

    # -- messages and numbers --------------------------------------------------------------------------------------

    async def create_message(self, request: Request, form: Mapping[str, str]) -> JSONResponse:
        for name, code in (("To", 21604), ("From", 21603), ("Body", 21602)):
            if not form.get(name):
                raise ApiError(400, code, f"A '{name}' is required.")
        if len(form["Body"]) > MAX_MESSAGE_CHARS:
            raise ApiError(400, 21617, f"The concatenated message body exceeds the {MAX_MESSAGE_CHARS} character limit")
        account_sid = request.path_params["account_sid"]
        if form["From"] not in [each["phone_number"] for each in self._numbers(account_sid)]:
            raise ApiError(400, 21606, f"The From phone number {form['From']} is not a valid number of this account")
        message = {
            "sid": "SM" + secrets.token_hex(16),
            "account_sid": account_sid,
            "to": form["To"],
            "from": form["From"],
            "body": form["Body"],
            "status": "queued",
            "direction": "outbound-api",
            "num_segments": str(-(-len(form["Body"]) // 153)),
            "date_created": format_datetime(datetime.now(UTC)),
            "error_code": None,
        }
        self._messages[message["sid"]] = message
        return JSONResponse(message, 201)

    async def list_messages(self, request: Request, form: Mapping[str, str]) -> JSONResponse:
        del form
        account_sid = request.path_params["account_sid"]
        wanted = [("to", "To"), ("from", "From")]
        listed = [
            message
            for message in reversed(self._messages.values())
            if message["account_sid"] == account_sid
            and all(request.query_params.get(name, message[key]) == message[key] for key, name in wanted)
        ]
        return _page(request, "messages", listed)

    async def fetch_message(self, request: Request, form: Mapping[str, str]) -> JSONResponse:
        del form
        message = self._messages.get(request.path_params["sid"])
        if message is None or message["account_sid"] != request.path_params["account_sid"]:
            raise ApiError(404, 20404, f"The requested resource {request.url.path} was not found")
        return JSONResponse(message)

    async def list_numbers(self, request: Request, form: Mapping[str, str]) -> JSONResponse:
        del form
        wanted = request.query_params.get("PhoneNumber")
        listed = [
            each for each in self._numbers(request.path_params["account_sid"]) if wanted in (None, each["phone_number"])
        ]
        return _page(request, "incoming_phone_numbers", listed)

    def _numbers(self, account_sid: str) -> list[dict[str, Any]]:
        directory = self._exchange.directory()
        base = directory.public_base_url
        return [
            {
                "sid": "PN" + each["phone_number"].lstrip("+").rjust(32, "0"),
                "account_sid": account_sid,
                "phone_number": each["phone_number"],
                "friendly_name": each["phone_number"],
                "voice_url": base + "/api/voice/incoming",
                "voice_method": "POST",
                "status_callback": base + "/api/voice/status",
                "status_callback_method": "POST",
                "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
            }
            for each in directory.numbers
            if each["account_id"] in directory.accounts
            and directory.accounts[each["account_id"]].account_sid == account_sid
        ]


def _call_json(call: CarrierCall) -> dict[str, Any]:
    return {
        "sid": call.call_sid,
        "account_sid": call.line.account_sid,
        "from": call.line.from_number,
        "to": call.line.to_number,
        "status": call.status,
        "direction": "inbound",
        "api_version": "2010-04-01",
    }


def _page(request: Request, name: str, listed: list[dict[str, Any]]) -> JSONResponse:
    raw = request.query_params.get("PageSize", "50")
    size = min(int(raw), 1000) if raw.isdigit() and int(raw) else 50
    uri = request.url.path
    paging = {"page": 0, "page_size": size, "next_page_uri": None, "previous_page_uri": None, "uri": uri}
    return JSONResponse({name: listed[:size], "start": 0, "end": max(0, len(listed[:size]) - 1), **paging})


def _basic(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if kind.lower() == "basic" else ("", "")


async def _form(request: Request) -> dict[str, str]:
    if request.method != "POST":
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind != "application/x-www-form-urlencoded":
        raise ApiError(415, 20415, "Content type must be application/x-www-form-urlencoded")
    return dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
