"""Every error Ringfold raises on purpose, one family per party that has to act.

```
AppError
├── ConfigError        ours to fix before traffic
├── WireError          the peer sent something unusable: 400/403, or log and drop the frame
│   └── SignatureError
├── StateError         our bug: an impossible move
├── ConflictError      somebody was there first: look again
│   ├── FloorLost      a newer floor event is stored: stop speaking
│   └── SessionMissing no such call, or it has expired
└── DependencyError    Bedrock, Twilio, DynamoDB, Secrets Manager, API Gateway
    └── ConnectionGone the link is closed: words must go to a newer one
```
"""

from __future__ import annotations


class AppError(Exception):
    """Root of all errors raised on purpose."""


class ConfigError(AppError):
    """A setting is missing, misspelt or contradictory; the message says which, and the cure."""


class WireError(AppError):
    """The peer sent something unusable."""


class SignatureError(WireError):
    """A signature or token does not hold. The message never says why to the outside.

    Attributes:
        reason: For our log only.
    """

    def __init__(self, reason: str) -> None:
        super().__init__("not authorized")
        self.reason = reason


class StateError(AppError):
    """An impossible move: a bug of ours."""


class ConflictError(AppError):
    """Somebody was there first; look again."""


class FloorLost(ConflictError):
    """A floor event newer than the one looked at is stored."""


class SessionMissing(ConflictError):
    """There is no session item for this call."""


class DependencyError(AppError):
    """A service we depend on failed.

    Attributes:
        service: Its name, for example ``"bedrock"``.
        retryable: Whether the same request may be sent again.
        processed: ``None`` when it is unknown whether the request took effect.
        code: The service's own error code, if it gave one.
    """

    def __init__(
        self,
        service: str,
        message: str,
        *,
        retryable: bool = False,
        processed: bool | None = False,
        code: str = "",
    ) -> None:
        super().__init__(f"{service}: {message}")
        self.service = service
        self.retryable = retryable
        self.processed = processed
        self.code = code


class ConnectionGone(DependencyError):
    """The WebSocket link is closed (410); the call may live on on a newer one."""

    def __init__(self, message: str = "connection is gone") -> None:
        super().__init__("gateway", message, code="GoneException")
