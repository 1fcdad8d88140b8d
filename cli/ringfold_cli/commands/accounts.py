"""`ringfold accounts`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from ringfold_cli import ask
from ringfold_cli.changes import change
from ringfold_cli.command import All, Cursor, Limit, OfOrganization, Yes, command, group
from ringfold_cli.faults import UsageFault
from ringfold_cli.shell import ACCOUNTS, SHORTEST, Shell, given, one

app = group("Twilio accounts: the platform's own, and those that organizations bring.")
Account = Annotated[str, typer.Argument(help="Id, Twilio's AC… SID, or name.")]
TokenFromStdin = Annotated[
    bool,
    typer.Option(
        "--auth-token-stdin",
        help="Read the auth token from stdin, and the API key's secret from its second line, if there is a key.",
    ),
]
ApiKeySid = Annotated[
    str | None,
    typer.Option(
        "--api-key-sid", help="An API key (SK…) for REST requests; its secret is asked for, or in TWILIO_API_SECRET."
    ),
]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Where Twilio reaches this deployment, for it alone.")]
TOKEN: Final = "auth token"  # noqa: S105 - its name
KEY_SECRET: Final = "secret of the API key"  # noqa: S105 - its name


@command(app, "list")
def list_accounts(
    shell: Shell,
    organization: OfOrganization = None,
    limit: Limit = SHORTEST,
    everything: All = False,
    cursor: Cursor = None,
) -> None:
    """List Twilio accounts."""
    query = {"organization_id": shell.organization(organization) if organization else None}
    listing = shell.listing(ACCOUNTS, "accounts", query=query, limit=limit, everything=everything, cursor=cursor)
    shell.out.document(listing.document)
    rows = [
        (
            each["id"],
            each["name"],
            each["account_sid"],
            each["organization_id"] or "platform",
            each["is_active"],
            _health(each["connection"]),
        )
        for each in listing.items
    ]
    columns = ("ID", "NAME", "TWILIO SID", "OF", "ACTIVE", "LAST TEST")
    shell.out.table(columns, rows, nothing="There is no Twilio account yet: ringfold accounts add")
    shell.tell_of_more(listing)


@command(app, "add")
def add(
    shell: Shell,
    name: Annotated[str, typer.Option("--name", help="What it is called here.")],
    sid: Annotated[str, typer.Option("--sid", help="Twilio's AC… SID.", envvar="TWILIO_ACCOUNT_SID")],
    organization: OfOrganization = None,
    platform: Annotated[
        bool, typer.Option("--platform", help="The platform's own, which may serve every organization.")
    ] = False,
    api_key_sid: ApiKeySid = None,
    base_url: BaseUrl = None,
    inactive: Annotated[bool, typer.Option("--inactive", help="Refuse calls and purchases for now.")] = False,
    test: Annotated[bool, typer.Option("--test/--no-test", help="Test its connection at once.")] = True,
    auth_token_stdin: TokenFromStdin = False,
) -> None:
    """Add a Twilio account and test its connection.

    The auth token is read from stdin (--auth-token-stdin), from TWILIO_AUTH_TOKEN, or asked for without an echo; never
    from an argument, which the shell would keep. Exit code 1 if the account was added and cannot carry calls yet.
    """
    if platform and organization:
        raise UsageFault("An account is the platform's or an organization's: leave --platform or --organization out.")
    body = given(
        name=name,
        scope="platform" if platform else None,
        organization_id=shell.organization(organization) if organization else None,
        account_sid=sid,
        base_url=base_url,
        api_key_sid=api_key_sid,
        is_active=False if inactive else None,
    )
    option = "--auth-token-stdin"
    body["auth_token"] = ask.secret(TOKEN, variable="TWILIO_AUTH_TOKEN", from_stdin=auth_token_stdin, option=option)
    if api_key_sid:
        body["api_key_secret"] = _key_secret(auth_token_stdin)
    account = shell.client.post(ACCOUNTS, body).document
    shell.out.say(f"Added account {account['id']} ({account['name']}).")
    if test:
        account = _tested(shell, account["id"])
    shell.out.document(account)
    if test:
        _tell_test(shell, account)


@command(app, "show")
def show(shell: Shell, account: Account) -> None:
    """Show one account, and what its last test found."""
    found = shell.client.get(one(ACCOUNTS, shell.account(account))).document
    shell.out.document(found)
    shell.out.fields((name, value) for name, value in found.items() if name != "connection")
    if found["connection"]:
        shell.out.say(f"\nTested {found['connection']['checked_at']}:", "bold")
        shell.out.findings(found["connection"]["findings"], "check")


@command(app, "test")
def test_account(shell: Shell, account: Account) -> None:
    """Test whether an account's credentials work, and what it may not do. Exit code 1 if it cannot carry calls."""
    tested = _tested(shell, shell.account(account))
    shell.out.document(tested)
    _tell_test(shell, tested)


@command(app, "rotate")
def rotate(
    shell: Shell,
    account: Account,
    promoted: Annotated[
        bool, typer.Option("--promoted", help="A new token was promoted at Twilio already: ask for it.")
    ] = False,
    auth_token_stdin: TokenFromStdin = False,
) -> None:
    """Rotate an account's auth token, with no call or webhook refused meanwhile.

    Twilio is asked for a secondary token, which is accepted here from then on, and is then promoted. The old one is
    accepted too until `ringfold accounts set --drop-secondary-token`.
    """
    path = one(ACCOUNTS, shell.account(account), "rotate")
    body: dict[str, Any] = {}
    if promoted or auth_token_stdin:
        body["auth_token"] = ask.secret(TOKEN, from_stdin=auth_token_stdin, option="--auth-token-stdin")
    with shell.out.working("Twilio makes and promotes a token…"):
        rotated = shell.client.post(path, body).document
    shell.out.document(rotated)
    shell.out.say(f"Rotated. Both tokens of {rotated['id']} are accepted.")
    if rotated["has_secondary_token"]:
        shell.out.say(f"When nothing uses the old one: ringfold accounts set {rotated['id']} --drop-secondary-token")


@command(app, "set")
def set_account(
    shell: Shell,
    account: Account,
    name: Annotated[str | None, typer.Option("--name", help="What it is called here.")] = None,
    base_url: BaseUrl = None,
    no_base_url: Annotated[bool, typer.Option("--no-base-url", help="The deployment's own again.")] = False,
    active: Annotated[
        bool | None,
        typer.Option("--active/--inactive", help="Whether it answers calls and may buy.", show_default=False),
    ] = None,
    new_auth_token: Annotated[
        bool, typer.Option("--new-auth-token", help="Ask for another token; the old one stays as the secondary.")
    ] = False,
    drop_secondary_token: Annotated[
        bool, typer.Option("--drop-secondary-token", help="Accept one token only.")
    ] = False,
    api_key_sid: ApiKeySid = None,
    no_api_key: Annotated[bool, typer.Option("--no-api-key", help="Use the auth token for REST requests.")] = False,
    auth_token_stdin: TokenFromStdin = False,
) -> None:
    """Change an account's settings or credentials."""
    body = given(name=name, base_url=base_url, is_active=active, api_key_sid=api_key_sid)
    if no_base_url:
        body["base_url"] = None
    if new_auth_token or (auth_token_stdin and not api_key_sid):
        body["auth_token"] = ask.secret(TOKEN, from_stdin=auth_token_stdin, option="--auth-token-stdin", twice=True)
    if drop_secondary_token:
        body["secondary_token"] = None
    if api_key_sid:
        body["api_key_secret"] = _key_secret(auth_token_stdin)
    if no_api_key:
        body |= {"api_key_sid": None, "api_key_secret": None}
    changed = change(shell.client, one(ACCOUNTS, shell.account(account)), body).document
    shell.out.document(changed)
    shell.out.say(f"Changed {changed['id']}: {', '.join(sorted(body))}.")


@command(app, "remove")
def remove(shell: Shell, account: Account, yes: Yes = False) -> None:
    """Remove an account that has no numbers any more, and its credentials."""
    path = one(ACCOUNTS, shell.account(account))
    found = shell.client.get(path)
    told = f"{found.document['name']} ({found.document['account_sid']})"
    ask.confirm(f"Remove account {told} at {shell.target.base_url}?", yes=yes)
    shell.client.delete(path, if_match=found.etag)
    shell.out.say(f"Removed {found.document['id']}. At Twilio the account is as it was.")


def _tested(shell: Shell, account_id: str) -> Any:
    with shell.out.working("Asking Twilio…"):
        return shell.client.post(one(ACCOUNTS, account_id, "test"), {}).document


def _tell_test(shell: Shell, account: Mapping[str, Any]) -> None:
    shell.out.findings(account["connection"]["findings"], "check")
    if not account["connection"]["ok"]:
        shell.out.say(f"It cannot carry calls yet. Then: ringfold accounts test {account['id']}", "bold")
        raise typer.Exit(1)


def _key_secret(from_stdin: bool) -> str:
    return ask.secret(KEY_SECRET, variable="TWILIO_API_SECRET", from_stdin=from_stdin, option="--auth-token-stdin")


def _health(connection: Mapping[str, Any] | None) -> str:
    if connection is None:
        return "never"
    return "ok" if connection["ok"] else "failed"
