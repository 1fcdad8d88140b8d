"""What an agent is: who it is, which model thinks for it, and how long it may keep a caller waiting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from ringfold.core.ids import AgentId, OrganizationId
from ringfold.errors import ConfigError

VOICE_RULES: Final = (
    "You are speaking with a caller in a phone call (channel: voice). Answer in one or two short sentences, "
    "as people speak: no lists, no markdown, no links, no emoji. Ask one thing at a time. "
    "What you wrote but the caller did not hear is not in the conversation: the caller cut you short there. "
    "The caller's words come from speech recognition and may be misheard. "
    "When you look something up, do not announce it at length. Never invent facts; use the tools."
)


@dataclass(frozen=True)
class Agent:
    """A configured persona.

    Attributes:
        instructions: The system prompt, the same on every channel.
        description: What it is for, in a sentence: for people, and for choosing among the agents of a number.
        model_id: Bedrock model or inference profile; empty means the deployment's default.
        fallback_model_id: The second model, asked when the first is late or fails; empty means the default.
        max_tokens: Upper bound of one model answer.
        first_token_ms: How long the first model may take to its first event before the second is asked too.
        scripted_ms: How long the caller may wait, from the end of the utterance, before a scripted sentence.
        tool_filler_ms: How long a tool may take before a filler sentence covers it.
        tool_timeout_ms: How long a tool may take at all.
        routing_ms: How long a model may take to choose among the agents of a number; then this one speaks.
        tools: Names of the tools the agent may call.
        fillers: Spoken while a tool is slow; never the same twice in a row.
        apology: Spoken when no model answers.
        reprompt: Spoken when the caller interrupted and then said nothing.
        back: Spoken after the line was lost and found again, when no answer was pending.
        recovery_menu: Said when a session has been lost too often: key 1 goes on with the agent, any other or none
            ends as without it; ``""`` for no such menu.
        resume_window_s: How long after a dropped call a call back continues it.
        recall_window_s: How long what was said on one channel is told to the agent on another; 0 for never.
        memory: Whether people are remembered from its conversations, and it is told what is remembered of them.
        audio: URLs that ``play_audio`` may play; no other is ever played.
        http_tools: Tools of the organization's own, over HTTP; see :mod:`ringfold.tools.http`.
        relay: ConversationRelay attributes of this agent; a number's own win over these.
    """

    agent_id: AgentId
    organization_id: OrganizationId
    name: str
    instructions: str
    description: str = ""
    model_id: str = ""
    fallback_model_id: str = ""
    max_tokens: int = 300
    temperature: float | None = None
    first_token_ms: int = 1200
    scripted_ms: int = 2900
    tool_filler_ms: int = 800
    tool_timeout_ms: int = 8000
    routing_ms: int = 700
    tools: tuple[str, ...] = ("end_call",)
    fillers: tuple[str, ...] = ("One moment, please.", "I'm still looking.", "Nearly there.")
    apology: str = "I'm sorry, I'm having trouble answering right now. Could you say that again?"
    reprompt: str = "I'm listening. Please go ahead."
    back: str = "Sorry, we lost the line for a moment. I'm back. Where were we?"
    recovery_menu: str = ""
    resume_window_s: int = 900
    recall_window_s: int = 86_400
    memory: bool = True
    audio: tuple[str, ...] = ()
    http_tools: tuple[Mapping[str, Any], ...] = ()
    relay: Mapping[str, str] = field(default_factory=dict)

    def recalls(self, at_ms: int, now_ms: int) -> bool:
        """Whether what was said elsewhere at a time is still told; clocks that differ make nothing newer than now."""
        return max(now_ms - at_ms, 0) < self.recall_window_s * 1000

    def to_doc(self) -> dict[str, Any]:
        """The JSON form that is stored."""
        return asdict(self)


def agent_from_doc(doc: Mapping[str, Any]) -> Agent:
    """Read an agent from its stored form; a field we do not know is a newer version's and is left out.

    Raises:
        ConfigError: If a required field is missing.
    """
    known = {f.name for f in fields(Agent)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in doc.items() if name in known
    }
    try:
        return Agent(**values)
    except TypeError as exc:
        raise ConfigError(f"agent {doc.get('agent_id')!r} is incomplete: {exc}") from exc
