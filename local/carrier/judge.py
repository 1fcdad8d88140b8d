"""Watches what the application says, and when, for the rules of turn-taking it must keep.

Nothing in a frame names the turn it belongs to. So a superseded reply shows in one of two ways: its talk cycle was open
when the caller took the floor, and text goes on in it without a closing frame between; or the words themselves tell
(``reply_of``, for tests whose model marks its replies).
"""

from __future__ import annotations

from collections.abc import Callable

from local.carrier.frames import AppFrame, End, Play, Text


class Judge:
    """Rules on the order and time of frames; all times are real seconds.

    Args:
        late_after_s: How long after the frame that superseded it a reply may still send.
        reply_of: Tells which reply a token belongs to, or ``None`` where it cannot be told.
    """

    def __init__(self, late_after_s: float, reply_of: Callable[[str], str | None] | None = None) -> None:
        self._late_after_s = late_after_s
        self._reply_of = reply_of
        self._open = False
        self._stale = False
        self._fence_s = 0.0
        self._fence_kind = ""
        self._ended = False
        self._replies: list[str] = []
        self._replies_at_fence = 0

    @property
    def ended(self) -> bool:
        return self._ended

    def fence(self, now_s: float, kind: str) -> None:
        """The caller took the floor: a ``prompt``, ``interrupt`` or ``dtmf`` frame has been sent."""
        self._stale = self._open
        self._fence_s, self._fence_kind = now_s, kind
        self._replies_at_fence = len(self._replies)

    def new_link(self) -> None:
        """A new session or a restored connection: no talk cycle is open on it."""
        self._open = self._stale = False

    def frame(self, now_s: float, frame: AppFrame) -> list[str]:
        """Returns what is wrong with this frame coming now."""
        faults = [f"{_name(frame)} after end"] if self._ended else []
        if isinstance(frame, End):
            self._ended = True
        if isinstance(frame, Text):
            faults += self._text(now_s, frame)
        return faults

    def _text(self, now_s: float, frame: Text) -> list[str]:
        reply = self._reply_of(frame.token) if self._reply_of and frame.token.strip() else None
        faults = self._marked(now_s, reply) if reply is not None else []
        after_s = now_s - self._fence_s
        if frame.token and self._stale and reply is None and after_s > self._late_after_s:
            late_ms = round(after_s * 1000)
            faults.append(
                f"late: text goes on in its talk cycle {late_ms} ms after the {self._fence_kind} superseding it"
            )
        self._open = not frame.last
        if frame.last:
            self._stale = False
        return faults

    def _marked(self, now_s: float, reply: str) -> list[str]:
        faults = []
        if reply not in self._replies:
            self._replies.append(reply)
        elif reply != self._replies[-1]:
            faults.append(f"interleaved: reply {reply} speaks again after reply {self._replies[-1]} began")
        after_s = now_s - self._fence_s
        if self._replies.index(reply) < self._replies_at_fence and after_s > self._late_after_s:
            faults.append(
                f"late: reply {reply} speaks {round(after_s * 1000)} ms after the {self._fence_kind} superseding it"
            )
        return faults


def _name(frame: AppFrame) -> str:
    return {Text: "text", End: "end", Play: "play"}.get(type(frame), type(frame).__name__)
