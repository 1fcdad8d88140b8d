"""`/api/voice/numbers` and `/api/voice/languages`."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from ringfold_admin.carrier.numbers import search_filters
from ringfold_admin.models.numbers import (
    AvailableNumbers,
    ImportedNumber,
    LanguageTable,
    NewNumber,
    Number,
    NumberChange,
    NumberPage,
    Pool,
    PoolMember,
    Verification,
)
from ringfold_admin.routes.parts import (
    DEFAULT_PAGE,
    Cursor,
    Id,
    IdempotencyKey,
    IfMatch,
    Limit,
    OfOrganization,
    answers,
    new_router,
    nothing,
    shown,
    who,
)
from ringfold_admin.services.numbers import NumberService, language_table
from ringfold_admin.services.purchases import Purchases
from ringfold_admin.services.releases import Releases
from ringfold_admin.services.verify import Verifier

TAGS = ["numbers"]
PATH = "/api/voice/numbers"
ONE = f"{PATH}/<number_id>"
TWILIO = (402, 404, 409, 422, 429, 502, 504)
"""What every request that Twilio takes part in may come to."""

AgentId = Annotated[str, Path(min_length=1, max_length=80)]


def number_routes(
    service: NumberService, purchases: Purchases, releases: Releases, verifier: Verifier
) -> APIGatewayHttpRouter:
    """The routes of phone numbers."""
    router = new_router()
    _searching(router, purchases)
    _numbers(router, service, purchases, releases)
    _pool(router, service)
    _chain(router, purchases, verifier)
    return router


def _searching(router: APIGatewayHttpRouter, purchases: Purchases) -> None:
    @router.get(
        f"{PATH}/available",
        tags=TAGS,
        summary="Search numbers to buy",
        responses=answers(200, AvailableNumbers, *TWILIO),
    )
    def search_numbers(  # noqa: PLR0913, PLR0917 - the parameters of the query
        account_id: Annotated[str | None, Query(max_length=80, description="May be left out if there is one.")] = None,
        country: Annotated[str, Query(pattern=r"^[A-Z]{2}$")] = "US",
        area_code: Annotated[str | None, Query(pattern=r"^[2-9][0-9]{2}$", description="US and Canada.")] = None,
        type: Annotated[str, Query(pattern=r"^(local|toll_free|mobile)$")] = "local",  # noqa: A002 - the API's word
        contains: Annotated[
            str | None,
            Query(pattern=r"^\+?[0-9A-Za-z*%$]{2,16}$", description="Digits or letters; * one, % any of them."),
        ] = None,
        capabilities: Annotated[
            str, Query(pattern=r"^(voice|sms|mms|fax)(,(voice|sms|mms|fax))*$", description="All of these.")
        ] = "voice",
        region: Annotated[str | None, Query(min_length=1, max_length=40, description="State or province.")] = None,
        locality: Annotated[str | None, Query(min_length=1, max_length=80, description="City.")] = None,
        limit: Annotated[int, Query(ge=1, le=50)] = 20,
    ) -> Response[AvailableNumbers]:
        filters = search_filters(area_code, contains, capabilities, region, locality)
        found = purchases.search(who(router), account_id, country, type, filters, limit)
        return shown(AvailableNumbers.model_validate({"numbers": found}))

    @router.get(
        "/api/voice/languages",
        tags=TAGS,
        summary="List the languages that both providers of a call know",
        responses=answers(200, LanguageTable),
    )
    def list_languages() -> Response[LanguageTable]:
        return shown(LanguageTable.model_validate(language_table()))


def _numbers(router: APIGatewayHttpRouter, service: NumberService, purchases: Purchases, releases: Releases) -> None:
    @router.get(PATH, tags=TAGS, summary="List numbers", responses=answers(200, NumberPage, 404))
    def list_numbers(
        limit: Limit = DEFAULT_PAGE, cursor: Cursor = None, organization_id: OfOrganization = None
    ) -> Response[NumberPage]:
        found, next_cursor = service.list_page(who(router), organization_id, limit, cursor)
        return shown(NumberPage(numbers=[model_of(each) for each in found], next_cursor=next_cursor))

    @router.post(PATH, tags=TAGS, summary="Buy a number", responses=answers(201, Number, *TWILIO))
    def buy_number(number: NewNumber, idempotency_key: IdempotencyKey = None) -> Response[Number]:
        return _one(purchases.purchase(who(router), number.sent(), idempotency_key), 201)

    @router.post(
        f"{PATH}/import",
        tags=TAGS,
        summary="Take over a number that the account owns already",
        responses=answers(201, Number, *TWILIO),
    )
    def import_number(number: ImportedNumber, idempotency_key: IdempotencyKey = None) -> Response[Number]:
        return _one(purchases.bring_in(who(router), number.sent()), 201)

    @router.get(ONE, tags=TAGS, summary="Get a number, asking Twilio", responses=answers(200, Number, 404))
    def get_number(number_id: Id) -> Response[Number]:
        return _one(service.get(who(router), number_id))

    @router.patch(ONE, tags=TAGS, summary="Change a number", responses=answers(200, Number, 404, 409, 412))
    def change_number(number_id: Id, change: NumberChange, if_match: IfMatch = None) -> Response[Number]:
        return _one(service.change(who(router), number_id, change.sent(), if_match))

    @router.delete(ONE, tags=TAGS, summary="Give a number back to Twilio", responses=answers(204, None, 412, *TWILIO))
    def release_number(
        number_id: Id,
        confirm: Annotated[
            str | None, Query(max_length=20, description="The number itself, typed again: this is not undone.")
        ] = None,
        if_match: IfMatch = None,
    ) -> Response[Any]:
        releases.release(who(router), number_id, confirm, if_match)
        return nothing()


def _pool(router: APIGatewayHttpRouter, service: NumberService) -> None:
    path = f"{ONE}/agents"

    @router.get(path, tags=TAGS, summary="Get a number's pool", responses=answers(200, Pool, 404))
    def get_pool(number_id: Id) -> Response[Pool]:
        record = service.record(who(router), number_id)
        return shown(Pool(agents=list(record.doc.get("agents") or [])), etag=f'"{record.item["revision"]}"')

    @router.put(path, tags=TAGS, summary="Replace a number's pool", responses=answers(200, Pool, 404, 409, 412))
    def put_pool(number_id: Id, pool: Pool, if_match: IfMatch = None) -> Response[Pool]:
        return _its_pool(service.set_pool(who(router), number_id, lambda _: pool.agents, if_match))

    @router.post(path, tags=TAGS, summary="Add an agent to the pool", responses=answers(200, Pool, 404, 409, 412))
    def add_agent(
        number_id: Id, member: PoolMember, idempotency_key: IdempotencyKey = None, if_match: IfMatch = None
    ) -> Response[Pool]:
        return _its_pool(service.add_agent(who(router), number_id, member.agent_id, if_match))

    @router.delete(
        f"{path}/<agent_id>",
        tags=TAGS,
        summary="Take an agent out of the pool",
        responses=answers(200, Pool, 404, 409, 412),
    )
    def drop_agent(number_id: Id, agent_id: AgentId, if_match: IfMatch = None) -> Response[Pool]:
        return _its_pool(service.drop_agent(who(router), number_id, agent_id, if_match))


def _chain(router: APIGatewayHttpRouter, purchases: Purchases, verifier: Verifier) -> None:
    @router.get(
        f"{ONE}/verify",
        tags=TAGS,
        summary="Call the number as Twilio would, and name the first broken link",
        responses=answers(200, Verification, 404),
    )
    def verify_number(number_id: Id) -> Response[Verification]:
        return shown(Verification.model_validate(verifier.verify(who(router), number_id)))

    @router.post(
        f"{ONE}/repair",
        tags=TAGS,
        summary="Put a number's webhooks right, or finish its purchase",
        responses=answers(200, Number, *TWILIO),
    )
    def repair_number(number_id: Id, idempotency_key: IdempotencyKey = None) -> Response[Number]:
        return _one(purchases.repair(who(router), number_id))


def model_of(seen: dict[str, Any]) -> Number:
    """The document of a number from its view."""
    return Number.model_validate({name: value for name, value in seen.items() if name != "revision"})


def _one(seen: dict[str, Any], status: int = 200) -> Response[Number]:
    headers = {"Location": f"{PATH}/{seen['id']}"} if status == 201 else {}
    return shown(model_of(seen), status, etag=f'"{seen["revision"]}"', **headers)


def _its_pool(seen: dict[str, Any]) -> Response[Pool]:
    return shown(Pool(agents=seen["agents"]), etag=f'"{seen["revision"]}"')
