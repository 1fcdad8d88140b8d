"""What a command prints: tables and sentences for people, the API's own documents with ``--json``.

Results go to stdout; progress, warnings and faults to stderr, so that a pipe carries results only. Where the output is
no terminal, lines are not cut to a width.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ringfold_cli.faults import Fault

UNLIMITED: Final = 100_000
STYLES: Final[Mapping[str, str]] = {
    "ok": "green",
    "failed": "bold red",
    "warning": "yellow",
    "unknown": "dim",
    "skipped": "dim",
}
MARKS: Final[Mapping[str, str]] = {"ok": "✓", "failed": "✗", "warning": "!", "unknown": "?", "skipped": "-"}


class Output:
    """Prints one command's results.

    Args:
        as_json: Documents and nothing else on stdout.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._out = _console(sys.stdout)
        self._err = _console(sys.stderr)

    @property
    def interactive(self) -> bool:
        """Whether somebody watches the progress."""
        return self._err.is_terminal

    def document(self, document: object) -> None:
        """With ``--json``: the document."""
        if self.as_json:
            self._out.file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def say(self, text: str, style: str = "") -> None:
        """For people: a sentence."""
        if not self.as_json:
            self._out.print(Text(clean(text), style))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], *, nothing: str) -> None:
        """For people: a table, or what to say when it has no row. The first column, the id, is never wrapped."""
        if self.as_json:
            return
        table = _grid(header=True)
        for index, name in enumerate(columns):
            table.add_column(name, header_style="bold", no_wrap=index == 0, overflow="fold")
        for row in rows:
            table.add_row(*(shown(value) for value in row))
        if table.row_count:
            self._print(table)
        else:
            self._out.print(Text(nothing))

    def fields(self, pairs: Iterable[tuple[str, object]]) -> None:
        """For people: one resource, a field a line."""
        if self.as_json:
            return
        table = _grid(header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in pairs:
            table.add_row(name, shown(value))
        self._print(table)

    def findings(self, findings: Iterable[Mapping[str, Any]], name: str) -> None:
        """For people: what was looked at, how it stands, and what cures it.

        Args:
            findings: ``status``, ``message`` and ``cure`` each.
            name: The field that says what was looked at.
        """
        if self.as_json:
            return
        table = _grid(header=False)
        table.add_column(no_wrap=True)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for each in findings:
            status = str(each.get("status"))
            mark = Text(MARKS.get(status, status), STYLES.get(status, ""))
            text = Text(clean(str(each.get("message") or "")))
            if each.get("took_ms") is not None:
                text.append(f" ({each['took_ms']} ms)", "dim")
            if each.get("cure") and status != "ok":
                text.append(f"\n→ {clean(str(each['cure']))}", "cyan")
            table.add_row(mark, clean(str(each.get(name))), text)
        self._print(table)

    def note(self, text: str, style: str = "") -> None:
        """On stderr: what is going on, whoever reads stdout."""
        self._err.print(Text(clean(text), style))

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show that something takes a while, on a terminal only."""
        if not self.interactive:
            yield
            return
        with self._err.status(Text(clean(text))):
            yield

    def fault(self, fault: Fault) -> None:
        """On stderr: why the command did not succeed; with ``--json`` in the API's shape."""
        if self.as_json:
            self._err.file.write(json.dumps(fault.document, indent=2, ensure_ascii=False) + "\n")
            return
        said = f"{fault.status} {fault.code}" if fault.status else fault.code
        self._err.print(Text.assemble((clean(fault.message), "bold red"), (f"  ({clean(said)})", "dim")))
        for detail in fault.details:
            more = {name: value for name, value in detail.items() if name not in {"field", "message", "type"} and value}
            told = " ".join([str(detail.get("message") or ""), *(f"{k}: {shown(v)}" for k, v in more.items())]).strip()
            self._err.print(Text.assemble("  ", (clean(str(detail.get("field") or "-")), "bold"), f"  {clean(told)}"))
        if fault.hint:
            self._err.print(Text(f"→ {clean(fault.hint)}", "cyan"))

    def _print(self, table: Table) -> None:
        """Print a table without the blanks that fill its last column."""
        with self._out.capture() as captured:
            self._out.print(table)
        self._out.file.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def shown(value: object) -> Text:
    """A value as people read it."""
    if value is None or value == "":
        return Text("-", "dim")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int | float):
        return Text(str(value))
    if isinstance(value, Text):
        return value
    if isinstance(value, str):
        return Text(clean(value))
    if isinstance(value, list | tuple) and all(isinstance(each, str | int | float) for each in value):
        return Text(clean(", ".join(map(str, value)))) if value else Text("-", "dim")
    return Text(clean(json.dumps(value, ensure_ascii=False))) if value else Text("-", "dim")


def clean(text: str) -> str:
    """Text that moves no cursor and colours nothing: names come from others."""
    return "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)


def _console(file: IO[str]) -> Console:
    console = Console(file=file, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    return console


def _grid(*, header: bool) -> Table:
    return Table(box=None, show_header=header, pad_edge=False, padding=(0, 2, 0, 0))
