"""Twilio's errors: a code, a sentence, and the HTTP status they come with."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """One of Twilio's errors.

    Args:
        status: The HTTP status.
        code: Twilio's own code.
        message: Its sentence.
        violation: Whether the request is one that Twilio should never have seen; it goes into the traffic feed.
    """

    def __init__(self, status: int, code: int, message: str, *, violation: bool = False) -> None:
        super().__init__(message)
        self.status, self.code, self.violation = status, code, violation

    def body(self) -> dict[str, Any]:
        more_info = f"https://www.twilio.com/docs/errors/{self.code}"
        body = {"code": self.code, "message": str(self), "more_info": more_info, "status": self.status}
        if self.status == 401:
            body["detail"] = "Your AccountSid or AuthToken was incorrect."
        return body


def refused(code: int, message: str) -> ApiError:
    """What the request asks for cannot be done."""
    return ApiError(400, code, message)


def malformed(message: str) -> ApiError:
    """A parameter that does not exist, or cannot mean anything."""
    return ApiError(400, 20001, message, violation=True)


def unauthenticated() -> ApiError:
    return ApiError(401, 20003, "Authenticate")


def not_found(path: str, *, violation: bool = False) -> ApiError:
    """There is no such thing, or it is another account's."""
    return ApiError(404, 20404, f"The requested resource {path} was not found", violation=violation)


def from_code(status: int, code: int | None, message: str | None) -> ApiError:
    """An error that a fault asks for, with Twilio's usual code and sentence where it names none."""
    usual_code, usual_message = USUAL.get(status, (20500 if status >= 500 else 20001, "An error has occurred"))
    return ApiError(status, code or usual_code, message or usual_message)


USUAL = {
    400: (20001, "Bad request"),
    401: (20003, "Authenticate"),
    403: (20005, "Account not active"),
    404: (20404, "The requested resource was not found"),
    405: (20004, "Method not allowed"),
    409: (20409, "Conflict"),
    429: (20429, "Too Many Requests"),
    500: (20500, "An internal server error has occurred"),
    503: (20503, "Service unavailable"),
}
