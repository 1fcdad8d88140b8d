"""Phone numbers: searched, bought, brought in, changed, and verified from the number to the last link."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ringfold_admin.models.common import BaseUrl, Given, Instant, Name, OrganizationRef, Shown

PhoneNumber = Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$", description="E.164.", examples=["+15125550100"])]
AccountRef = Annotated[
    str,
    Field(
        pattern=r"^[a-z]+_[0-9A-Za-z_]{1,60}$",
        description="Id of an account; may be left out where there is only one.",
        examples=["acc_skyowl"],
    ),
]
AgentRef = Annotated[str, Field(pattern=r"^[a-z]+_[0-9A-Za-z_]{1,60}$", examples=["agt_skyowl_airline"])]
Version = Annotated[int, Field(ge=1, le=999_999, description="Null: the newest.")]
Greeting = Annotated[str, Field(min_length=1, max_length=4096, pattern=r"\S")]
RoutingMode = Literal["fixed", "dynamic"]
TtsProvider = Literal["ElevenLabs", "Google", "Amazon"]
LanguageTag = Annotated[str, Field(min_length=2, max_length=35, examples=["en-US"])]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", examples=["US"])]
TransferCountry = Annotated[
    str,
    Field(pattern=r"^([A-Z]{2}|001)$", description="ISO country, or 001 for satellite and international networks."),
]
AreaCode = Annotated[str, Field(pattern=r"^[2-9][0-9]{2}$", examples=["512"])]
Relay = Annotated[
    dict[str, Any],
    Field(
        description="ConversationRelay attributes, spelt as Twilio spells them; null takes one away, those that are "
        "not sent stay. A name or value that Twilio does not document is refused.",
        examples=[{"transcriptionProvider": "Deepgram", "speechModel": "nova-3-general"}],
    ),
]
LanguageChild = Annotated[
    dict[str, Any],
    Field(description="A <Language> child: code, ttsProvider, voice, …", examples=[{"code": "es-US"}]),
]


class Settings(Given):
    """Settings of a number; every one may be left out."""

    name: Name | None = None
    routing_mode: RoutingMode | None = None
    default_agent_id: AgentRef | None = None
    default_agent_version: Version | None = None
    agents: Annotated[
        list[AgentRef] | None, Field(max_length=20, description="The pool that dynamic routing chooses from.")
    ] = None
    greeting: Greeting | None = None
    resume_greeting: Greeting | None = None
    named_greeting: Greeting | None = None
    transfer_number: PhoneNumber | None = None
    transfer_countries: Annotated[
        list[TransferCountry] | None,
        Field(max_length=20, description="Where callers may be sent; empty: the number's own country."),
    ] = None
    tts_provider: TtsProvider | None = None
    tts_voice_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    language: LanguageTag | None = None
    relay: Relay | None = None
    languages: Annotated[list[LanguageChild] | None, Field(max_length=30)] = None
    base_url: BaseUrl | None = None
    is_active: bool | None = None


class NewNumber(Settings):
    """A number to buy: by its phone number as a search gave it, or the first one of an area code.

    The webhooks are set in the same request. Sent again after its answer was lost, it goes on and buys nothing twice.
    """

    phone_number: PhoneNumber | None = None
    area_code: AreaCode | None = None
    country: Annotated[Country, Field(description="Of the area code.")] = "US"
    account_id: AccountRef | None = None
    organization_id: OrganizationRef | None = None
    address_sid: Annotated[str | None, Field(pattern=r"^AD[0-9A-Za-z]{32}$")] = None
    bundle_sid: Annotated[str | None, Field(pattern=r"^BU[0-9A-Za-z]{32}$")] = None
    identity_sid: Annotated[str | None, Field(pattern=r"^RI[0-9A-Za-z]{32}$")] = None


class ImportedNumber(Settings):
    """A number that the Twilio account owns already."""

    account_id: AccountRef | None = None
    organization_id: OrganizationRef | None = None
    phone_number: PhoneNumber | None = None
    phone_sid: Annotated[str | None, Field(pattern=r"^PN[0-9A-Za-z]{32}$")] = None
    configure: Annotated[bool, Field(description="Whether to set its webhooks at Twilio; else drift shows them.")] = (
        True
    )


class NumberChange(Settings):
    """What is to be changed; fields left out stay as they are, null takes a setting away.

    Where that changes what Twilio must know (base URL, transfer number, language), Twilio is told; if it cannot be,
    ``drift`` says so.
    """

    organization_id: Annotated[OrganizationRef | None, Field(description="The platform's administrators only.")] = None


class Pool(Given):
    """The agents of a number."""

    agents: Annotated[list[AgentRef], Field(max_length=20)]


class PoolMember(Given):
    """One agent to add."""

    agent_id: AgentRef


class Capabilities(Shown):
    """What a number can do."""

    voice: bool
    sms: bool
    mms: bool
    fax: bool


class AvailableNumber(Shown):
    """A number that can be bought."""

    phone_number: str
    friendly_name: str
    type: Literal["local", "toll_free", "mobile"]
    country: str
    region: str | None
    locality: str | None
    postal_code: str | None
    capabilities: Capabilities
    address_requirements: Annotated[str, Field(description="none, any, local or foreign: what address_sid must be.")]
    beta: bool


class AvailableNumbers(Shown):
    """What a search found."""

    numbers: list[AvailableNumber]


class Drift(Shown):
    """A field at Twilio that is not what it should be; ``expected`` null: should not be set at all."""

    field: str
    expected: str | None
    configured: str | None


class MessagingService(Shown):
    """The Messaging Service a number is in, which decides where its texts go."""

    service_sid: str | None
    uses_number_webhook: Annotated[
        bool, Field(description="False: incoming texts go to the service's own URL, not to sms_path.")
    ]
    inbound_url: Annotated[str | None, Field(description="Null with uses_number_webhook false: texts are lost.")]


class Registration(Shown):
    """Whether a number may send texts where that takes a registration; ``unknown`` until `verify` has asked."""

    program: Literal["a2p_10dlc", "toll_free", "none"]
    status: Literal["registered", "pending", "failed", "unregistered", "not_required", "unknown"]
    twilio_status: str
    blocks: list[str]
    cure: str


class Number(Shown):
    """One number."""

    id: str
    account_id: Annotated[str | None, Field(description="Null where the account is the platform's, for others.")]
    organization_id: str | None
    phone_number: str
    phone_sid: str | None
    country: str | None
    type: Literal["local", "toll_free", "mobile", "other"]
    name: str
    routing_mode: RoutingMode
    default_agent_id: str | None
    default_agent_version: int | None
    agents: list[str]
    greeting: str | None
    resume_greeting: str | None
    named_greeting: str | None
    transfer_number: str | None
    transfer_countries: list[str]
    tts_provider: Annotated[str | None, Field(description="The attribute ttsProvider of relay.")]
    tts_voice_id: Annotated[str | None, Field(description="The attribute voice of relay.")]
    language: Annotated[str | None, Field(description="The attribute language of relay.")]
    relay: dict[str, Any]
    languages: list[dict[str, Any]]
    base_url: str | None
    is_active: bool
    state: Annotated[
        Literal["purchasing", "active", "releasing"],
        Field(description="Purchasing or releasing for long: repair it, or send DELETE again."),
    ]
    capabilities: Capabilities | None
    webhook_path: str
    status_path: str
    sms_path: str
    websocket_path: str
    configured_webhook_url: Annotated[str | None, Field(description="The voice URL Twilio really has.")]
    configured_webhook_error: Annotated[str | None, Field(description="Why Twilio could not be asked.")]
    configured_checked_at: Instant | None
    expected_webhook_url: str
    drift: list[Drift]
    messaging_service: MessagingService | None
    registration: Registration
    warnings: list[str]
    created_at: Instant
    updated_at: Instant


class NumberPage(Shown):
    """A page of numbers; ``next_cursor`` is null on the last one."""

    numbers: list[Number]
    next_cursor: str | None = None


class Link(Shown):
    """One link of the chain from the dialled number to the words that are spoken."""

    link: Annotated[str, Field(examples=["webhook"])]
    status: Literal["ok", "failed", "skipped", "warning"]
    message: str
    cure: str
    took_ms: int


class Verification(Shown):
    """The chain, link by link; ``first_broken`` names the first one that failed."""

    ok: bool
    first_broken: str | None
    links: list[Link]


class SharedLanguages(Shown):
    """The languages that a pair of providers shares."""

    tts_provider: str
    transcription_provider: str
    languages: list[str]
    complete: Annotated[bool, Field(description="False: more may work; call the number before you rely on it.")]
    sources: list[str]


class LanguageTable(Shown):
    """The languages offered."""

    as_of: Annotated[str, Field(description="When the tables were last compared with their sources.")]
    languages: list[SharedLanguages]
