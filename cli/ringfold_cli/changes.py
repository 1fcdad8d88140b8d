"""Changing a resource: read it, send what is to change, and hold the change to what was read (``If-Match``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ringfold_cli.client import Changed, Client, Reply
from ringfold_cli.faults import Refused, UsageFault

UNSHOWN = frozenset({"note"})
"""What is sent along and is no setting."""


def change(client: Client, path: str, wanted: Mapping[str, Any]) -> Reply:
    """Change fields of a resource.

    Args:
        client: Of the API.
        path: Of the resource.
        wanted: Field → its new value.

    Raises:
        UsageFault: If nothing is to change.
        Refused: If somebody else changed it meanwhile: with what differs, and nothing was overwritten.
    """
    if not set(wanted) - UNSHOWN:
        raise UsageFault("Nothing to change: name at least one setting. See --help.")
    before = client.get(path)
    try:
        return client.patch(path, wanted, if_match=before.etag)
    except Changed as fault:
        now = client.get(path)
        if fault.unsure and is_so(now.document, wanted):
            return now
        raise meanwhile(before.document, now.document, wanted) from fault


def is_so(document: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a resource is as wanted; what it does not show, a secret, cannot be known."""
    return all(name in document and document[name] == value for name, value in wanted.items() if name not in UNSHOWN)


def meanwhile(before: Mapping[str, Any], now: Mapping[str, Any], wanted: Mapping[str, Any]) -> Refused:
    """Why a change was not made: what somebody else changed between reading and writing."""
    details = []
    for name in sorted({*before, *now} - {"updated_at"}):
        if before.get(name) != now.get(name):
            told = f"was {_brief(before.get(name))}, is now {_brief(now.get(name))}"
            if name in wanted:
                told += f"; you want {_brief(wanted[name])}"
            details.append({"field": name, "message": told})
    message = "Somebody changed it meanwhile. Nothing of yours was written."
    return Refused("precondition_failed", message, details, status=412, hint="Look at it, and repeat the command.")


def _brief(value: object) -> str:
    text = "nothing" if value is None or value == "" else str(value)
    return text if len(text) <= 80 else f"{text[:79]}…"
