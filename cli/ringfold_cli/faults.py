"""What can go wrong, by who has to act; each family has its exit code.

```
Fault
├── Refused       1  the API refused: change the request, or what stands in its way
├── UsageFault    2  the command cannot be meant
├── Unreachable   3  nobody answers, or a service behind the API does not: try again later
└── NotAllowed    4  no token, none that is accepted, or a role that may not do this
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

UNREACHABLE_STATUSES: Final = frozenset({503, 504})
NOT_ALLOWED_STATUSES: Final = frozenset({401, 403})


class Fault(Exception):
    """A command that did not succeed.

    Attributes:
        exit_code: Of the process.
        code: For programs, as the API's errors have it.
        message: What was expected, and how to cure it.
        details: One entry a field, as the API gives them.
        hint: What to do on this command line.
    """

    exit_code = 1

    def __init__(
        self, code: str, message: str, details: Sequence[Mapping[str, Any]] = (), *, status: int = 0, hint: str = ""
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.details = code, message, tuple(details)
        self.status, self.hint = status, hint

    @property
    def document(self) -> dict[str, Any]:
        """The error in the API's own shape."""
        details = [dict(each) for each in self.details]
        return {"error": {"code": self.code, "message": self.message, "details": details}}


class Refused(Fault):
    """The API understood and refused."""


class UsageFault(Fault):
    """The command line cannot be meant."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__("usage", message, hint=hint)


class Unreachable(Fault):
    """Nobody answered, or what the API needs did not."""

    exit_code = 3


class NotAllowed(Fault):
    """Nobody known asked, or their role may not."""

    exit_code = 4


def fault_of(status: int, document: object, *, hint: str = "") -> Fault:
    """The fault that an answer of the API is; API Gateway's own answers have another shape, and are translated."""
    family: type[Fault] = Refused
    if status in UNREACHABLE_STATUSES:
        family = Unreachable
    elif status in NOT_ALLOWED_STATUSES:
        family = NotAllowed
        hint = hint or ("Log in: ringfold login" if status == 401 else "")
    error = document.get("error") if isinstance(document, Mapping) else None
    if isinstance(error, Mapping):
        details = [each for each in error.get("details") or () if isinstance(each, Mapping)]
        return family(str(error.get("code")), str(error.get("message")), details, status=status, hint=hint)
    said = str(document.get("message") or "") if isinstance(document, Mapping) else ""
    code, message = _GATEWAY.get(status, ("refused", "The answer is not one of Ringfold's API"))
    return family(code, f"{message} ({status} {said})".replace(" )", ")"), status=status, hint=hint)


_GATEWAY: Final[Mapping[int, tuple[str, str]]] = {
    401: ("unauthenticated", "The token is missing, expired or not of this deployment"),
    403: ("forbidden", "The token opens nothing here"),
    404: ("not_found", "There is no such path: is this the URL of Ringfold's API, and of this version?"),
    429: ("too_many_requests", "Too many requests: try again in a moment"),
    500: ("internal_error", "Something broke on the other side; it is in the log"),
    503: ("unavailable", "The API does not answer: try again in a moment"),
    504: ("unavailable", "The API did not answer in time: try again in a moment"),
}
