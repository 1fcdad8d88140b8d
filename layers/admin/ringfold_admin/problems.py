"""Errors an administrator sees, in the one shape the API has for them.

```
{"error": {"code": "...", "message": "...", "details": [{"field": "...", "message": "..."}]}}
```

``code`` is for programs and never changes; ``message`` says what was expected and how to cure it; ``details`` names
the fields, where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Problem(Exception):
    """A request that cannot be served.

    Attributes:
        status: HTTP status.
        details: One entry a field: ``field``, ``message``, and what else helps.
        headers: Sent along, for example ``Retry-After``.
    """

    status: int
    code: str
    message: str
    details: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def body(self) -> dict[str, Any]:
        """The JSON document of it."""
        return {"error": {"code": self.code, "message": self.message, "details": [dict(each) for each in self.details]}}


def invalid(field_name: str, message: str, **more: Any) -> Problem:
    """One field of the request cannot be meant."""
    detail = {"field": field_name, "message": message, **more}
    return Problem(400, "invalid_request", f"{field_name}: {message}", [detail])


def invalid_fields(details: Sequence[Mapping[str, Any]]) -> Problem:
    """Several fields of the request cannot be meant."""
    names = ", ".join(dict.fromkeys(str(each["field"]) for each in details))
    return Problem(400, "invalid_request", f"These fields are not valid: {names}. See details.", details)


def unauthenticated(message: str = "Send a valid token as `Authorization: Bearer …`.") -> Problem:
    """Nobody known is asking."""
    return Problem(401, "unauthenticated", message, headers={"WWW-Authenticate": "Bearer"})


def forbidden(message: str) -> Problem:
    """Somebody known asks for what their role may not do."""
    return Problem(403, "forbidden", message)


def not_found(kind: str) -> Problem:
    """There is no such thing, or it is another organization's: both look the same."""
    return Problem(404, "not_found", f"There is no such {kind}. List the ones you can see to find its id.")


def conflict(code: str, message: str, **more: Any) -> Problem:
    """What is stored stands in the way."""
    return Problem(409, code, message, [more] if more else ())


def changed_meanwhile(etag: str) -> Problem:
    """The resource is not the one the caller has read."""
    message = "Somebody changed it since you read it. Read it again, and send the change with its new ETag."
    return Problem(412, "precondition_failed", message, headers={"ETag": etag})


def unavailable(message: str, *, retry_after_s: int = 5) -> Problem:
    """A service of ours or Twilio's does not answer; nothing was changed."""
    return Problem(503, "unavailable", message, headers={"Retry-After": str(retry_after_s)})
