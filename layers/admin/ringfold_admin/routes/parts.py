"""What the routes share: who asks, which page, which headers, and what can go wrong in the words of OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel

from ringfold_admin.models.common import Error, Refusal
from ringfold_admin.principal import Principal
from ringfold_admin.services.desk import DEFAULT_LIMIT, MOST

JSON: Final = "application/json"
Router = APIGatewayHttpRouter

Limit = Annotated[int, Query(ge=1, le=MOST, description=f"As many as this at most; {MOST} is the most.")]
Cursor = Annotated[str | None, Query(min_length=1, max_length=400, description="`next_cursor` of the page before.")]
OfOrganization = Annotated[
    str | None, Query(max_length=64, description="Only this organization's; the platform's administrators may choose.")
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match", max_length=200, description="ETag of the version you read: refuse if it was changed since."
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="The same key and request again within a day gives the first answer and does nothing twice.",
    ),
]
Id = Annotated[str, Path(min_length=1, max_length=80)]

DEFAULT_PAGE: Final = DEFAULT_LIMIT

_DESCRIPTIONS: Final[Mapping[int, str]] = {
    400: "A field is not valid; details name each.",
    401: "No valid token.",
    402: "The Twilio account has no balance left.",
    403: "The role may not do this.",
    404: "There is no such thing, or it is another organization's.",
    409: "What is stored stands in the way.",
    412: "Changed by somebody else since it was read.",
    422: "Understood, and refused: by Twilio, or because what it names does not fit.",
    429: "Too many requests.",
    500: "A fault of ours; it is in the log.",
    502: "Twilio failed.",
    503: "A service we depend on does not answer.",
    504: "Twilio did not answer in time.",
}
ALWAYS: Final = (400, 401, 403, 500, 503)
GATEWAY: Final = frozenset({401, 403, 500, 503})
"""What API Gateway may answer by itself."""


def answers(status: int, model: type[BaseModel] | None, *errors: int, description: str = "") -> dict[int, Any]:
    """The ``responses`` of a route for OpenAPI.

    Args:
        status: Of success.
        model: What success gives; ``None`` for nothing.
        errors: Statuses beside those that every route may give.
        description: Of success.
    """
    good: dict[str, Any] = {"description": description or "Done."}
    if model is not None:
        good["content"] = {JSON: {"model": model}}
    told = {
        code: {
            "description": _DESCRIPTIONS[code],
            "content": {JSON: {"model": Refusal if code in GATEWAY else Error}},
        }
        for code in {*ALWAYS, *errors}
    }
    return {status: good, **dict(sorted(told.items()))}


def new_router() -> Router:
    """A router for one resource."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]  # the library leaves it so


def who(router: Router) -> Principal:
    """Who asks; the middleware of ``api.py`` has put it there."""
    principal: Principal = router.context["principal"]
    return principal


def shown(model: BaseModel, status: int = 200, *, etag: str = "", **headers: str) -> Response[Any]:
    """An answer with a document."""
    tagged = {"ETag": etag} if etag else {}
    return Response(status, content_type=JSON, body=model, headers={**tagged, **headers})


def nothing() -> Response[Any]:
    """An answer without one."""
    return Response(204, body="")
