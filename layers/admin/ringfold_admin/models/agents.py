"""Agents: who answers, what they may do, and how long they may keep a caller waiting."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ringfold_admin.models.common import Given, Instant, Name, OrganizationRef, Shown

ModelId = Annotated[
    str,
    Field(
        max_length=2048, pattern=r"^[\w.:/\-]*$", description="Bedrock model or inference profile; empty: the default."
    ),
]
Sentence = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")]
ToolName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
AudioUrl = Annotated[str, Field(max_length=2048, pattern=r"^https://[\x21-\x7e]+$")]
Relay = Annotated[
    dict[str, str | bool | int | float | list[str]],
    Field(description="ConversationRelay attributes, spelt as Twilio spells them; a number's own win over these."),
]


class HttpTool(Given):
    """A tool of the organization's own: called over HTTPS, signed, its answer bounded and never trusted."""

    name: ToolName
    description: Annotated[str, Field(min_length=1, max_length=1000, description="For the model: what, and when.")]
    input_schema: Annotated[dict[str, Any], Field(description="JSON Schema of an object: the arguments.")]
    url: Annotated[str, Field(max_length=2048, pattern=r"^https://[\x21-\x7e]+$")]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    timeout_ms: Annotated[int, Field(ge=200, le=20_000)] = 5000
    headers: Annotated[
        dict[str, Annotated[str, Field(max_length=1024)]] | None,
        Field(description="{{secret:name}} in a value stands for that secret of the organization."),
    ] = None
    signing_secret: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{0,64}$", description="Signs requests.")] = ""
    side_effect: Annotated[bool, Field(description="False: only reads, and may be asked again.")] = True


class AgentSettings(Given):
    """What can be set of an agent; every field may be left out."""

    name: Name | None = None
    instructions: Annotated[
        str | None, Field(min_length=1, max_length=60_000, description="The system prompt, the same on every channel.")
    ] = None
    description: Annotated[
        str | None, Field(max_length=1000, description="What it is for: a number's agents are chosen among by it.")
    ] = None
    model_id: ModelId | None = None
    fallback_model_id: ModelId | None = None
    max_tokens: Annotated[int | None, Field(ge=16, le=4096)] = None
    temperature: Annotated[float | None, Field(ge=0, le=1)] = None
    first_token_ms: Annotated[int | None, Field(ge=200, le=10_000)] = None
    scripted_ms: Annotated[int | None, Field(ge=500, le=15_000)] = None
    tool_filler_ms: Annotated[int | None, Field(ge=0, le=10_000)] = None
    tool_timeout_ms: Annotated[int | None, Field(ge=500, le=60_000)] = None
    routing_ms: Annotated[int | None, Field(ge=100, le=2000)] = None
    tools: Annotated[list[ToolName] | None, Field(max_length=40)] = None
    fillers: Annotated[list[Sentence] | None, Field(max_length=20)] = None
    apology: Sentence | None = None
    reprompt: Sentence | None = None
    back: Sentence | None = None
    recovery_menu: Annotated[
        str | None, Field(max_length=300, description="Said when the line keeps failing: 1 goes on; empty: no menu.")
    ] = None
    resume_window_s: Annotated[int | None, Field(ge=0, le=86_400)] = None
    recall_window_s: Annotated[int | None, Field(ge=0, le=2_592_000)] = None
    memory: bool | None = None
    audio: Annotated[
        list[AudioUrl] | None, Field(max_length=40, description="What the tool play_audio may play; nothing else.")
    ] = None
    http_tools: Annotated[list[HttpTool] | None, Field(max_length=20)] = None
    relay: Relay | None = None


class NewAgent(AgentSettings):
    """What an agent is made from: a name and instructions; the rest has defaults."""

    organization_id: OrganizationRef | None = None
    name: Name
    instructions: Annotated[str, Field(min_length=1, max_length=60_000)]


class AgentChange(AgentSettings):
    """What is to be changed; fields left out stay as they are, null puts a default back. Makes a new version."""

    note: Annotated[str | None, Field(max_length=300, description="Why, for whoever looks at the versions later.")] = (
        None
    )


class Rollback(Given):
    """Which version is to be in force again; it becomes a new version."""

    version: Annotated[int, Field(ge=1)]
    note: Annotated[str | None, Field(max_length=300)] = None


class Agent(Shown):
    """One agent as it is now."""

    id: str
    organization_id: str
    version: Annotated[int, Field(description="Of the settings; 1 is the first.")]
    name: str
    instructions: str
    description: str
    model_id: str
    fallback_model_id: str
    max_tokens: int
    temperature: float | None
    first_token_ms: int
    scripted_ms: int
    tool_filler_ms: int
    tool_timeout_ms: int
    routing_ms: int
    tools: list[str]
    fillers: list[str]
    apology: str
    reprompt: str
    back: str
    recovery_menu: str
    resume_window_s: int
    recall_window_s: int
    memory: bool
    audio: list[str]
    http_tools: list[dict[str, Any]]
    relay: dict[str, Any]
    created_at: Instant
    updated_at: Instant


class AgentPage(Shown):
    """A page of agents; ``next_cursor`` is null on the last one."""

    agents: list[Agent]
    next_cursor: str | None = None


class AgentVersion(Agent):
    """An agent as one version left it; ``updated_at`` is when that was made."""

    note: str = ""
    made_by: str = ""


class AgentVersionPage(Shown):
    """A page of versions, the newest first; ``next_cursor`` is null on the last one."""

    versions: list[AgentVersion]
    next_cursor: str | None = None
