"""Bedrock's errors: the name, the HTTP status it has when it comes before the stream, the words it uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

STATUS: Final[dict[str, int]] = {
    "ValidationException": 400,
    "AccessDeniedException": 403,
    "MissingAuthenticationTokenException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ModelNotReadyException": 429,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}

_UNEXPECTED: Final = "The system encountered an unexpected error during processing. Try your request again."
MESSAGE: Final[dict[str, str]] = {
    "AccessDeniedException": "You don't have access to the model with the specified model ID.",
    "MissingAuthenticationTokenException": "Missing Authentication Token",
    "ResourceNotFoundException": "This model version has reached the end of its life. Please refer to the AWS "
    "documentation for more details.",
    "ModelTimeoutException": "Model has timed out in processing the request. Try your request again.",
    "ModelErrorException": _UNEXPECTED,
    "ModelStreamErrorException": _UNEXPECTED,
    "ModelNotReadyException": "The model is not ready for inference. Wait and try your request again.",
    "ThrottlingException": "Too many tokens, please wait before trying again.",
    "InternalServerException": _UNEXPECTED,
    "ServiceUnavailableException": "Bedrock is unable to process your request.",
}

IN_STREAM: Final = frozenset(
    {
        "InternalServerException",
        "ModelStreamErrorException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "ValidationException",
    }
)


@dataclass(eq=False)  # not frozen: context managers set the traceback of what passes through them
class BedrockError(Exception):
    """An answer of the service that is no model output.

    Attributes:
        name: The exception's name as in ``x-amzn-ErrorType``, for example ``ThrottlingException``.
        message: What the service says; the usual words when left empty.
        extra: Further fields of the body, for example ``originalStatusCode``.
    """

    name: str
    message: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> int:
        """HTTP status when the error comes instead of a stream."""
        return STATUS.get(self.name, 500)

    @property
    def event_name(self) -> str:
        """The name inside a stream: the same, beginning with a small letter."""
        return self.name[0].lower() + self.name[1:]

    def body(self) -> dict[str, Any]:
        """The JSON object that tells the caller."""
        return {"message": self.message or MESSAGE.get(self.name, self.name), **self.extra}


def invalid(message: str) -> BedrockError:
    """A ``ValidationException``."""
    return BedrockError("ValidationException", message)
