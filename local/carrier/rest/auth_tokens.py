"""The second token of an account and its promotion (accounts.twilio.com)."""

from __future__ import annotations

from typing import Final

from local.carrier.books import Books
from local.carrier.rest import params
from local.carrier.rest.errors import ApiError, not_found
from local.carrier.rest.operation import Answer, Asked, Operation, iso_8601

HOST: Final = "accounts.twilio.com"
SECONDARY: Final = "/v1/AuthTokens/Secondary"
PROMOTE: Final = "/v1/AuthTokens/Promote"
QUIETLY: Final = {"SuppressEmailNotification": params.flag}


class AuthTokens:
    """The two resources. An API key may not touch them."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def operations(self) -> list[Operation]:
        return [
            Operation("POST", SECONDARY, self.create, "AuthTokens", form=QUIETLY, keys=False),
            Operation("DELETE", SECONDARY, self.delete, "AuthTokens", query=QUIETLY, keys=False),
            Operation("POST", PROMOTE, self.promote, "AuthTokens", form=QUIETLY, keys=False),
        ]

    async def create(self, asked: Asked) -> Answer:
        account = asked.who
        if account.secondary_token is not None:
            raise ApiError(409, 20409, "This account has a secondary auth token already")
        token = self._books.make_secondary(account)
        made = iso_8601(account.secondary_created_s)
        body = {
            "account_sid": account.sid,
            "secondary_auth_token": token,
            "date_created": made,
            "date_updated": made,
            "url": f"https://{HOST}{SECONDARY}",
        }
        return Answer(body, 201)

    async def delete(self, asked: Asked) -> Answer:
        if asked.who.secondary_token is None:
            raise not_found("/AuthTokens/Secondary")
        asked.who.secondary_token = None
        return Answer(None, 204)

    async def promote(self, asked: Asked) -> Answer:
        account = asked.who
        if account.secondary_token is None:
            raise not_found("/AuthTokens/Promote")
        self._books.promote(account)
        body = {
            "account_sid": account.sid,
            "auth_token": account.auth_token,
            "date_created": iso_8601(account.secondary_created_s),
            "date_updated": iso_8601(account.updated_s),
            "url": f"https://{HOST}{PROMOTE}",
        }
        return Answer(body)
