"""What was asked of the model and what became of it: the newest requests, and counts of all."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

State = Literal["running", "finished", "cancelled", "failed", "refused"]

KEPT: Final = 500
KEPT_BODIES: Final = 100
KEPT_TEXT: Final = 2000


@dataclass
class Record:
    """One request.

    Attributes:
        state: ``finished`` (answered to the end), ``cancelled`` (the client left first), ``failed`` (an error or a
            cut by our fault), ``refused`` (the judge's ValidationException), ``running``.
        first_token_ms: From the request's arrival to the first token sent; ``None`` before.
        ended_ms: From the request's arrival to its end.
        tokens: Deltas sent, text and tool input alike.
        sent_bytes: Bytes of the answer's body.
        text: The beginning of what was answered.
    """

    request_id: str
    model_id: str
    operation: str
    arrived_at: str
    utterance: str = ""
    state: State = "running"
    fault: str = "none"
    error: str = ""
    stop_reason: str = ""
    tokens: int = 0
    sent_bytes: int = 0
    first_token_ms: float | None = None
    ended_ms: float | None = None
    text: str = ""


class RequestLog:
    """The newest requests in memory."""

    def __init__(self) -> None:
        """Start empty."""
        self._records: deque[Record] = deque(maxlen=KEPT)
        self._bodies: deque[tuple[str, Any]] = deque(maxlen=KEPT_BODIES)
        self.counts: Counter[str] = Counter()

    def open(self, request_id: str, model_id: str, operation: str) -> Record:
        """Note the arrival of a request."""
        record = Record(request_id, model_id, operation, datetime.now(UTC).isoformat(timespec="milliseconds"))
        self._records.append(record)
        self.counts["requests"] += 1
        return record

    def keep_body(self, request_id: str, body: Any) -> None:
        """Keep what was asked, for the newest requests only."""
        self._bodies.append((request_id, body))

    def close(self, record: Record, state: State, since: float) -> None:
        """Note the end of a request that arrived at ``since`` on the monotonic clock."""
        record.state = state
        record.ended_ms = round((time.monotonic() - since) * 1000, 1)
        self.counts[state] += 1

    def clear(self) -> None:
        """Forget everything."""
        self._records.clear()
        self._bodies.clear()
        self.counts.clear()

    def find_body(self, request_id: str) -> Any:
        """What was asked, or ``None`` when it is no longer kept."""
        return next((body for kept_id, body in reversed(self._bodies) if kept_id == request_id), None)

    def to_json(self) -> dict[str, Any]:
        """Newest last, with counts: ``requests`` and one for each state."""
        return {"requests": [asdict(record) for record in self._records], "counts": dict(self.counts)}
