"""`ringfold numbers`."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from ringfold_cli import ask
from ringfold_cli.changes import change
from ringfold_cli.command import All, Cursor, Limit, OfOrganization, Yes, command, group
from ringfold_cli.commands import number_agents
from ringfold_cli.commands.number_parts import (
    Active,
    AgentVersion,
    BaseUrl,
    DefaultAgent,
    File,
    Greeting,
    Language,
    Name,
    NamedGreeting,
    NewestVersion,
    NoTransfer,
    Number,
    OfAccount,
    OwnPool,
    Relay,
    ResumeGreeting,
    Routing,
    Transfer,
    TtsProvider,
    Voice,
    number_settings,
    tell_number,
)
from ringfold_cli.faults import UsageFault
from ringfold_cli.shell import NUMBERS, SHORTEST, Shell, given, one

app = group("Phone numbers: found, bought, given agents, verified, repaired, given back.")
app.add_typer(number_agents.app, name="agents")
FOUND: Final = 20
PURCHASING: Final = "purchasing"


class Kind(StrEnum):
    """What numbers are searched for."""

    LOCAL = "local"
    TOLL_FREE = "toll_free"
    MOBILE = "mobile"


AreaCode = Annotated[str | None, typer.Option("--area-code", "-a", help="Three digits, US and Canada: 512.")]
Country = Annotated[str, typer.Option("--country", help="ISO code.")]
NewNumber = Annotated[
    str | None, typer.Argument(help="E.164, as a search gave it: +15125550100. Without it: --area-code.")
]


@command(app, "search")
def search(
    shell: Shell,
    area_code: AreaCode = None,
    country: Country = "US",
    kind: Annotated[Kind, typer.Option("--type", help="Kind of number.")] = Kind.LOCAL,
    contains: Annotated[
        str | None, typer.Option("--contains", help="Digits or letters; * for one of them, % for any of them.")
    ] = None,
    capability: Annotated[
        list[str] | None, typer.Option("--capability", help="voice, sms, mms or fax; repeat it for all of these.")
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="State or province: TX.")] = None,
    locality: Annotated[str | None, typer.Option("--locality", help="City.")] = None,
    account: OfAccount = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=50, help="As many as this at most.")] = FOUND,
) -> None:
    """Search numbers that can be bought; voice can be had on every one of them unless other capabilities are named."""
    query = given(
        account_id=shell.account(account) if account else None,
        area_code=area_code,
        country=country,
        type=kind.value,
        contains=contains,
        capabilities=",".join(capability) if capability else None,
        region=region,
        locality=locality,
        limit=limit,
    )
    with shell.out.working("Asking Twilio…"):
        found = shell.client.get(f"{NUMBERS}/available", query).document
    shell.out.document(found)
    rows = [
        (
            each["phone_number"],
            each["locality"],
            each["region"],
            each["country"],
            [name for name, has in each["capabilities"].items() if has],
            each["address_requirements"],
        )
        for each in found["numbers"]
    ]
    columns = ("NUMBER", "LOCALITY", "REGION", "COUNTRY", "CAN", "ADDRESS")
    shell.out.table(columns, rows, nothing="Twilio has none to sell: try another area code, or less of --contains.")
    if rows and not shell.out.as_json:
        shell.out.note(f"Buy one: ringfold numbers buy {rows[0][0]}", "dim")


@command(app, "buy")
def buy(
    shell: Shell,
    number: NewNumber = None,
    area_code: AreaCode = None,
    country: Country = "US",
    account: OfAccount = None,
    organization: OfOrganization = None,
    agent: DefaultAgent = None,
    agent_version: AgentVersion = None,
    mode: Routing = None,
    pool: OwnPool = None,
    name: Name = None,
    greeting: Greeting = None,
    resume_greeting: ResumeGreeting = None,
    named_greeting: NamedGreeting = None,
    transfer_number: Transfer = None,
    tts_provider: TtsProvider = None,
    voice: Voice = None,
    language: Language = None,
    relay: Relay = None,
    base_url: BaseUrl = None,
    file: File = None,
    address_sid: Annotated[str | None, typer.Option("--address-sid", help="Where Twilio wants an address.")] = None,
    bundle_sid: Annotated[str | None, typer.Option("--bundle-sid", help="Where a regulatory bundle is wanted.")] = None,
    identity_sid: Annotated[str | None, typer.Option("--identity-sid", help="Where an identity is wanted.")] = None,
    yes: Yes = False,
) -> None:
    """Buy a number and configure its webhooks, in one request: by its number, or the first one of an area code.

    Twilio bills it monthly until it is released. However often the command is repeated with the same
    --idempotency-key, one number is bought.
    """
    if bool(number) == bool(area_code):
        raise UsageFault("Name the number to buy, or an --area-code to take the first one of.")
    owner = shell.organization(organization) if organization else None
    body = number_settings(
        shell,
        owner,
        file=file,
        name=name,
        agent=agent,
        agent_version=agent_version,
        mode=mode,
        pool=pool,
        greeting=greeting,
        resume_greeting=resume_greeting,
        named_greeting=named_greeting,
        transfer_number=transfer_number,
        tts_provider=tts_provider,
        voice=voice,
        language=language,
        relay=relay,
        base_url=base_url,
    )
    body |= given(
        phone_number=number,
        area_code=area_code,
        country=country if area_code else None,
        account_id=shell.account(account) if account else None,
        organization_id=owner,
        address_sid=address_sid,
        bundle_sid=bundle_sid,
        identity_sid=identity_sid,
    )
    which = number or f"the first number of area code {area_code}"
    ask.confirm(f"Buy {which} at {shell.target.base_url}? Twilio bills it monthly.", yes=yes)
    with shell.out.working(f"Buying {which}…"):
        bought = shell.client.post(NUMBERS, body).document
    _tell_new(shell, bought, "Bought")


@command(app, "import")
def import_number(
    shell: Shell,
    number: Annotated[str, typer.Argument(help="E.164, or Twilio's PN… SID, of a number the Twilio account owns.")],
    account: OfAccount = None,
    organization: OfOrganization = None,
    agent: DefaultAgent = None,
    name: Name = None,
    greeting: Greeting = None,
    transfer_number: Transfer = None,
    file: File = None,
    configure: Annotated[
        bool, typer.Option("--configure/--no-configure", help="Set its webhooks at Twilio; else only show the drift.")
    ] = True,
) -> None:
    """Take over a number that the Twilio account owns already."""
    owner = shell.organization(organization) if organization else None
    body = number_settings(
        shell, owner, file=file, name=name, agent=agent, greeting=greeting, transfer_number=transfer_number
    )
    body |= given(
        phone_number=None if number.startswith("PN") else number,
        phone_sid=number if number.startswith("PN") else None,
        account_id=shell.account(account) if account else None,
        organization_id=owner,
        configure=None if configure else False,
    )
    with shell.out.working("Asking Twilio…"):
        brought = shell.client.post(f"{NUMBERS}/import", body).document
    _tell_new(shell, brought, "Imported")


@command(app, "list")
def list_numbers(
    shell: Shell,
    organization: OfOrganization = None,
    limit: Limit = SHORTEST,
    everything: All = False,
    cursor: Cursor = None,
) -> None:
    """List numbers."""
    query = {"organization_id": shell.organization(organization) if organization else None}
    listing = shell.listing(NUMBERS, "numbers", query=query, limit=limit, everything=everything, cursor=cursor)
    shell.out.document(listing.document)
    rows = [
        (
            each["id"],
            each["phone_number"],
            each["name"],
            each["organization_id"],
            each["default_agent_id"],
            each["routing_mode"],
            _state(each),
        )
        for each in listing.items
    ]
    columns = ("ID", "NUMBER", "NAME", "OF", "AGENT", "MODE", "STATE")
    shell.out.table(columns, rows, nothing="There is no number yet: ringfold numbers search --area-code 512")
    shell.tell_of_more(listing)


@command(app, "show")
def show(shell: Shell, number: Number) -> None:
    """Show one number, with what Twilio really has configured."""
    with shell.out.working("Asking Twilio…"):
        found = shell.client.get(one(NUMBERS, shell.number(number))).document
    shell.out.document(found)
    tell_number(shell, found)


@command(app, "set")
def set_number(
    shell: Shell,
    number: Number,
    agent: DefaultAgent = None,
    agent_version: AgentVersion = None,
    newest_version: NewestVersion = False,
    mode: Routing = None,
    pool: OwnPool = None,
    organization: OfOrganization = None,
    name: Name = None,
    greeting: Greeting = None,
    resume_greeting: ResumeGreeting = None,
    named_greeting: NamedGreeting = None,
    transfer_number: Transfer = None,
    no_transfer_number: NoTransfer = False,
    tts_provider: TtsProvider = None,
    voice: Voice = None,
    language: Language = None,
    relay: Relay = None,
    base_url: BaseUrl = None,
    active: Active = None,
    file: File = None,
) -> None:
    """Change a number's settings. An empty text takes a setting away: --greeting ''."""
    number_id = shell.number(number)
    body = number_settings(
        shell,
        shell.organization(organization) if organization else None,
        file=file,
        name=name,
        agent=agent,
        agent_version=agent_version,
        mode=mode,
        pool=pool,
        greeting=greeting,
        resume_greeting=resume_greeting,
        named_greeting=named_greeting,
        transfer_number=transfer_number,
        tts_provider=tts_provider,
        voice=voice,
        language=language,
        relay=relay,
        base_url=base_url,
        active=active,
    )
    body |= given(organization_id=shell.organization(organization) if organization else None)
    if no_transfer_number:
        body["transfer_number"] = None
    if newest_version:
        body["default_agent_version"] = None
    changed = change(shell.client, one(NUMBERS, number_id), body).document
    shell.out.document(changed)
    shell.out.say(f"Changed {changed['phone_number']}: {', '.join(sorted(body))}.")
    _tell_doubts(shell, changed)


@command(app, "verify")
def verify(shell: Shell, number: Number) -> None:
    """Walk the chain from the number to the words a caller hears, and name the first broken link.

    A trial call is played through the public URLs; nobody is called. Exit code 1 if a link is broken.
    """
    path = one(NUMBERS, shell.number(number), "verify")
    with shell.out.working("Playing a trial call…"):
        found = shell.client.get(path).document
    shell.out.document(found)
    shell.out.findings(found["links"], "link")
    if not found["ok"]:
        shell.out.say(f"Broken: {found['first_broken']}.", "bold red")
        raise typer.Exit(1)
    shell.out.say("Every link holds: call it.", "bold green")


@command(app, "repair")
def repair(shell: Shell, number: Number) -> None:
    """Set a number's webhooks at Twilio right, or finish a purchase that was cut short."""
    path = one(NUMBERS, shell.number(number), "repair")
    with shell.out.working("Asking Twilio…"):
        repaired = shell.client.post(path, {}).document
    shell.out.document(repaired)
    if repaired["state"] == PURCHASING:
        shell.out.say(f"{repaired['phone_number']} is still being bought. Repeat this in a minute.")
    elif repaired["drift"]:
        _tell_doubts(shell, repaired)
    else:
        shell.out.say(f"{repaired['phone_number']} is configured at Twilio as it should be.")


@command(app, "release")
def release(
    shell: Shell,
    number: Number,
    yes_release: Annotated[
        str, typer.Option("--yes-release", metavar="+1512…", help="The number itself, instead of typing it.")
    ] = "",
) -> None:
    """Give a number back to Twilio. It cannot be had again: the number has to be typed."""
    path = one(NUMBERS, shell.number(number))
    found = shell.client.get(path)
    phone = str(found.document["phone_number"])
    if not shell.out.as_json and not yes_release:
        tell_number(shell, found.document)
    question = f"Release it at {shell.target.base_url}, for good? Type the number {phone}"
    ask.typed(question, phone, yes_release, "--yes-release")
    with shell.out.working("Asking Twilio…"):
        shell.client.delete(path, {"confirm": phone}, if_match=found.etag)
    shell.out.say(f"Released {phone}.")


@command(app, "languages")
def languages(
    shell: Shell,
    tts_provider: Annotated[str | None, typer.Option("--tts-provider", help="Only with this voice provider.")] = None,
) -> None:
    """List the languages in which an agent can both hear and speak."""
    found = shell.client.get("/api/voice/languages").document
    shell.out.document(found)
    rows = [
        (each["tts_provider"], each["transcription_provider"], each["languages"])
        for each in found["languages"]
        if tts_provider in {None, each["tts_provider"]}
    ]
    shell.out.table(("SPEAKS", "HEARS", "LANGUAGES"), rows, nothing="There is no such provider.")


def _tell_new(shell: Shell, number: Mapping[str, Any], done: str) -> None:
    shell.out.document(number)
    shell.out.say(f"{done} {number['phone_number']} ({number['id']}).")
    _tell_doubts(shell, number)
    if not shell.out.as_json:
        shell.out.note(f"Next: ringfold numbers verify {number['phone_number']}", "dim")


def _tell_doubts(shell: Shell, number: Mapping[str, Any]) -> None:
    for warning in number.get("warnings") or ():
        shell.out.say(f"! {warning}", "yellow")
    if number.get("drift"):
        shell.out.say(f"! Twilio is configured otherwise: ringfold numbers repair {number['phone_number']}", "yellow")


def _state(number: Mapping[str, Any]) -> str:
    if number["state"] != "active":
        return str(number["state"])
    if not number["is_active"]:
        return "switched off"
    return "drift" if number["drift"] else "active"
