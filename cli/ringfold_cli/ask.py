"""Asking whoever sits at the terminal. Where nobody does, the command says how it is told instead."""

from __future__ import annotations

import os
import sys

import typer

from ringfold_cli.faults import Fault, UsageFault


class Declined(Fault):
    """Whoever was asked said no; nothing was done."""

    def __init__(self) -> None:
        super().__init__("declined", "Nothing was done.")


def interactive() -> bool:
    """Whether somebody can answer."""
    return sys.stdin.isatty()


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if that is wanted.

    Args:
        question: Names what will be done, and to what.
        yes: Answered on the command line already.

    Raises:
        Declined: If it is not.
        UsageFault: If nobody can be asked.
    """
    if yes:
        return
    if not interactive():
        raise UsageFault(f"{question} Nobody can be asked here.", hint="Say so on the command line: --yes")
    if not typer.confirm(question, err=True):
        raise Declined


def typed(question: str, expected: str, given: str, option: str) -> None:
    """Go on only if the very word was typed, or given with an option.

    Raises:
        Declined: If something else was typed.
        UsageFault: If something else was given, or nobody can be asked.
    """
    if given:
        if given != expected:
            raise UsageFault(f"{option} says {given}, but this is {expected}. Nothing was done.")
        return
    if not interactive():
        raise UsageFault(
            f"{question} Nobody can be asked here.", hint=f"Say so on the command line: {option} {expected}"
        )
    if typer.prompt(question, err=True, default="", show_default=False).strip() != expected:
        raise Declined


def line(question: str, option: str) -> str:
    """A line of text that was not given.

    Raises:
        UsageFault: If nobody can be asked.
    """
    if not interactive():
        raise UsageFault(f"Missing {option}.")
    return str(typer.prompt(question, err=True)).strip()


def secret(what: str, *, variable: str = "", from_stdin: bool = False, option: str = "", twice: bool = False) -> str:
    """A secret: a line of stdin, an environment variable, or typed without an echo; never an argument.

    Args:
        what: Named in the question.
        variable: Of the environment.
        from_stdin: Whether the option that reads stdin was given.
        option: Its name.
        twice: Whether a typed one is asked for again, to be sure.

    Raises:
        UsageFault: If there is none and nobody can be asked.
    """
    if from_stdin:
        read = sys.stdin.readline().strip()
        if not read:
            raise UsageFault(f"{option} was given, but stdin has no line with the {what}.")
        return read
    if variable and os.environ.get(variable):
        return os.environ[variable].strip()
    if not interactive():
        ways = [f"set {variable}"] if variable else []
        ways += [f"pass {option}"] if option else []
        hint = " or ".join(ways)
        raise UsageFault(f"The {what} is missing and nobody can be asked here.", hint=hint[:1].upper() + hint[1:])
    return str(typer.prompt(what.capitalize(), hide_input=True, confirmation_prompt=twice, err=True)).strip()
