"""What the commands of numbers share: their options, the settings made of them, and how a number is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from ringfold_cli.faults import UsageFault
from ringfold_cli.files import read_settings
from ringfold_cli.shell import Shell, given

READ_ONLY: Final = frozenset(
    {
        "id",
        "account_id",
        "organization_id",
        "phone_number",
        "phone_sid",
        "country",
        "type",
        "state",
        "capabilities",
        "webhook_path",
        "status_path",
        "sms_path",
        "websocket_path",
        "configured_webhook_url",
        "configured_webhook_error",
        "configured_checked_at",
        "expected_webhook_url",
        "drift",
        "messaging_service",
        "registration",
        "warnings",
        "created_at",
        "updated_at",
    }
)


class Mode(StrEnum):
    """How a number's agent is chosen."""

    FIXED = "fixed"
    DYNAMIC = "dynamic"


Number = Annotated[str, typer.Argument(help="The number (+15125550100), its id, or its name.")]
OfAccount = Annotated[
    str | None,
    typer.Option("--account", help="Id, AC… SID or name of the Twilio account; not needed if it is the only."),
]
DefaultAgent = Annotated[str | None, typer.Option("--agent", help="Id or name of the agent that answers.")]
AgentVersion = Annotated[int | None, typer.Option("--agent-version", min=1, help="Stay at this version of the agent.")]
NewestVersion = Annotated[bool, typer.Option("--newest-version", help="Always the agent's newest version.")]
Routing = Annotated[
    Mode | None,
    typer.Option("--mode", help="fixed: the agent answers; dynamic: one of the pool, by what the caller says first."),
]
OwnPool = Annotated[
    list[str] | None, typer.Option("--pool", help="An agent of the pool, by id or name; repeat it. Replaces the pool.")
]
Name = Annotated[str | None, typer.Option("--name", help="What it is called.")]
Greeting = Annotated[str | None, typer.Option("--greeting", help="Said first.")]
ResumeGreeting = Annotated[
    str | None, typer.Option("--resume-greeting", help="Said first to a caller who was cut off and calls back.")
]
NamedGreeting = Annotated[
    str | None, typer.Option("--named-greeting", help="Said first to a caller whose name is known: Hello {name}, …")
]
Transfer = Annotated[str | None, typer.Option("--transfer-number", help="Whom callers are transferred to, E.164.")]
NoTransfer = Annotated[bool, typer.Option("--no-transfer-number", help="Nobody.")]
TtsProvider = Annotated[str | None, typer.Option("--tts-provider", help="ElevenLabs, Google or Amazon.")]
Voice = Annotated[str | None, typer.Option("--voice", help="The provider's voice.")]
Language = Annotated[str | None, typer.Option("--language", help="en-US, es-MX, …: see ringfold numbers languages.")]
Relay = Annotated[
    list[str] | None,
    typer.Option(
        "--relay", metavar="NAME=VALUE", help="A ConversationRelay attribute; repeat it. NAME= takes it away."
    ),
]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Where Twilio reaches this deployment, for it alone.")]
Active = Annotated[
    bool | None, typer.Option("--active/--inactive", help="Whether callers are answered.", show_default=False)
]
File = Annotated[
    str | None,
    typer.Option(
        "--file", "-f", help="Settings as JSON or YAML, as `show --json` prints them; - for stdin. Options win over it."
    ),
]


def number_settings(
    shell: Shell,
    organization_id: str | None,
    *,
    file: str | None = None,
    agent: str | None = None,
    agent_version: int | None = None,
    mode: Mode | None = None,
    pool: Sequence[str] | None = None,
    voice: str | None = None,
    relay: Sequence[str] | None = None,
    active: bool | None = None,
    **texts: str | None,
) -> dict[str, Any]:
    """A number's settings in the API's names; what was not given is left out, an empty text is null.

    Args:
        shell: Finds agents by their names.
        organization_id: Whose agents are meant, where that is known.
        file: Settings that the options win over.
        agent: Id or name.
        agent_version: A version to stay at.
        mode: Of routing.
        pool: Ids or names.
        voice: The provider's.
        relay: ``NAME=VALUE`` each.
        active: Whether callers are answered.
        texts: Options whose names are the API's.
    """
    body = read_settings(file, leave_out=READ_ONLY) if file else {}
    body |= {name: text or None for name, text in texts.items() if text is not None}
    body |= given(
        default_agent_id=shell.agent(agent, organization_id) if agent else None,
        default_agent_version=agent_version,
        routing_mode=mode.value if mode else None,
        agents=[shell.agent(each, organization_id) for each in pool] if pool else None,
        is_active=active,
    )
    if voice is not None:
        body["tts_voice_id"] = voice or None
    if relay:
        body["relay"] = {**(body.get("relay") or {}), **dict(_attribute(each) for each in relay)}
    return body


def tell_number(shell: Shell, number: Mapping[str, Any]) -> None:
    """Show a number to people, with what is wrong with it."""
    left_out = {"drift", "warnings", "registration", "messaging_service", "capabilities"}
    told = {name: value for name, value in number.items() if name not in left_out}
    told["capabilities"] = [name for name, has in (number.get("capabilities") or {}).items() if has]
    if number.get("registration"):
        told["registration"] = f"{number['registration']['program']}: {number['registration']['status']}"
    shell.out.fields(told.items())
    for each in number.get("drift") or ():
        has, wanted = each["configured"] or "nothing", each["expected"] or "nothing"
        shell.out.say(f"! At Twilio {each['field']} is {has}, and should be {wanted}.", "yellow")
    if number.get("drift"):
        shell.out.say(f"→ ringfold numbers repair {number['phone_number']}", "cyan")
    for warning in number.get("warnings") or ():
        shell.out.say(f"! {warning}", "yellow")


def _attribute(text: str) -> tuple[str, Any]:
    """``NAME=VALUE``; a value that is JSON is taken as such."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageFault(f"--relay {text!r}: expected NAME=VALUE, such as speechModel=nova-3-general.")
    if not value:
        return name, None
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    return name, read
