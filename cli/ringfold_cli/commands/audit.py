"""`ringfold audit`."""

from __future__ import annotations

import typer

from ringfold_cli.command import All, Cursor, Limit, OfOrganization, command
from ringfold_cli.shell import AUDIT, SHORTEST, Shell


def add_audit(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "audit")(audit)


def audit(
    shell: Shell,
    organization: OfOrganization = None,
    limit: Limit = SHORTEST,
    everything: All = False,
    cursor: Cursor = None,
) -> None:
    """Read the audit trail: who changed what and when, the newest first."""
    query = {"organization_id": shell.organization(organization) if organization else None}
    listing = shell.listing(AUDIT, "entries", query=query, limit=limit, everything=everything, cursor=cursor)
    shell.out.document(listing.document)
    rows = [
        (each["at"], each["actor_name"], each["action"], each["resource_id"], ", ".join(sorted(each["changes"])))
        for each in listing.items
    ]
    shell.out.table(("AT", "WHO", "ACTION", "WHAT", "FIELDS"), rows, nothing="Nothing has been changed yet.")
    shell.tell_of_more(listing)
