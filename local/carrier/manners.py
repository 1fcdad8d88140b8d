"""How the imitated Twilio behaves where its documentation leaves room, and how fast its world turns."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final, Literal

HandshakeForm = Literal[
    "plain", "slash", "params", "params-slash", "https", "https-slash", "https-params", "https-params-slash", "wrong"
]
DialOutcome = Literal["completed", "busy", "no-answer", "failed"]


@dataclass(frozen=True, slots=True)
class Manners:
    """Settings of the imitation. Delays are Twilio's observed ones and are divided by ``speed``.

    Attributes:
        speed: How many seconds pass in the call while one passes on the wall. Timeouts and lateness are never scaled.
        agent_chars_per_s: How fast queued text is spoken.
        caller_chars_per_s: How fast the caller finishes a sentence that has cut the agent off.
        onset_s: From the first characters of a talk cycle to its first sound.
        late_after_s: A superseded reply may still send this long after the frame that superseded it.
        handshake_form: Which reading of the signing rules the handshake uses; ``wrong`` forges.
        numbers_read_out: The heard text has numbers as words, as a voice would say them.
        duration_as_string: ``durationUntilInterruptMs`` as older documents show it.
        repeat_setup: Whether a link restored by ``applicationReconnect`` starts with ``setup`` again.
        dial_outcome: What happens when the application dials somebody.
    """

    speed: float = 1.0
    agent_chars_per_s: float = 15.0
    caller_chars_per_s: float = 60.0
    onset_s: float = 0.33
    late_after_s: float = 0.25
    close_delay_s: float = 0.09
    action_delay_s: float = 0.6
    failed_action_delay_s: float = 1.2
    status_delay_s: float = 0.6
    webhook_timeout_s: float = 15.0
    handshake_timeout_s: float = 10.0
    reconnect_delay_s: float = 0.5
    reconnect_tries: int = 3
    handshake_form: HandshakeForm = "plain"
    numbers_read_out: bool = False
    duration_as_string: bool = False
    repeat_setup: bool = True
    dial_outcome: DialOutcome = "completed"


BRISK: Final = Manners(speed=20.0)
"""For tests: a second of talk in fifty milliseconds."""


class CallTime:
    """The time of one call: seconds since it was placed, as many times faster than the wall as ``speed`` says."""

    def __init__(self, speed: float = 1.0) -> None:
        self._start = time.monotonic()
        self._speed = speed

    def wall_s(self) -> float:
        """Real seconds since the call was placed."""
        return time.monotonic() - self._start

    def at_ms(self) -> int:
        """Real milliseconds since the call was placed: the stamp of everything shown."""
        return round(self.wall_s() * 1000)

    def now_s(self) -> float:
        """Seconds of the call's own world."""
        return self.wall_s() * self._speed

    def real_s(self, call_s: float) -> float:
        """How long ``call_s`` seconds of the call take on the wall."""
        return max(0.0, call_s / self._speed)

    async def sleep(self, call_s: float) -> None:
        await asyncio.sleep(self.real_s(call_s))
