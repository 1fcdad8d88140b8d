"""Twilio's own client, with what it lacks: time-outs, another base URL, and errors that say what to do.

The SDK sets no time-out and raises whatever ``requests`` raises. Here each request is bounded, sent once, and an error
says whether it may have taken effect: a purchase whose answer was lost is looked up before it is sent again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from ringfold.errors import DependencyError
from ringfold_admin.vault import Credentials

TIMEOUT_S: Final = 8.0
"""A route has 30 s in all, and some make two or three requests."""

AT_AN_EDGE: Final = re.compile(r"https://api\.(?:[a-z0-9-]+\.){1,2}twilio\.com")
"""Twilio's API in a region of Twilio's, through an edge: ``https://api.{edge}.{region}.twilio.com``."""

T = TypeVar("T")


class CarrierError(DependencyError):
    """Twilio refused a request, or could not be asked.

    Attributes:
        status: HTTP status; 0 when there was no answer.
        twilio_code: Twilio's own error code; ``None`` when it gave none.
        text: Twilio's words; ``""`` when there are none.
        processed: ``False``: certainly not done; ``None``: unknown.
    """

    def __init__(
        self, operation: str, status: int, twilio_code: int | None, text: str, *, processed: bool | None
    ) -> None:
        code = str(twilio_code or "")
        retryable = status == 429
        super().__init__("twilio", f"{operation}: {status} {code}", retryable=retryable, processed=processed, code=code)
        self.operation = operation
        self.status = status
        self.twilio_code = twilio_code
        self.text = text


class RebasedHttpClient(TwilioHttpClient):  # type: ignore[misc]  # the SDK is untyped
    """Twilio's HTTP client, which may be told to ask elsewhere than at twilio.com.

    Args:
        base_url: Put in front of a request's path instead of Twilio's own host; ``""`` for Twilio itself. Where it is
            Twilio's API at an edge of a region (``https://api.dublin.ie1.twilio.com``), Twilio's other hosts are asked
            there too.
        timeout_s: How long one request may take.
    """

    def __init__(self, base_url: str = "", timeout_s: float = TIMEOUT_S) -> None:
        super().__init__(timeout=timeout_s, max_retries=0)
        self._base_url = base_url.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        """Send one request."""
        if self._base_url:
            parts = urlsplit(url)
            base = self._base_url
            if AT_AN_EDGE.fullmatch(base):
                base = base.replace("//api.", f"//{(parts.hostname or '').partition('.')[0]}.", 1)
            url = base + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().request(method, url, *args, **kwargs)


class Carriers:
    """Gives the client of an account.

    Args:
        base_url: See :class:`RebasedHttpClient`; one connection pool serves all accounts.
        timeout_s: The same.
    """

    def __init__(self, base_url: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self._http = RebasedHttpClient(base_url, timeout_s)

    def client(self, credentials: Credentials) -> Client:
        """The SDK's client for these credentials: the API key where there is one, else the auth token."""
        if credentials.api_key_sid and credentials.api_key_secret:
            return Client(
                credentials.api_key_sid, credentials.api_key_secret, credentials.account_sid, http_client=self._http
            )
        return Client(credentials.account_sid, credentials.auth_token, http_client=self._http)


def ask(operation: str, call: Callable[[], T]) -> T:
    """Make one request of the SDK's.

    Args:
        operation: What it is, for the error.
        call: Makes it.

    Raises:
        CarrierError: If Twilio refused it or could not be asked.
    """
    try:
        return call()
    except TwilioRestException as exc:
        processed = None if exc.status >= 500 else False
        raise CarrierError(operation, exc.status, exc.code, str(exc.msg or ""), processed=processed) from exc
    except requests.ConnectTimeout as exc:
        raise CarrierError(operation, 0, None, "no connection", processed=False) from exc
    except requests.ConnectionError as exc:
        refused = "NewConnectionError" in repr(exc) or "NameResolutionError" in repr(exc)
        raise CarrierError(operation, 0, None, "no connection", processed=False if refused else None) from exc
    except requests.RequestException as exc:
        raise CarrierError(operation, 0, None, type(exc).__name__, processed=None) from exc
    except (TwilioException, ValueError) as exc:
        raise _unreadable(operation, exc) from exc


def _unreadable(operation: str, exc: Exception) -> CarrierError:
    """The SDK's complaint about an answer: a refused list, or something that is none of Twilio's.

    A list that is refused comes out of the SDK as an exception without status or code; it holds the answer, though.
    """
    answer = next((each for each in exc.args if isinstance(each, Response)), None)
    if answer is None or answer.status_code < 300:
        return CarrierError(operation, 0, None, "an unreadable answer", processed=None)
    try:
        told: Any = json.loads(answer.text)
    except ValueError:
        told = None
    fields: dict[str, Any] = told if isinstance(told, dict) else {}
    code = fields.get("code")
    return CarrierError(
        operation,
        int(answer.status_code),
        code if isinstance(code, int) else None,
        str(fields.get("message") or ""),
        processed=None if answer.status_code >= 500 else False,
    )
