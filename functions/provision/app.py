"""The administrators' API behind the HTTP API; SQS: a delayed look at a purchase that may have been cut short.

API Gateway has verified the token of a request.
"""

from __future__ import annotations

from typing import Any

from ringfold_admin import bootstrap

api = bootstrap.api()


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Serve one request, or the messages of a batch."""
    return api.handle(event, context)
