"""`ringfold organizations`."""

from __future__ import annotations

from typing import Annotated

import typer

from ringfold_cli import ask
from ringfold_cli.changes import change
from ringfold_cli.command import All, Cursor, Limit, Yes, command, group
from ringfold_cli.shell import ORGANIZATIONS, SHORTEST, Shell, one

app = group("Organizations: the platform's customers, who own agents and are served by numbers.")
Organization = Annotated[str, typer.Argument(help="Id or name.")]


@command(app, "list")
def list_organizations(shell: Shell, limit: Limit = SHORTEST, everything: All = False, cursor: Cursor = None) -> None:
    """List organizations."""
    listing = shell.listing(ORGANIZATIONS, "organizations", limit=limit, everything=everything, cursor=cursor)
    shell.out.document(listing.document)
    rows = [(each["id"], each["name"], each["created_at"]) for each in listing.items]
    shell.out.table(("ID", "NAME", "CREATED"), rows, nothing="There is no organization yet: ringfold organizations add")
    shell.tell_of_more(listing)


@command(app, "add")
def add(shell: Shell, name: Annotated[str, typer.Argument(help="What it is called.")]) -> None:
    """Make an organization."""
    made = shell.client.post(ORGANIZATIONS, {"name": name}).document
    shell.out.document(made)
    shell.out.say(f"Made organization {made['id']} ({made['name']}).")


@command(app, "show")
def show(shell: Shell, organization: Organization) -> None:
    """Show one organization."""
    found = shell.client.get(one(ORGANIZATIONS, shell.organization(organization))).document
    shell.out.document(found)
    shell.out.fields(found.items())


@command(app, "rename")
def rename(
    shell: Shell, organization: Organization, name: Annotated[str, typer.Argument(help="What it is to be called.")]
) -> None:
    """Give an organization another name."""
    changed = change(shell.client, one(ORGANIZATIONS, shell.organization(organization)), {"name": name}).document
    shell.out.document(changed)
    shell.out.say(f"{changed['id']} is called {changed['name']} now.")


@command(app, "remove")
def remove(shell: Shell, organization: Organization, yes: Yes = False) -> None:
    """Remove an organization that has no accounts, numbers or agents any more."""
    path = one(ORGANIZATIONS, shell.organization(organization))
    found = shell.client.get(path)
    ask.confirm(f"Remove organization {found.document['name']} at {shell.target.base_url}?", yes=yes)
    shell.client.delete(path, if_match=found.etag)
    shell.out.say(f"Removed {found.document['id']}.")
