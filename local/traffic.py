"""The feed of both protocols' traffic: a ring in memory, passed on live to whoever watches.

Record kinds: `webhook` and `twiml` (Twilio's requests and our answers), `api` and `api_answer` (administrators'),
`frame_in` (Twilio to us), `frame_out` (us to Twilio), `connect`, `disconnect`, `violation` (something Twilio must never
see, or we must never do), `invoke`, `log`.
Speech is shown, this being the developer's own machine; secrets are not.
"""

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

CAPACITY: Final = 10_000
MAX_TEXT: Final = 16_384
MAX_TOTAL: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 50
_MASK: Final = "***"
_SECRET_FIELDS: Final = frozenset(
    {"auth_token", "authtoken", "secondary_token", "api_key_secret", "x-twilio-signature", "authorization"}
)
_TOKEN_IN_URL: Final = re.compile(r"((?:^|[?&;])(?:access_)?token=)[^&\"'<>\s]+")
_JWT: Final = re.compile(r"eyJ[\w-]{10,}\.[\w-]+\.[\w-]*")
_WATCHER_BACKLOG: Final = 5_000


class Traffic:
    """Keeps the latest records and hands new ones to watchers.

    Args:
        capacity: How many records are kept at most.
        max_total: How many characters of text they may hold together.
    """

    def __init__(self, capacity: int = CAPACITY, max_total: int = MAX_TOTAL) -> None:
        self._capacity = capacity
        self._max_total = max_total
        self._records: deque[dict[str, Any]] = deque()
        self._watchers: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._secrets: tuple[str, ...] = ()
        self._next_id = 1
        self._size = 0
        self._sizes: deque[int] = deque()

    def mask(self, *secrets: str) -> None:
        """Never show these values, wherever they turn up."""
        self._secrets = tuple({*self._secrets, *(secret for secret in secrets if len(secret) >= 8)})

    def mask_fields(self, document: Any, depth: int = 0) -> None:
        """Never show what this document holds in fields whose names say that it is secret."""
        if isinstance(document, dict):
            found = [value for name, value in document.items() if str(name).lower() in _SECRET_FIELDS]
            self.mask(*(value for value in found if isinstance(value, str)))
            document = list(document.values())
        if isinstance(document, list) and depth < MAX_DEPTH:
            for each in document:
                self.mask_fields(each, depth + 1)

    def record(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Add a record; it gets an `id` that only grows and `at_ms`, the time of day in milliseconds."""
        record = {"id": self._next_id, "at_ms": round(time.time() * 1000, 3), "kind": kind, **self._clean(fields)}
        self._next_id += 1
        self._keep(record)
        for watcher in list(self._watchers):
            if watcher.qsize() >= _WATCHER_BACKLOG:  # It does not read: let it go rather than grow.
                self._watchers.discard(watcher)
                watcher.put_nowait(None)
            else:
                watcher.put_nowait(record)
        return record

    def _keep(self, record: dict[str, Any]) -> None:
        size = sum(len(value) for value in record.values() if isinstance(value, str))
        self._records.append(record)
        self._sizes.append(size)
        self._size += size
        while len(self._records) > self._capacity or self._size > self._max_total:
            self._records.popleft()
            self._size -= self._sizes.popleft()

    def records(self, after: int = 0, call_sid: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        """The kept records after an id, of one call or one kind if given."""
        return [
            record
            for record in self._records
            if record["id"] > after
            and (call_sid is None or record.get("call_sid") == call_sid)
            and (kind is None or record["kind"] == kind)
        ]

    async def watch(self, after: int = 0) -> AsyncIterator[dict[str, Any]]:
        """Yield the kept records after an id, then every new one."""
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._watchers.add(queue)
        try:
            for record in self.records(after):
                yield record
            while (new := await queue.get()) is not None:
                yield new
        finally:
            self._watchers.discard(queue)

    def close(self) -> None:
        """End every watcher's stream."""
        for watcher in list(self._watchers):
            watcher.put_nowait(None)

    def _clean(self, value: Any, key: str = "", depth: int = 0) -> Any:
        if key.lower() in _SECRET_FIELDS and value:
            return _MASK
        if depth > MAX_DEPTH:
            return "…"
        if isinstance(value, dict):
            return {name: self._clean(item, str(name), depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._clean(item, depth=depth + 1) for item in value]
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                value = f"{value[:MAX_TEXT]} … and {len(value) - MAX_TEXT} more"
            for secret in self._secrets:
                if secret in value:
                    value = value.replace(secret, _MASK)
            if "eyJ" in value:
                value = _JWT.sub(_MASK, value)
            return _TOKEN_IN_URL.sub(rf"\1{_MASK}", value) if "token=" in value else value
        return value


def as_sse(record: dict[str, Any]) -> str:
    """One record as a server-sent event."""
    return f"id: {record['id']}\ndata: {json.dumps(record, separators=(',', ':'), default=str)}\n\n"
