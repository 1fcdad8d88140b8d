"""The REST side's control interface: its faults, its record of requests, and accounts that sign up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.carrier import stock
from local.carrier.books import Account
from local.carrier.control import RefusedError, error, fields_of, guarded
from local.carrier.rest.api import RestApi
from local.carrier.rest.faults import FaultError

KINDS: Final = ("Full", "Trial")
STATUSES: Final = ("active", "suspended", "closed")
BUNDLE_STATUSES: Final = ("twilio-approved", "draft", "pending-review", "in-review", "twilio-rejected")


class RestControl:
    """What Twilio's people and its console do, and what tests do to it."""

    def __init__(self, api: RestApi) -> None:
        self._api = api
        self._books = api.books

    def routes(self) -> list[Route]:
        """The routes below /local/carrier."""
        return [
            Route("/rest/faults", guarded(self.faults), methods=["GET", "PUT", "DELETE"]),
            Route("/rest/requests", guarded(self.requests), methods=["GET", "DELETE"]),
            Route("/accounts", guarded(self.accounts), methods=["GET"]),
            Route("/accounts", guarded(self.sign_up), methods=["POST"]),
            Route("/accounts/{sid}", guarded(self.account), methods=["GET", "PATCH"]),
            Route("/accounts/{sid}/bundles", guarded(self.add_bundle), methods=["POST"]),
        ]

    async def faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._api.faults.clear()
        elif request.method == "PUT":
            try:
                self._api.faults.replace(await fields_of(request))
            except FaultError as exc:
                return error(400, "bad_fault", str(exc))
        return JSONResponse(self._api.faults.describe())

    async def requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._api.journal.clear()
        after = request.query_params.get("after", "0")
        return JSONResponse({"requests": self._api.journal.listed(int(after) if after.isdigit() else 0)})

    async def accounts(self, _: Request) -> Response:
        return JSONResponse({"accounts": [shown(each) for each in self._books.accounts.values()]})

    async def sign_up(self, request: Request) -> Response:
        """A new main account; its token is told here and nowhere else."""
        fields = await fields_of(request)
        check(fields, {"friendly_name": None, "type": KINDS, "status": STATUSES})
        account = self._books.open_account(
            str(fields.get("friendly_name") or "My account"),
            kind=fields.get("type", "Full"),
            status=fields.get("status", "active"),
        )
        self._books.save()
        return JSONResponse({**shown(account), "auth_token": account.auth_token}, 201)

    async def account(self, request: Request) -> Response:
        """PATCH does what only Twilio can: suspend a main account, upgrade a trial."""
        account = self._account(request)
        if request.method == "PATCH":
            fields = await fields_of(request)
            check(fields, {"type": KINDS, "status": STATUSES})
            if fields.get("status") == "closed":
                self._books.close_account(account)
            account.type = fields.get("type", account.type)
            account.status = fields.get("status", account.status)
            self._books.touch(account)
            self._books.save()
        return JSONResponse(shown(account))

    async def add_bundle(self, request: Request) -> Response:
        """Stands for the days in which Twilio's people look at an organization's papers."""
        account, fields = self._account(request), await fields_of(request)
        check(fields, {"iso_country": tuple(stock.COUNTRIES), "status": BUNDLE_STATUSES})
        if "iso_country" not in fields:
            raise RefusedError(400, "iso_country is missing")
        bundle = self._books.add_bundle(account.sid, fields["iso_country"], fields.get("status", BUNDLE_STATUSES[0]))
        self._books.save()
        return JSONResponse({"sid": bundle.sid, "iso_country": bundle.iso_country, "status": bundle.status}, 201)

    def _account(self, request: Request) -> Account:
        account = self._books.accounts.get(request.path_params["sid"])
        if account is None:
            raise RefusedError(404, "there is no such account")
        return account


def check(fields: Mapping[str, Any], known: Mapping[str, tuple[str, ...] | None]) -> None:
    """Refuse what is not known.

    Args:
        fields: The request's.
        known: Every field's allowed values; ``None`` for any.

    Raises:
        RefusedError: If a field or its value is unknown.
    """
    if unknown := set(fields) - set(known):
        raise RefusedError(400, f"unknown {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    for name, value in fields.items():
        allowed = known[name]
        if allowed is not None and value not in allowed:
            raise RefusedError(400, f"{name} must be one of {', '.join(allowed)}")


def shown(account: Account) -> dict[str, Any]:
    """An account without its tokens."""
    return {
        "sid": account.sid,
        "friendly_name": account.friendly_name,
        "type": account.type,
        "status": account.status,
        "owner_account_sid": account.owner_sid,
    }
