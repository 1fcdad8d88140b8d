"""Settings from files: JSON or YAML, ``-`` for stdin."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import yaml

from ringfold_cli.faults import UsageFault


def read_settings(name: str, *, leave_out: Collection[str] = ()) -> dict[str, Any]:
    """Settings as a file has them.

    Args:
        name: Of the file.
        leave_out: What the API shows and does not take, so that what was shown can be sent back.

    Raises:
        UsageFault: If it holds no settings.
    """
    text = read_text(name)
    try:
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as exc:
        where = " ".join(str(exc).split())
        raise UsageFault(f"{name} is neither JSON nor YAML: {where}.") from exc
    if not isinstance(document, dict):
        raise UsageFault(f"{name} holds no settings: expected names and values, such as `name: Olive`.")
    return {str(key): value for key, value in document.items() if key not in leave_out}


def read_text(name: str) -> str:
    """The text of a file, or of stdin for ``-``.

    Raises:
        UsageFault: If it cannot be read.
    """
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise UsageFault(f"{name} cannot be read: {why}.") from exc
