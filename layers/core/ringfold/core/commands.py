"""The two doors of a turn: what it asks for (imperative) and what comes of it (past tense)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ringfold.core.events import Event
from ringfold.core.ids import Key
from ringfold.core.session import Snapshot

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """One compaction: what becomes history item ``number``, and what leaves the session item."""

    old_mark: str
    new_mark: str
    number: int
    entries: Sequence[Mapping[str, Any]]
    events: Sequence[str]
    replies: Sequence[str]


# --- commands -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Append:
    """One UpdateItem: store an event under its key, open its reply, learn the whole item. → Appended, AppendFailed.

    Attributes:
        reply: The journal entry to open under the key, if the event asks for a reply.
        closes: A reply opened earlier by this turn that will not speak under its old key.
        link: (generation, connection id) the frame came on.
    """

    key: Key
    event: Event
    reply: Mapping[str, Any] | None = None
    closes: Key | None = None
    link: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """Read the snapshot and the older history. → Loaded, LoadFailed."""


@dataclass(frozen=True, slots=True)
class Arm:
    """Send the delayed watchdog message; it carries the event, in case its append is never made. → nothing."""

    key: Key
    delay_s: int
    event: Event | None = None
    link: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """Read the item, consistently. → Polled, PollFailed."""


@dataclass(frozen=True, slots=True)
class Journal:
    """One UpdateItem on the reply's journal; its answer is the floor check. → Journaled, JournalFailed.

    Attributes:
        sets: Path below the reply (``"p.003"``, ``"st"``) → value.
        guard: Only if the item holds this many floor keys: nobody has taken the floor since we looked.
        ended: Mark the call ended with this reason, if it is not yet.
        end_sent: The ``end`` frame has landed.
        events: Stored too, unless they are there: what this turn itself has to say of the call.
        handoff: The call is handed over from here on (see :mod:`ringfold.core.handoff`), if it is not yet.
    """

    key: Key
    sets: Mapping[str, Any]
    guard: int | None = None
    ended: str = ""
    end_sent: bool = False
    handoff: Mapping[str, Any] | None = None
    events: Mapping[Key, Event] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenModel:
    """Ask a model. → ModelSaid, ModelCalled, ModelStopped, ModelFailed, all with this stream number."""

    stream: int
    model_id: str
    request: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CloseModel:
    """Stop a stream for good. → nothing."""

    stream: int


@dataclass(frozen=True, slots=True)
class PostFrame:
    """Post one frame to the caller. → Posted, PostFailed."""

    connection_id: str
    frame: str


@dataclass(frozen=True, slots=True)
class RunTool:
    """Run a tool for this organization, conversation and caller. → ToolReturned.

    ``definition``: of a tool of the organization's own.
    """

    tool_use_id: str
    name: str
    arguments: Mapping[str, Any]
    timeout_ms: int
    idempotency_key: str
    organization_id: str = ""
    conversation_id: str = ""
    caller_number: str = ""
    definition: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Carry the turn on in an asynchronous invocation (A11). → nothing."""

    key: Key
    part: int


@dataclass(frozen=True, slots=True)
class Claim:
    """Claim one part of a turn for this invocation (A11). → Journaled, JournalFailed."""

    key: Key
    part: int
    rid: str


@dataclass(frozen=True, slots=True)
class EndCall:
    """Mark the call as ended, unless it is already. → Journaled, JournalFailed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Compact:
    """Fold old events into a history item, only if nobody has moved the mark (A10). → Journaled, JournalFailed."""

    plan: Plan


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Open the TLS connections of the speaking path, beside everything else. → nothing."""


Command = (
    Append
    | Load
    | Arm
    | Poll
    | Journal
    | OpenModel
    | CloseModel
    | PostFrame
    | RunTool
    | Dispatch
    | Claim
    | EndCall
    | Compact
    | WarmUp
)


# --- what comes of them -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Appended:
    """The event is stored, by this invocation or an earlier one; ``item`` is the whole session item."""

    item: Item


@dataclass(frozen=True, slots=True)
class AppendFailed:
    """The event could not be stored. ``missing``: there is no such call."""

    missing: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """What does not change, and the older history."""

    snapshot: Snapshot
    segments: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """The snapshot could not be read."""


@dataclass(frozen=True, slots=True)
class Polled:
    """The session item as it is now."""

    item: Item


@dataclass(frozen=True, slots=True)
class PollFailed:
    """The item could not be read this time. ``missing``: there is no such call."""

    missing: bool = False


@dataclass(frozen=True, slots=True)
class Journaled:
    """Written down; ``item`` is the whole session item afterwards."""

    item: Item


@dataclass(frozen=True, slots=True)
class JournalFailed:
    """Not written. ``lost``: the guard did not hold; otherwise the table failed."""

    lost: bool


@dataclass(frozen=True, slots=True)
class ModelSaid:
    """A piece of text."""

    stream: int
    text: str


@dataclass(frozen=True, slots=True)
class ModelCalled:
    """A tool call, complete. ``arguments`` is the JSON text the model wrote."""

    stream: int
    tool_use_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ModelStopped:
    """The stream ended as it should."""

    stream: int
    reason: str
    usage: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """The stream could not be opened or broke."""

    stream: int
    code: str


@dataclass(frozen=True, slots=True)
class Posted:
    """The frame has landed at Twilio's side of the gateway."""


@dataclass(frozen=True, slots=True)
class PostFailed:
    """The frame did not land (``gone``, ``refused``), or it is unknown whether it did (``ambiguous``)."""

    kind: str


@dataclass(frozen=True, slots=True)
class ToolReturned:
    """What a tool gave back; ``result`` is JSON text the model may read."""

    tool_use_id: str
    ok: bool
    result: str


Outcome = (
    Appended
    | AppendFailed
    | Loaded
    | LoadFailed
    | Polled
    | PollFailed
    | Journaled
    | JournalFailed
    | ModelSaid
    | ModelCalled
    | ModelStopped
    | ModelFailed
    | Posted
    | PostFailed
    | ToolReturned
)
