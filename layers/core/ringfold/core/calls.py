"""A call as the webhooks see it: what opens it, what is stored of it, what a lost session is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ringfold.core.agent import Agent
from ringfold.core.end_reasons import HANDOFF
from ringfold.core.ids import AccountSid, AgentId, CallSid, ConversationId, NumberId, OrganizationId
from ringfold.core.lines import Account, LastCall, LastTexts, Number
from ringfold.core.session import Snapshot

TOKEN_TTL_S: Final = 120
"""How long Twilio has to open the WebSocket after it has our TwiML."""

if TYPE_CHECKING:  # a turn, which reads no memory, does not pay for its import
    from ringfold.core.memory import Memory


@dataclass(frozen=True)
class Opening:
    """What the voice webhook stores before it answers."""

    call_sid: CallSid
    account_sid: AccountSid
    organization_id: OrganizationId
    conversation_id: ConversationId
    number_id: NumberId
    agent_id: AgentId
    caller_contact: str
    """The caller's number when it names a person, else ``""``: anonymous callers share nothing."""
    call_status: str
    snapshot: Snapshot
    created_ms: int


@dataclass(frozen=True)
class CallRecord:
    """What is stored of a call.

    Attributes:
        ended: Why we ended it; ``""`` while we have not.
        link_gen: How many handshakes there were.
        snapshot: ``None`` where it was not asked for or is gone.
        handoff: Set while the call is handed over; see :mod:`ringfold.core.handoff`.
        recoveries: How many lost sessions have been answered with a new one.
        returned: How many handoffs have brought the caller back.
    """

    call_sid: CallSid
    account_sid: AccountSid
    organization_id: OrganizationId
    conversation_id: ConversationId
    created_ms: int
    ended: str = ""
    link_gen: int = 0
    snapshot: Snapshot | None = None
    handoff: Mapping[str, Any] | None = None
    returned: int = 0
    recoveries: int = 0

    @property
    def over(self) -> str:
        """Why the call would be over if the line went down now; ``""`` when nothing was decided here."""
        return self.ended or (HANDOFF if self.handoff else "")


@dataclass(frozen=True)
class Recovery:
    """One attempt at a new session for a call that lost its own.

    Attributes:
        attempt: 1 for the first.
        at_ms: When it was granted; a repeated callback gets the same.
    """

    attempt: int
    at_ms: int


@dataclass(frozen=True)
class Line:
    """What a webhook's ``To`` and ``AccountSid`` are known as.

    Attributes:
        number: ``None`` when it is not ours.
        account_id: Of the account with this SID; ``""`` when there is none.
        call: The call, where it was asked for and is stored.
    """

    number: Number | None
    account_id: str = ""
    call: CallRecord | None = None


@dataclass(frozen=True)
class Persona:
    """Who answers, for whom, and to whom.

    Attributes:
        account: As its own item says; ``None`` when it has none.
        agent: ``None`` when the organization has no such agent, or it cannot be read.
        fault: Why that is so; ``""`` when there is an agent.
        pool: The agents a dynamic number chooses from, as far as they can be read.
    """

    account: Account | None
    agent: Agent | None
    organization_name: str = ""
    last_call: LastCall | None = None
    fault: str = ""
    pool: tuple[Agent, ...] = ()
    last_texts: LastTexts | None = None
    memory: Memory | None = None
