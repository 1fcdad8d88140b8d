"""Twilio's Messages resource: a text is sent, and looked for before it would be sent again.

``POST`` and ``GET /2010-04-01/Accounts/{AccountSid}/Messages.json``, signed in with the account's SID and auth token.
Not through Twilio's SDK: importing it takes longer than sending a text, at every cold start (design D14).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError
from urllib3.util import make_headers

from ringfold.errors import DependencyError

TWILIO: Final = "https://api.twilio.com"
TIMEOUT_S: Final = 8.0


@dataclass(frozen=True)
class Taken:
    """A text that Twilio has."""

    sid: str
    state: str
    error_code: str = ""


class Refused(DependencyError):
    """Twilio will not send this text, however often it is asked.

    ``code`` is Twilio's: 21610 opted out, 21614 no mobile number, 21408 not permitted there, …
    """

    def __init__(self, status: int, code: str) -> None:
        super().__init__("twilio", f"send: {status} {code}", code=code)
        self.status = status


class Messages:
    """Sends texts of accounts.

    Args:
        base_url: Where Twilio's REST API is; ``""`` at Twilio.
        timeout_s: Per request.
    """

    def __init__(self, base_url: str = "", timeout_s: float = TIMEOUT_S) -> None:
        self._base = (base_url or TWILIO).rstrip("/")
        timeout = urllib3.Timeout(connect=2.0, read=timeout_s)
        self._pool = urllib3.PoolManager(maxsize=4, timeout=timeout, retries=False)

    def send(
        self, account_sid: str, auth_token: str, *, to: str, sender: str, body: str, status_callback: str
    ) -> Taken:
        """Send a text.

        Raises:
            Refused: If it will never be sent.
            DependencyError: If it is not known whether it was (``processed`` is ``None``), or it can be tried again.
        """
        form = {"To": to, "From": sender, "Body": body, "StatusCallback": status_callback}
        status, answer = self._ask("POST", account_sid, auth_token, body=urlencode(form))
        if status in {200, 201}:
            return _taken(answer)
        code = str(answer.get("code") or "")
        if status == 429 or status >= 500:
            processed = None if status >= 500 else False
            raise DependencyError("twilio", f"send: {status} {code}", retryable=True, processed=processed, code=code)
        raise Refused(status, code)

    def find(
        self, account_sid: str, auth_token: str, *, to: str, sender: str, body: str, since_ms: int
    ) -> Taken | None:
        """Look for a text that may have been sent: the same words, to the same number, since then.

        Raises:
            DependencyError: If Twilio did not say.
        """
        day = datetime.fromtimestamp(since_ms / 1000, UTC).strftime("%Y-%m-%d")
        query = urlencode({"To": to, "From": sender, "DateSent>": day, "PageSize": 50})
        status, answer = self._ask("GET", account_sid, auth_token, query=query)
        if status != 200:
            code = str(answer.get("code") or "")
            raise DependencyError("twilio", f"look: {status} {code}", retryable=True, code=code)
        for message in answer.get("messages", []):
            if message.get("body") == body and _made_ms(message) >= since_ms // 1000 * 1000:
                return _taken(message)
        return None

    def _ask(
        self, method: str, account_sid: str, auth_token: str, *, query: str = "", body: str = ""
    ) -> tuple[int, Mapping[str, Any]]:
        url = f"{self._base}/2010-04-01/Accounts/{account_sid}/Messages.json" + (f"?{query}" if query else "")
        headers = dict(make_headers(basic_auth=f"{account_sid}:{auth_token}"))
        if body:
            headers["content-type"] = "application/x-www-form-urlencoded"
        try:
            answer = self._pool.request(method, url, body=body or None, headers=headers, redirect=False)
        except (HTTPError, OSError) as exc:
            raise DependencyError("twilio", type(exc).__name__, retryable=True, processed=None) from exc
        try:
            told = json.loads(answer.data)
        except ValueError:
            told = {}
        return int(answer.status), told if isinstance(told, dict) else {}


def _taken(message: Mapping[str, Any]) -> Taken:
    code = message.get("error_code")
    return Taken(str(message.get("sid") or ""), str(message.get("status") or "queued"), str(code) if code else "")


def _made_ms(message: Mapping[str, Any]) -> int:
    try:
        return int(parsedate_to_datetime(str(message.get("date_created"))).timestamp() * 1000)
    except ValueError:
        return 0
