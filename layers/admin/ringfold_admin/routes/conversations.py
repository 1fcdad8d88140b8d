"""`/api/conversations`."""

from __future__ import annotations

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from ringfold_admin.models.conversations import Conversation, ConversationPage, FullConversation
from ringfold_admin.routes.messages import OfChannel, OfContact, OfNumber, Since, Until
from ringfold_admin.routes.parts import (
    DEFAULT_PAGE,
    Cursor,
    Id,
    Limit,
    OfOrganization,
    Router,
    answers,
    new_router,
    shown,
    who,
)
from ringfold_admin.services.conversations import ConversationService, Filter

TAGS = ["conversations"]
OfProfile = Annotated[str | None, Query(min_length=1, max_length=80, description="Only this person's.")]
OfState = Annotated[Literal["active", "inactive", "closed"] | None, Query(description="Only those in this state.")]


def conversation_routes(service: ConversationService) -> Router:
    """The routes of conversations."""
    router = new_router()

    @router.get(
        "/api/conversations",
        tags=TAGS,
        summary="List calls and threads of texts, newest first",
        responses=answers(200, ConversationPage, 404),
    )
    def list_conversations(  # noqa: PLR0913 - one parameter a filter
        *,
        limit: Limit = DEFAULT_PAGE,
        cursor: Cursor = None,
        organization_id: OfOrganization = None,
        number: OfNumber = None,
        contact: OfContact = None,
        profile_id: OfProfile = None,
        channel: OfChannel = None,
        state: OfState = None,
        since: Since = None,
        until: Until = None,
    ) -> Response[ConversationPage]:
        wanted = Filter(number or "", contact or "", profile_id or "", channel or "", state or "", since, until)
        items, next_cursor = service.list_page(who(router), organization_id, wanted, limit, cursor)
        return shown(ConversationPage(conversations=[Conversation(**each) for each in items], next_cursor=next_cursor))

    @router.get(
        "/api/conversations/<conversation_id>",
        tags=TAGS,
        summary="Show a conversation with its transcript",
        responses=answers(200, FullConversation, 404),
    )
    def show_conversation(conversation_id: Id, organization_id: OfOrganization = None) -> Response[FullConversation]:
        return shown(FullConversation(**service.get(who(router), organization_id, conversation_id)))

    return router
