"""`ringfold agents`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from ringfold_cli import ask
from ringfold_cli.changes import change
from ringfold_cli.command import All, Cursor, Limit, OfOrganization, Yes, command, group
from ringfold_cli.faults import UsageFault
from ringfold_cli.files import read_settings, read_text
from ringfold_cli.shell import AGENTS, SHORTEST, Shell, given, one

app = group("Agents: who answers, by which instructions, with which tools.")
Agent = Annotated[str, typer.Argument(help="Id or name.")]
File = Annotated[
    str | None,
    typer.Option(
        "--file", "-f", help="Settings as JSON or YAML, as `show --json` prints them; - for stdin. Options win over it."
    ),
]
Name = Annotated[str | None, typer.Option("--name", help="What it is called.")]
Instructions = Annotated[str | None, typer.Option("--instructions", help="The system prompt.")]
InstructionsFile = Annotated[
    str | None, typer.Option("--instructions-file", help="A text file with the system prompt; - for stdin.")
]
Description = Annotated[
    str | None, typer.Option("--description", help="What it is for: a number's agents are chosen among by it.")
]
Model = Annotated[str | None, typer.Option("--model", help="Bedrock model or inference profile; '' for the default.")]
FallbackModel = Annotated[str | None, typer.Option("--fallback-model", help="The second one; '' for the default.")]
Tool = Annotated[list[str] | None, typer.Option("--tool", help="A tool it may use; repeat it. Replaces the list.")]
READ_ONLY: Final = frozenset({"id", "version", "created_at", "updated_at", "made_by", "note"})


@command(app, "list")
def list_agents(
    shell: Shell,
    organization: OfOrganization = None,
    limit: Limit = SHORTEST,
    everything: All = False,
    cursor: Cursor = None,
) -> None:
    """List agents."""
    query = {"organization_id": shell.organization(organization) if organization else None}
    listing = shell.listing(AGENTS, "agents", query=query, limit=limit, everything=everything, cursor=cursor)
    shell.out.document(listing.document)
    rows = [
        (
            each["id"],
            each["name"],
            each["organization_id"],
            each["version"],
            each["model_id"] or "default",
            each["tools"],
        )
        for each in listing.items
    ]
    columns = ("ID", "NAME", "OF", "VERSION", "MODEL", "TOOLS")
    shell.out.table(columns, rows, nothing="There is no agent yet: ringfold agents add")
    shell.tell_of_more(listing)


@command(app, "add")
def add(
    shell: Shell,
    name: Name = None,
    instructions: Instructions = None,
    instructions_file: InstructionsFile = None,
    organization: OfOrganization = None,
    description: Description = None,
    model: Model = None,
    fallback_model: FallbackModel = None,
    tool: Tool = None,
    file: File = None,
) -> None:
    """Make an agent: a name and instructions at least, from options or a file."""
    body = _settings(file, name, instructions, instructions_file, description, model, fallback_model, tool)
    if organization:
        body["organization_id"] = shell.organization(organization)
    if "name" not in body:
        body["name"] = ask.line("Name", "--name")
    if "instructions" not in body:
        body["instructions"] = ask.line("Instructions", "--instructions or --instructions-file")
    made = shell.client.post(AGENTS, body).document
    shell.out.document(made)
    shell.out.say(f"Made agent {made['id']} ({made['name']}).")


@command(app, "show")
def show(
    shell: Shell,
    agent: Agent,
    version: Annotated[int | None, typer.Option("--version", min=1, help="As this version left it.")] = None,
) -> None:
    """Show one agent."""
    agent_id = shell.agent(agent)
    path = one(AGENTS, agent_id) if version is None else one(AGENTS, agent_id, "versions", str(version))
    found = shell.client.get(path).document
    shell.out.document(found)
    shell.out.fields((name, value) for name, value in found.items() if name != "instructions")
    shell.out.say("\ninstructions", "bold")
    shell.out.say(found["instructions"])


@command(app, "set")
def set_agent(
    shell: Shell,
    agent: Agent,
    name: Name = None,
    instructions: Instructions = None,
    instructions_file: InstructionsFile = None,
    description: Description = None,
    model: Model = None,
    fallback_model: FallbackModel = None,
    tool: Tool = None,
    file: File = None,
    note: Annotated[str | None, typer.Option("--note", help="Why, for whoever looks at the versions later.")] = None,
) -> None:
    """Change an agent, which makes a new version. Calls in progress keep the one they began with."""
    body = _settings(file, name, instructions, instructions_file, description, model, fallback_model, tool)
    body.pop("organization_id", None)
    body |= given(note=note)
    path = one(AGENTS, shell.agent(agent))
    changed = change(shell.client, path, body).document
    shell.out.document(changed)
    shell.out.say(f"{changed['name']} ({changed['id']}) is at version {changed['version']}.")


@command(app, "versions")
def versions(
    shell: Shell, agent: Agent, limit: Limit = SHORTEST, everything: All = False, cursor: Cursor = None
) -> None:
    """List an agent's versions, the newest first."""
    path = one(AGENTS, shell.agent(agent), "versions")
    listing = shell.listing(path, "versions", limit=limit, everything=everything, cursor=cursor)
    shell.out.document(listing.document)
    rows = [(each["version"], each["updated_at"], each["made_by"], each["note"]) for each in listing.items]
    shell.out.table(("VERSION", "MADE", "BY", "NOTE"), rows, nothing="It has no versions.")
    shell.tell_of_more(listing)


@command(app, "rollback")
def rollback(
    shell: Shell,
    agent: Agent,
    version: Annotated[int, typer.Argument(min=1, help="To be in force again.")],
    note: Annotated[str | None, typer.Option("--note", help="Why.")] = None,
) -> None:
    """Put an older version in force again, as a new version."""
    path = one(AGENTS, shell.agent(agent))
    etag = shell.client.get(path).etag
    rolled = shell.client.post(f"{path}/rollback", given(version=version, note=note), if_match=etag).document
    shell.out.document(rolled)
    shell.out.say(f"Version {rolled['version']} of {rolled['id']} is version {version} again.")


@command(app, "remove")
def remove(shell: Shell, agent: Agent, yes: Yes = False) -> None:
    """Remove an agent that no number names."""
    path = one(AGENTS, shell.agent(agent))
    found = shell.client.get(path)
    ask.confirm(f"Remove agent {found.document['name']} at {shell.target.base_url}?", yes=yes)
    shell.client.delete(path, if_match=found.etag)
    shell.out.say(f"Removed {found.document['id']}.")


def _settings(
    file: str | None,
    name: str | None,
    instructions: str | None,
    instructions_file: str | None,
    description: str | None,
    model: str | None,
    fallback_model: str | None,
    tools: list[str] | None,
) -> dict[str, Any]:
    """What the options and the file say, in the API's names."""
    if instructions is not None and instructions_file is not None:
        raise UsageFault("Instructions come from --instructions or from --instructions-file, not both.")
    if file == "-" == instructions_file:
        raise UsageFault("stdin can be read once: --file or --instructions-file.")
    body = read_settings(file, leave_out=READ_ONLY) if file else {}
    if instructions_file is not None:
        instructions = read_text(instructions_file)
    return body | given(
        name=name,
        instructions=instructions,
        description=description,
        model_id=model,
        fallback_model_id=fallback_model,
        tools=tools,
    )
