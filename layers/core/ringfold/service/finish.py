"""Ends a call for good, off the speaking path: marks the session, keeps the transcript, remembers the contact.

Called by whoever learns first that the call is over (status callback, action callback), and by the others again:
every step is harmless when repeated, and the first end reason stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from ringfold.core.fold import fold
from ringfold.core.history import entries
from ringfold.core.session import Snapshot
from ringfold.core.transcript import build_transcript, tail_of

TAIL: Final = 8
"""How many utterances a call back is reminded of."""


class EndedCalls(Protocol):
    """See :class:`ringfold.adapters.sessions.Sessions`."""

    def end(self, call_sid: str, reason: str) -> Mapping[str, Any]: ...
    def load_fixed(self, call_sid: str) -> tuple[Snapshot, Sequence[Mapping[str, Any]]]: ...


class Transcripts(Protocol):
    """See :class:`ringfold.adapters.transcripts.Transcripts`."""

    def keep(
        self,
        organization_id: str,
        conversation_id: str,
        reason: str,
        transcript: Sequence[Mapping[str, Any]],
        now_ms: int,
    ) -> None: ...
    def remember(
        self,
        organization_id: str,
        contact: str,
        call_sid: str,
        reason: str,
        tail: Sequence[Mapping[str, str]],
        now_ms: int,
    ) -> None: ...


class Finish:
    """The :class:`~ringfold.ports.Finisher`.

    Args:
        calls: Calls that are over.
        transcripts: Keeps what is left of them.
        is_contact: Whether a caller is somebody in particular.
        remember: Has a conversation remembered, later; told its organization and its id.
    """

    def __init__(
        self,
        calls: EndedCalls,
        transcripts: Transcripts,
        is_contact: Callable[[str], bool],
        remember: Callable[[str, str], None],
    ) -> None:
        self._calls, self._transcripts, self._is_contact = calls, transcripts, is_contact
        self._remember = remember

    def __call__(self, call_sid: str, reason: str, *, now_ms: int) -> None:
        """End a call.

        Raises:
            SessionMissing: If there is no such call.
            DependencyError: If it could not be stored; call again.
        """
        item = self._calls.end(call_sid, reason)
        snapshot, segments = self._calls.load_fixed(call_sid)
        window = entries(fold(item, snapshot.greeting, final=True))
        told = [entry for segment in segments for entry in segment.get("entries", ())] + list(window)
        transcript = build_transcript(snapshot.greeting, told)
        organization_id, ended = str(item["organization_id"]), str(item["ended"])
        self._transcripts.keep(organization_id, str(item["conversation_id"]), ended, transcript, now_ms)
        if self._is_contact(snapshot.caller_number):
            tail = tail_of(transcript, TAIL)
            self._transcripts.remember(organization_id, snapshot.caller_number, call_sid, ended, tail, now_ms)
            if snapshot.agent.memory:
                self._remember(organization_id, str(item["conversation_id"]))
