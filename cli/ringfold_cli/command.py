"""Makes a command of a function: adds the options that every command has, and turns faults into exit codes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer

from ringfold_cli.faults import Fault
from ringfold_cli.output import Output
from ringfold_cli.shell import Common, Shell

PANEL: Final = "Every command"

Limit = Annotated[int, typer.Option("--limit", min=1, help="As many as this at most.")]
All = Annotated[bool, typer.Option("--all", help="However many there are.")]
Cursor = Annotated[str | None, typer.Option("--cursor", help="Where the page before ended.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
OfOrganization = Annotated[
    str | None,
    typer.Option(
        "--organization", "-o", help="Id or name of an organization; the platform's administrators may choose."
    ),
]


def _option(*names: str, text: str, variable: str = "") -> Any:
    return typer.Option(*names, help=text, rich_help_panel=PANEL, envvar=variable or None, show_default=False)


_Text = str
_COMMON: Final[dict[str, tuple[Any, Any]]] = {
    "as_json": (
        Annotated[bool, _option("--json", text="Print the API's documents, and nothing else, on stdout.")],
        False,
    ),
    "show_request": (
        Annotated[
            bool, _option("--show-request", "--curl", text="Show the requests of this command, as curl commands.")
        ],
        False,
    ),
    "url": (Annotated[str, _option("--url", text="URL of the API.", variable="RINGFOLD_URL")], ""),
    "token": (
        Annotated[str, _option("--token", text="Bearer token; better in its variable.", variable="RINGFOLD_TOKEN")],
        "",
    ),
    "profile": (
        Annotated[str, _option("--profile", text="A login by its name.", variable="RINGFOLD_PROFILE")],
        "",
    ),
    "as_": (
        Annotated[str, _option("--as", text="At the local run: platform, or organization:<id>.")],
        "",
    ),
    "idempotency_key": (
        Annotated[str, _option("--idempotency-key", text="Repeat an earlier command, and do nothing twice.")],
        "",
    ),
}


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command.

    Its first parameter is the :class:`~ringfold_cli.shell.Shell`; the others are arguments and options as Typer reads
    them. Faults it raises are printed, and become the exit code.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        common = [
            inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for key, (annotation, default) in _COMMON.items()
        ]

        def run(**values: Any) -> None:
            settings = Common(**{key: values.pop(key) for key in _COMMON})
            shell = Shell(settings, Output(as_json=settings.as_json))
            try:
                function(shell, **values)
            except Fault as fault:
                shell.out.fault(fault)
                raise typer.Exit(fault.exit_code) from fault
            finally:
                shell.close()

        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + common
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {each.name: each.annotation for each in parameters}
        run.__doc__, run.__name__ = function.__doc__, function.__name__
        app.command(name)(run)
        return function

    return register


def group(text: str) -> typer.Typer:
    """Commands of one resource."""
    return typer.Typer(help=text, no_args_is_help=True, pretty_exceptions_enable=False)
