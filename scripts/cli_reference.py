"""Keep docs/cli.md true: below "Commands" stands what every command's help says.

python scripts/cli_reference.py            write that part of the page anew
python scripts/cli_reference.py --check    only say whether it is true
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from typer.main import get_command

from ringfold_cli.app import app
from ringfold_cli.command import PANEL

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "cli.md"
HEADING: Final = "## Commands\n"
HELP: Final = "--help"


def main(arguments: Sequence[str]) -> int:
    """Rewrite or check the page; 1 if it is, or was, not true."""
    page = PAGE.read_text()
    wanted = refresh(page)
    if wanted == page:
        return 0
    if "--check" in arguments:
        print(f"{PAGE.relative_to(ROOT)} is behind the commands: make cli-reference", file=sys.stderr)
        return 1
    PAGE.write_text(wanted)
    return 0


def refresh(page: str) -> str:
    """The page with its commands as they are."""
    head, heading, _ = page.partition(HEADING)
    assert heading, f"{PAGE.name} has a heading Commands"
    commands = list(leaves(get_command(app), "ringfold"))
    common = [each for each in commands[0][1].params if is_common(each)]
    parts = [
        "Every command has, besides its own:\n\n" + table(common, "Option"),
        *(section(name, each) for name, each in commands),
    ]
    return head + heading + "\n" + "\n".join(parts)


def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command below one, with its whole name."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for each in below.values():
        yield from leaves(each, f"{name} {each.name}")


def section(name: str, command: Any) -> str:
    """One command."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option" and not is_common(each)]
    usage = " ".join([name, *(usage_of(each) for each in arguments), *(["…"] if options else [])])
    parts = [f"### {name}\n", f"`{usage}`\n", f"{unwrapped(command.help or '')}\n"]
    if arguments:
        parts.append(table(arguments, "Argument"))
    if options:
        parts.append(table(options, "Option"))
    return "\n".join(parts)


def table(params: Sequence[Any], title: str) -> str:
    """Arguments or options, a row each."""
    rows = [f"| {names(each)} | {meaning(each)} |" for each in params]
    return "\n".join([f"| {title} | Meaning |", "|---|---|", *rows]) + "\n"


def names(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{param.name}`"
    value = "" if param.is_flag else f" {param.metavar or kind_of(param)}"
    return ", ".join(f"`{each}{value}`" for each in [*param.opts, *param.secondary_opts])


def meaning(param: Any) -> str:
    """Its help, default, and variable."""
    said = (param.help or "").replace("|", "\\|").replace("<", "&lt;")
    default = getattr(param.default, "value", param.default)
    if param.param_type_name == "option" and not param.is_flag and default not in {None, ""} and param.show_default:
        said += f" Default: `{default}`."
    if param.envvar:
        said += f" Variable: `{param.envvar}`."
    if param.param_type_name == "option" and param.required and not param.envvar:
        said += " Required."
    return said


def kind_of(param: Any) -> str:
    """What its value is."""
    descriptor = param.type_descriptor
    if descriptor.choices:
        return "/".join(str(getattr(each, "value", each)) for each in descriptor.choices)
    return "N" if "int" in str(descriptor.annotation) else "TEXT"


def usage_of(argument: Any) -> str:
    name = argument.name.upper() + ("…" if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def is_common(param: Any) -> bool:
    return getattr(param, "rich_help_panel", None) == PANEL


def unwrapped(text: str) -> str:
    """Paragraphs of whole lines."""
    return "\n\n".join(" ".join(each.split()) for each in text.split("\n\n"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
