"""`/api/messages`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from ringfold_admin.models.messages import Backfill, Backfilled, Message, MessagePage
from ringfold_admin.routes.parts import (
    DEFAULT_PAGE,
    Cursor,
    Id,
    IdempotencyKey,
    Limit,
    OfOrganization,
    Router,
    answers,
    new_router,
    shown,
    who,
)
from ringfold_admin.services.messages import Filter, MessageService

TAGS = ["messages"]
E164 = r"^\+[1-9][0-9]{6,14}$"
OfNumber = Annotated[str | None, Query(pattern=E164, description="Only texts to or from this number of ours, E.164.")]
OfContact = Annotated[str | None, Query(pattern=E164, description="Only this contact's, E.164.")]
OfChannel = Annotated[str | None, Query(min_length=1, max_length=20, description="sms or whatsapp.")]
OfDirection = Annotated[Literal["in", "out"] | None, Query(description="in: received; out: sent.")]
OfState = Annotated[str | None, Query(min_length=1, max_length=20, description="received, answered, delivered, …")]
Since = Annotated[datetime | None, Query(description="Not older; ISO 8601, UTC.")]
Until = Annotated[datetime | None, Query(description="Not newer.")]


def message_routes(service: MessageService) -> Router:
    """The routes of texts."""
    router = new_router()

    @router.get(
        "/api/messages",
        tags=TAGS,
        summary="List texts, newest first; Twilio is not asked",
        responses=answers(200, MessagePage, 404),
    )
    def list_messages(  # noqa: PLR0913 - one parameter a filter
        *,
        limit: Limit = DEFAULT_PAGE,
        cursor: Cursor = None,
        organization_id: OfOrganization = None,
        number: OfNumber = None,
        contact: OfContact = None,
        channel: OfChannel = None,
        direction: OfDirection = None,
        state: OfState = None,
        since: Since = None,
        until: Until = None,
    ) -> Response[MessagePage]:
        wanted = Filter(number or "", contact or "", channel or "", direction or "", state or "", since, until)
        items, next_cursor = service.list_page(who(router), organization_id, wanted, limit, cursor)
        return shown(MessagePage(messages=[Message(**each) for each in items], next_cursor=next_cursor))

    @router.post(
        "/api/messages/backfill",
        tags=TAGS,
        summary="Fetch older texts of a number from Twilio, a page at a time",
        responses=answers(200, Backfilled, 402, 404, 409, 422, 429, 502, 504),
    )
    def backfill_messages(backfill: Backfill, idempotency_key: IdempotencyKey = None) -> Response[Backfilled]:
        done = service.backfill(who(router), backfill.number_id, backfill.since, backfill.until, backfill.cursor)
        return shown(Backfilled(**done))

    @router.get("/api/messages/<message_id>", tags=TAGS, summary="Show a text", responses=answers(200, Message, 404))
    def show_message(message_id: Id) -> Response[Message]:
        return shown(Message(**service.get(who(router), message_id)))

    return router
