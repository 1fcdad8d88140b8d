"""`/api/agents`."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path

from ringfold_admin.models.agents import (
    Agent,
    AgentChange,
    AgentPage,
    AgentVersion,
    AgentVersionPage,
    NewAgent,
    Rollback,
)
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
from ringfold_admin.services.agents import AgentService
from ringfold_admin.services.desk import etag
from ringfold_admin.stores.agents import version_view, view
from ringfold_admin.stores.table import Item

TAGS = ["agents"]
PATH = "/api/agents"
ONE = f"{PATH}/<agent_id>"
Version = Annotated[int, Path(ge=1, le=999_999)]


def agent_routes(service: AgentService) -> Router:
    """The routes of agents and their versions."""
    router = new_router()

    @router.get(PATH, tags=TAGS, summary="List agents", responses=answers(200, AgentPage, 404))
    def list_agents(
        limit: Limit = DEFAULT_PAGE, cursor: Cursor = None, organization_id: OfOrganization = None
    ) -> Response[AgentPage]:
        items, next_cursor = service.list_page(who(router), organization_id, limit, cursor)
        return shown(AgentPage(agents=[Agent(**each) for each in items], next_cursor=next_cursor))

    @router.post(PATH, tags=TAGS, summary="Make an agent", responses=answers(201, Agent, 404, 409))
    def create_agent(agent: NewAgent, idempotency_key: IdempotencyKey = None) -> Response[Agent]:
        item = service.create(who(router), agent.sent())
        return _one(item, 201, Location=f"{PATH}/{item['agent_id']}")

    @router.get(ONE, tags=TAGS, summary="Get an agent", responses=answers(200, Agent, 404))
    def get_agent(agent_id: Id) -> Response[Agent]:
        return _one(service.get(who(router), agent_id))

    @router.patch(
        ONE, tags=TAGS, summary="Change an agent: makes a new version", responses=answers(200, Agent, 404, 409, 412)
    )
    def change_agent(agent_id: Id, change: AgentChange, if_match: IfMatch = None) -> Response[Agent]:
        return _one(service.change(who(router), agent_id, change.sent(), if_match))

    @router.delete(ONE, tags=TAGS, summary="Remove an agent", responses=answers(204, None, 404, 409, 412))
    def delete_agent(agent_id: Id, if_match: IfMatch = None) -> Response[Any]:
        service.delete(who(router), agent_id, if_match)
        return nothing()

    @router.get(
        f"{ONE}/versions", tags=TAGS, summary="List an agent's versions", responses=answers(200, AgentVersionPage, 404)
    )
    def list_versions(agent_id: Id, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> Response[AgentVersionPage]:
        items, next_cursor = service.versions(who(router), agent_id, limit, cursor)
        return shown(AgentVersionPage(versions=[AgentVersion(**each) for each in items], next_cursor=next_cursor))

    @router.get(
        f"{ONE}/versions/<version>",
        tags=TAGS,
        summary="Get a version of an agent",
        responses=answers(200, AgentVersion, 404),
    )
    def get_version(agent_id: Id, version: Version) -> Response[AgentVersion]:
        return shown(AgentVersion(**version_view(service.get(who(router), agent_id, version))))

    @router.post(
        f"{ONE}/rollback",
        tags=TAGS,
        summary="Put an older version in force again",
        responses=answers(200, Agent, 404, 409, 412),
    )
    def roll_back_agent(
        agent_id: Id, rollback: Rollback, if_match: IfMatch = None, idempotency_key: IdempotencyKey = None
    ) -> Response[Agent]:
        return _one(service.roll_back(who(router), agent_id, rollback.version, rollback.note, if_match))

    return router


def _one(item: Item, status: int = 200, **headers: str) -> Response[Agent]:
    return shown(Agent(**view(item)), status, etag=etag(item), **headers)
