"""The administrators' API behind the HTTP API; API Gateway has verified the token."""

from __future__ import annotations

from typing import Any

from ringfold_admin import bootstrap

api = bootstrap.api()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Serve one request."""
    return api.handle(event, context)
