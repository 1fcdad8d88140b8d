"""The program: every command in its place."""

from __future__ import annotations

import typer

from ringfold_cli.command import group
from ringfold_cli.commands import accounts, agents, numbers, organizations
from ringfold_cli.commands.access import add_access
from ringfold_cli.commands.audit import add_audit

app: typer.Typer = group(
    "Administer Ringfold: Twilio accounts, phone numbers, agents and organizations, over its API.\n\n"
    "Exit codes: 0 done, 1 refused, 2 the command cannot be meant, 3 not reachable, 4 not allowed."
)
add_access(app)
app.add_typer(organizations.app, name="organizations")
app.add_typer(accounts.app, name="accounts")
app.add_typer(numbers.app, name="numbers")
app.add_typer(agents.app, name="agents")
add_audit(app)


def main() -> None:
    """Run the program."""
    app(prog_name="ringfold")
