"""What a brain produces while it thinks, and what a brain is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from local.model.behaviour import Plan
    from local.model.request import ConverseRequest


@dataclass(frozen=True, slots=True)
class Text:
    """A token of the answer's text, spaces included."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStart:
    """A tool call begins; its input follows in fragments."""

    tool_use_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolInput:
    """A fragment of the JSON text of the open tool call's input."""

    fragment: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The answer is complete.

    Attributes:
        stop_reason: Converse's word for why.
        input_tokens: Tokens read, as the brain counts them.
        output_tokens: Tokens written.
    """

    stop_reason: str
    input_tokens: int
    output_tokens: int


Piece = Text | ToolStart | ToolInput | Finish


class Brain(Protocol):
    """Whatever answers a request: the scripted dialogue or a language model elsewhere.

    Attributes:
        may_refuse: Whether the first piece may turn out to be an error, so that no headers may be sent before it.
    """

    may_refuse: bool

    def think(self, request: ConverseRequest, plan: Plan) -> AsyncGenerator[Piece]:
        """Yield the answer's pieces as they come to be, ending with one ``Finish``.

        Raises:
            BedrockError: If there is no answer, before or amid the pieces.
        """
        ...

    async def close(self) -> None:
        """Give up what it holds; it is not asked again."""
        ...
