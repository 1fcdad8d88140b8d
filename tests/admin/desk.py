"""The administrators' API over real tables and secrets, asked as API Gateway would ask it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from ringfold.adapters.secrets import Secrets
from ringfold.log import Log
from ringfold_admin.bootstrap import assemble
from ringfold_admin.principal import SCOPES, Role
from tests.aws import Aws

RELAY_KEY = "relay-key-of-this-test"


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.text) if self.text else None

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.json["error"]["code"])

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


@dataclass
class Desk:
    """The API, and the principal whose token is sent."""

    aws: Aws
    api: Any
    lines: list[str]
    purchases: Any = None
    claims: dict[str, str] = field(default_factory=dict)

    def as_(self, role: Role, organization_id: str = "", subject: str = "") -> Desk:
        """The same API, asked by somebody else."""
        claims = {"sub": subject or f"user-{role}-{organization_id}", "scope": " ".join(SCOPES[role])}
        if organization_id:
            claims["organization_id"] = organization_id
        return replace(self, claims=claims)

    @property
    def platform(self) -> Desk:
        return self.as_(Role.PLATFORM_ADMIN)

    def admin(self, organization_id: str) -> Desk:
        return self.as_(Role.ORGANIZATION_ADMIN, organization_id)

    def viewer(self, organization_id: str) -> Desk:
        return self.as_(Role.ORGANIZATION_VIEWER, organization_id)

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        """Send a request.

        Args:
            method: HTTP's.
            path: From ``/api`` on.
            body: A JSON document, or the raw text of one.
            more: ``headers`` and ``query``.
        """
        query = {name: str(value) for name, value in (more.get("query") or {}).items()}
        headers = {"content-type": "application/json", **(more.get("headers") or {})}
        authorizer = {"jwt": {"claims": self.claims, "scopes": None}} if self.claims else {}
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": urlencode(query),
            "headers": {name.lower(): value for name, value in headers.items()},
            **({"queryStringParameters": query} if query else {}),
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "192.0.2.1"},
                "stage": "$default",
                "requestId": "r-1",
                **({"authorizer": authorizer} if authorizer else {}),
            },
            "isBase64Encoded": False,
            **({"body": body if isinstance(body, str) else json.dumps(body)} if body is not None else {}),
        }
        context = SimpleNamespace(
            aws_request_id="r-1", function_name="provision", get_remaining_time_in_millis=lambda: 10_000
        )
        answer = self.api.handle(event, context)
        return Answer(answer["statusCode"], answer.get("headers") or {}, answer.get("body") or "")

    def get(self, path: str, **more: Any) -> Answer:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: object = None, **more: Any) -> Answer:
        return self.ask("POST", path, {} if body is None else body, **more)

    def patch(self, path: str, body: object, **more: Any) -> Answer:
        return self.ask("PATCH", path, body, **more)

    def put(self, path: str, body: object, **more: Any) -> Answer:
        return self.ask("PUT", path, body, **more)

    def delete(self, path: str, **more: Any) -> Answer:
        return self.ask("DELETE", path, **more)

    def organization(self, name: str = "Acme") -> str:
        """A new organization's id."""
        made = self.platform.post("/api/organizations", {"name": name})
        assert made.status == 201, made.text
        return str(made.json["id"])


def build_desk(aws: Aws, twilio: str, **more: Any) -> Desk:
    """The API over these tables, with Twilio's REST API at ``twilio``."""
    secretsmanager = aws.client("secretsmanager", parameter_validation=False)
    prefix = f"/ringfold/{aws.table}/"
    secretsmanager.create_secret(Name=f"{prefix}relay", SecretString=json.dumps({"key": RELAY_KEY}))
    lines: list[str] = []
    made = assemble(
        dynamodb=aws.client("dynamodb", parameter_validation=False),
        secretsmanager=secretsmanager,
        secrets=Secrets(secretsmanager, prefix=prefix, relay_key_id=f"{prefix}relay"),
        table_name=aws.table,
        secret_prefix=prefix,
        secrets_key_id="",
        twilio_api_base_url=twilio,
        log=Log("INFO", lines.append, function="provision"),
        **more,
    )
    return Desk(aws, made.api, lines, made.purchases)
