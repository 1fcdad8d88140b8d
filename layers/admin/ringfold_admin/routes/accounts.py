"""`/api/voice/accounts`."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringfold_admin.models.accounts import Account, AccountChange, AccountPage, NewAccount, Rotation
from ringfold_admin.routes.parts import (
    DEFAULT_PAGE,
    Cursor,
    Id,
    IdempotencyKey,
    IfMatch,
    Limit,
    OfOrganization,
    Router,
    answers,
    new_router,
    nothing,
    shown,
    who,
)
from ringfold_admin.services.accounts import AccountService
from ringfold_admin.services.desk import etag
from ringfold_admin.stores.accounts import view
from ringfold_admin.stores.table import Item

TAGS = ["accounts"]
PATH = "/api/voice/accounts"
ONE = f"{PATH}/<account_id>"


def account_routes(service: AccountService) -> Router:
    """The routes of Twilio accounts."""
    router = new_router()

    @router.get(PATH, tags=TAGS, summary="List Twilio accounts", responses=answers(200, AccountPage, 404))
    def list_accounts(
        limit: Limit = DEFAULT_PAGE, cursor: Cursor = None, organization_id: OfOrganization = None
    ) -> Response[AccountPage]:
        items, next_cursor = service.list_page(who(router), organization_id, limit, cursor)
        return shown(AccountPage(accounts=[model_of(each) for each in items], next_cursor=next_cursor))

    @router.post(PATH, tags=TAGS, summary="Add a Twilio account", responses=answers(201, Account, 404, 409))
    def create_account(account: NewAccount, idempotency_key: IdempotencyKey = None) -> Response[Account]:
        item = service.create(who(router), account.model_dump(mode="json"))
        return _one(item, 201, Location=f"{PATH}/{item['account_id']}")

    @router.get(ONE, tags=TAGS, summary="Get a Twilio account", responses=answers(200, Account, 404))
    def get_account(account_id: Id) -> Response[Account]:
        return _one(service.get(who(router), account_id))

    @router.patch(
        ONE,
        tags=TAGS,
        summary="Change a Twilio account or its credentials",
        responses=answers(200, Account, 404, 409, 412),
    )
    def change_account(account_id: Id, change: AccountChange, if_match: IfMatch = None) -> Response[Account]:
        return _one(service.change(who(router), account_id, change.sent(), if_match))

    @router.delete(ONE, tags=TAGS, summary="Remove a Twilio account", responses=answers(204, None, 404, 409, 412))
    def delete_account(account_id: Id, if_match: IfMatch = None) -> Response[Any]:
        service.delete(who(router), account_id, if_match)
        return nothing()

    @router.post(
        f"{ONE}/test", tags=TAGS, summary="Test an account's connection", responses=answers(200, Account, 404, 409)
    )
    def test_account(account_id: Id, idempotency_key: IdempotencyKey = None) -> Response[Account]:
        return _one(service.test(who(router), account_id))

    @router.post(
        f"{ONE}/rotate",
        tags=TAGS,
        summary="Rotate an account's auth token, both accepted meanwhile",
        responses=answers(200, Account, 404, 409, 422, 429, 502, 504),
    )
    def rotate_account(account_id: Id, rotation: Rotation, idempotency_key: IdempotencyKey = None) -> Response[Account]:
        return _one(service.rotate(who(router), account_id, rotation.auth_token))

    return router


def model_of(seen: dict[str, Any]) -> Account:
    """The document of an account from its view."""
    return Account(**{name: value for name, value in seen.items() if name != "revision"})


def _one(item: Item, status: int = 200, **headers: str) -> Response[Account]:
    return shown(model_of(view(item)), status, etag=etag(item), **headers)
