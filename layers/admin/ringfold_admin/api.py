"""The administrators' API: routes, errors in one shape, who may ask, and its own description.

Powertools routes and validates; what a route needs comes as services. Nothing leaves here but a JSON document of the
described shapes: a refusal is a :class:`~ringfold_admin.problems.Problem`, and whatever else is raised is a 500 whose
cause is in the log only.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import ServiceError
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from ringfold.errors import AppError, ConfigError, ConflictError, DependencyError
from ringfold.log import Log, about
from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.carrier.problems import problem_of
from ringfold_admin.idempotency import Answer, Idempotency, fingerprint
from ringfold_admin.principal import read_principal
from ringfold_admin.problems import Problem, conflict, invalid, invalid_fields, unavailable

TITLE: Final = "Ringfold"
VERSION: Final = "1"
ABOUT: Final = (
    "Organizations, Twilio accounts, phone numbers and agents. Send a token of the user pool as a bearer. "
    "Lists are paged by `limit` and `cursor`; a changed resource has a new `ETag`, which `If-Match` holds a change to; "
    "a POST may carry an `Idempotency-Key`."
)
OPENAPI_PATH: Final = "/api/openapi.json"
DOCS_PATH: Final = "/api/docs"
KEY_REFUSALS: Final = {
    "409": "The first request with this Idempotency-Key is still being served.",
    "422": "The Idempotency-Key was sent with another request.",
}
OPEN_PATHS: Final = frozenset({OPENAPI_PATH, DOCS_PATH})
JSON: Final = "application/json"
_SERVING: Final = threading.RLock()


@dataclass(frozen=True)
class Api:
    """The API of one process.

    Attributes:
        routers: The routes of every resource.
        idempotency: Keeps the answers of POSTs.
    """

    routers: Sequence[APIGatewayHttpRouter]
    idempotency: Idempotency
    log: Log
    resolver: APIGatewayHttpResolver = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "resolver", self._build())

    def handle(self, event: dict[str, Any], context: object) -> dict[str, Any]:
        """Serve one event of the HTTP API, payload format 2.0; never raises.

        One at a time: Powertools keeps the request at hand on a class of its own.
        """
        try:
            with _SERVING:
                self._admit(event)
                return self.resolver.resolve(event, context)  # type: ignore[arg-type]  # the runtime's own context
        except Exception as exc:  # noqa: BLE001 - the outer edge
            return _wire(_refused(self._problem(exc)))

    def description(self) -> dict[str, Any]:
        """The OpenAPI document."""
        text = self.resolver.get_openapi_json_schema(
            title=TITLE,
            version=VERSION,
            description=ABOUT,
            security_schemes={"bearer": HTTPBearer(bearerFormat="JWT")},
            security=[{"bearer": []}],
        )
        document: dict[str, Any] = json.loads(text)
        return _tidied(document)

    # -----------------------------------------------------------------------------------------------------------------

    def _build(self) -> APIGatewayHttpResolver:
        app = APIGatewayHttpResolver(enable_validation=True)
        app.use(middlewares=[self._once])
        for router in self.routers:
            app.include_router(router)
        app.get(OPENAPI_PATH, include_in_schema=False)(self._openapi)
        app.enable_swagger(path=DOCS_PATH, title=TITLE, version=VERSION)
        app.exception_handler(RequestValidationError)(lambda exc: _refused(_faults(exc)))
        app.exception_handler(Exception)(lambda exc: _refused(self._problem(exc)))
        app.not_found(lambda _exc: _refused(Problem(404, "not_found", f"There is no such path; see {DOCS_PATH}.")))
        return app

    def _openapi(self) -> Response[str]:
        return Response(200, content_type=JSON, body=json.dumps(self.description()))

    def _admit(self, event: dict[str, Any]) -> None:
        """Settle who asks before anything else is looked at, for every path but the description's.

        Not a middleware: those come behind the library's validation, which would tell a stranger what we expect.
        """
        if event.get("rawPath") in OPEN_PATHS:
            return
        self.resolver.clear_context()  # type: ignore[no-untyped-call]  # nobody inherits the last request's principal
        principal = read_principal(event.get("requestContext") or {})
        self.resolver.append_context(principal=principal)  # type: ignore[no-untyped-call]
        _require_readable(event.get("body"), encoded=bool(event.get("isBase64Encoded")))

    def _once(self, app: Any, following: NextMiddleware) -> Response[Any]:
        """Honour an Idempotency-Key."""
        event = app.current_event
        key = event.headers.get("idempotency-key")
        if event.http_method != "POST" or not key or event.path in OPEN_PATHS:
            return following(app)
        request = fingerprint("POST", event.path, event.raw_event.get("rawQueryString") or "", event.decoded_body or "")

        def serve() -> Answer:
            try:
                made = following(app)
            except Exception as exc:  # noqa: BLE001 - told here, so that the key is not kept
                made = _refused(_faults(exc) if isinstance(exc, RequestValidationError) else self._problem(exc))
            return {"status": made.status_code, "body": made.body, "headers": dict(made.headers)}

        subject = app.context["principal"].subject
        answer = self.idempotency.run(key, subject, request, app.lambda_context, serve)
        return Response(answer["status"], content_type=JSON, body=answer["body"], headers=answer["headers"])

    def _problem(self, exc: Exception) -> Problem:
        """What a client is told of an exception: the one place where errors become answers."""
        match exc:
            case Problem():
                return exc
            case CarrierError():
                return problem_of(exc)
            case ServiceError():
                return Problem(int(exc.status_code), "refused", str(exc.msg))
            case ConflictError():
                return conflict(
                    "concurrent_change", "Somebody changed it at the same moment: read it again and repeat."
                )
            case DependencyError():
                self.log.error("a service did not answer", error=type(exc).__name__, detail=str(exc))
                return unavailable("A service Ringfold depends on does not answer. Try again in a moment.")
            case ConfigError():
                self.log.error("something stored cannot be used", error=type(exc).__name__, detail=str(exc))
                return Problem(409, "unusable", str(exc))
            case AppError():
                self.log.error("request failed", error=type(exc).__name__, detail=str(exc))
            case _:
                self.log.error("request broke", **about(exc))
        return Problem(500, "internal_error", "Something broke on our side; it is in the log.")


def _require_readable(body: object, *, encoded: bool) -> None:
    """A body is JSON of sane depth and numbers; the library's own reading of it knows no limits.

    Raises:
        Problem: 400.
    """
    try:
        text = base64.b64decode(str(body or ""), validate=True) if encoded else str(body or "")
        json.loads(text or "null")
    except (ValueError, RecursionError) as exc:
        raise invalid("body", "expected one JSON document") from exc


def _refused(problem: Problem) -> Response[str]:
    return Response(problem.status, content_type=JSON, body=json.dumps(problem.body()), headers=dict(problem.headers))


def _faults(exc: RequestValidationError) -> Problem:
    """Validation's findings in our shape: the field and what was expected; never what was sent, it may be secret."""
    details = []
    for error in exc.errors():
        where = [str(part) for part in error.get("loc", ()) if part not in {"body", "query", "path", "header"}]
        name = ".".join(where) or str(next(iter(error.get("loc", ("body",)))))
        details.append({"field": name, "message": str(error.get("msg", "")), "type": str(error.get("type", ""))})
    return invalid_fields(details)


def _wire(response: Response[str]) -> dict[str, Any]:
    headers = {**{name: str(value) for name, value in response.headers.items()}, "content-type": JSON}
    return {"statusCode": response.status_code, "headers": headers, "body": response.body}


def _tidied(document: dict[str, Any]) -> dict[str, Any]:
    """Powertools' own 422 for what we refuse with 400 is taken out of the description where no route gives one.

    What an Idempotency-Key may meet is put into every POST. A 204 has no content, whatever Powertools says of it.
    """
    for path in document.get("paths", {}).values():
        for method, operation in path.items():
            responses = operation.get("responses", {})
            told = json.dumps(responses.get("422", ""))
            if "HTTPValidationError" in told:
                del responses["422"]
            responses.get("204", {}).pop("content", None)
            if method == "post":
                for status, description in KEY_REFUSALS.items():
                    responses.setdefault(status, {**responses["400"], "description": description})
    for name in ("HTTPValidationError", "ValidationError"):
        document.get("components", {}).get("schemas", {}).pop(name, None)
    return document
