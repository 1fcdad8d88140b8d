"""What the services need done, as protocols: adapters fulfil them in production, small fakes in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol

from ringfold.core.agent import Agent
from ringfold.core.calls import CallRecord, Line, Opening, Persona, Recovery
from ringfold.core.commands import Append, Item, Journal, Outcome, Plan, RunTool
from ringfold.core.ids import AccountId, AccountSid, CallSid, ConversationId, OrganizationId
from ringfold.core.lines import Account, Number
from ringfold.core.relay_token import Claims
from ringfold.core.session import Snapshot

# ---------------------------------------------------------------- voice webhooks and handshake


class AccountTokens(Protocol):
    """An account's secret, as far as verifying goes."""

    @property
    def account_sid(self) -> AccountSid: ...
    @property
    def auth_tokens(self) -> tuple[str, ...]: ...


class SecretStore(Protocol):
    """See :class:`ringfold.adapters.secrets.Secrets`."""

    def account(self, account_id: AccountId, secret_id: str = "") -> AccountTokens: ...
    def account_again(self, account_id: AccountId, secret_id: str = "") -> AccountTokens | None: ...
    def relay_key(self) -> str: ...


class LineDirectory(Protocol):
    """See :class:`ringfold.adapters.directory.Directory`."""

    def find_line(self, to: str, account_sid: str, call_sid: str = "", *, with_snapshot: bool = False) -> Line: ...
    def load_persona(self, number: Number, caller_number: str) -> Persona: ...
    def account(self, account_id: AccountId) -> Account | None: ...


class CallStore(Protocol):
    """See :class:`ringfold.adapters.calls.Calls`."""

    def open_call(self, opening: Opening) -> CallRecord: ...
    def set_status(
        self, organization_id: OrganizationId, conversation_id: ConversationId, status: str, now_ms: int
    ) -> bool: ...
    def close_conversation(
        self, organization_id: OrganizationId, conversation_id: ConversationId, reason: str, now_ms: int
    ) -> bool: ...
    def grant_return(self, call_sid: CallSid, number: int, outcome: str, now_ms: int) -> Recovery | None: ...
    def grant_recovery(self, call_sid: CallSid, session_id: str, now_ms: int, most: int = ...) -> Recovery | None: ...


class LinkStore(Protocol):
    """See :class:`ringfold.adapters.calls.Calls`."""

    def claim_link(self, claims: Claims, connection_id: str, now_s: float) -> int: ...
    def close_link(self, call_sid: str, generation: int, now_ms: int) -> bool: ...


class Finisher(Protocol):
    """Ends a call for good: marks the session, closes the conversation, keeps transcript and contact. Idempotent."""

    def __call__(self, call_sid: str, reason: str, *, now_ms: int) -> None: ...


# ---------------------------------------------------------------- the relay


class SessionStore(Protocol):
    """See :class:`ringfold.adapters.sessions.Sessions`."""

    def append(self, call_sid: str, command: Append) -> Item: ...
    def journal(self, call_sid: str, command: Journal) -> Item: ...
    def claim(self, call_sid: str, key: str, part: int, rid: str) -> Item: ...
    def load(self, call_sid: str) -> Item: ...
    def load_fixed(self, call_sid: str) -> tuple[Snapshot, Sequence[Mapping[str, Any]]]: ...
    def end(self, call_sid: str, reason: str) -> Item: ...
    def compact(self, call_sid: str, plan: Plan, expires_at: int) -> Item: ...


class ModelStream(Protocol):
    """One request to a model, closable from any thread; ``sent`` is set once it is on the wire."""

    sent: Event

    def close(self) -> None: ...


class Model(Protocol):
    """See :class:`ringfold.adapters.bedrock.Bedrock`."""

    def stream(self, number: int) -> Any: ...  # a ModelStream of the adapter's own kind
    def run(self, stream: Any, model_id: str, request: Mapping[str, Any], emit: Callable[[Outcome], None]) -> None: ...
    def warm(self) -> None: ...


class Links(Protocol):
    """See :class:`ringfold.adapters.connections.Connections`."""

    def post(self, connection_id: str, frame: str) -> None: ...
    def warm(self) -> None: ...


class Watchdog(Protocol):
    """See :class:`ringfold.adapters.queue.WatchdogQueue`."""

    def arm(
        self, call_sid: str, key: str, delay_s: int, event: Mapping[str, Any] | None, link: tuple[int, str] | None
    ) -> None: ...


class TurnDispatch(Protocol):
    """See :class:`ringfold.adapters.dispatch.LambdaDispatch`."""

    def turn(self, call_sid: str, key: str, part: int) -> None: ...


class ToolRunner(Protocol):
    """Runs an agent's tools and tells the turn what they are; never raises."""

    def specs(self, agent: Agent) -> Sequence[Mapping[str, Any]]: ...
    def kind(self, agent: Agent, name: str) -> str: ...
    def run(self, call_sid: str, command: RunTool) -> Outcome: ...


class ThreadPool(Protocol):
    """See :class:`ringfold.adapters.threads.Threads`."""

    def run(self, job: Callable[[], None]) -> None: ...


@dataclass(frozen=True)
class RelayPorts:
    """Everything the relay touches outside itself; ``clock`` gives epoch milliseconds."""

    sessions: SessionStore
    model: Model
    connections: Links
    watchdog: Watchdog
    dispatch: TurnDispatch
    tools: ToolRunner
    threads: ThreadPool
    clock: Callable[[], int]
