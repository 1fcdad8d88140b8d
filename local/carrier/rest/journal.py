"""The record of every REST request: who asked what, and what became of it. Secrets are blotted out."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

CAPACITY: Final = 2_000
BLOT: Final = "***"
PASSWORD_IN_URL: Final = re.compile(r"(https?://[^\s/:@]+):[^\s/@]+@")

Pairs = list[tuple[str, str]]


@dataclass
class Request:
    """One request.

    Attributes:
        path: As at Twilio, without the base it is served under.
        query: As sent, in order, repeated names included. The same for ``form``, which is ``None`` when the body was
            none.
        user: The SID it was authenticated with, an account's or a key's, right or not.
        resource: What it was about, as faults name it; ``None`` for a path nobody serves.
        status: What was answered; ``None`` while it is under way, and when the connection was broken instead.
        code: Twilio's error code.
        processed: Whether it was carried out, whatever was answered.
        fault: The fault that struck it.
    """

    id: int
    at_ms: int
    method: str
    path: str
    query: Pairs
    form: Pairs | None
    content_type: str
    user: str
    resource: str | None = None
    status: int | None = None
    code: int | None = None
    processed: bool = False
    fault: str | None = None


@dataclass
class Journal:
    """The latest requests, oldest first."""

    secrets: Callable[[], list[str]] = list
    _requests: deque[Request] = field(default_factory=lambda: deque(maxlen=CAPACITY))
    _last_id: int = 0

    def enter(self, method: str, path: str, query: Pairs, user: str) -> Request:
        """A request has come; the caller fills in what becomes of it."""
        self._last_id += 1
        request = Request(
            self._last_id, round(time.time() * 1000), method, self._blot(path), self._blotted(query), None, "", user
        )
        self._requests.append(request)
        return request

    def enter_form(self, request: Request, content_type: str, form: Pairs | None) -> None:
        request.content_type = content_type
        request.form = None if form is None else self._blotted(form)

    def listed(self, after: int = 0) -> list[dict[str, Any]]:
        """The requests after an id."""
        return [asdict(each) for each in self._requests if each.id > after]

    def clear(self) -> None:
        self._requests.clear()

    def _blotted(self, pairs: Pairs) -> Pairs:
        return [(self._blot(name), self._blot(value)) for name, value in pairs]

    def _blot(self, text: str) -> str:
        for secret in self.secrets():
            text = text.replace(secret, BLOT)
        return PASSWORD_IN_URL.sub(rf"\1:{BLOT}@", text)
