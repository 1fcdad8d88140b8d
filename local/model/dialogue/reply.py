"""What the dialogue wants said and done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """A tool call."""

    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """Words, then tool calls; either may be missing."""

    text: str
    calls: tuple[Call, ...] = ()
