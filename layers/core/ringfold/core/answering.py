"""An answer that is written as a whole: what the model is asked next, until it has nothing more to look up.

For every channel that does not stream. Pure: whoever drives it asks models and runs tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ringfold.core.commands import ModelCalled, ModelFailed, ModelSaid, ModelStopped
from ringfold.core.history import Message, add_step
from ringfold.core.tool_use import ToolUse

MOST_ROUNDS: Final = 6
NOT_YOURS: Final = "there is no such tool here; answer with what you know, or say honestly that you cannot"
NO_OBJECT: Final = "the arguments are no JSON object; correct them and call the tool again"
ENOUGH: Final = "no more tools can be used for this answer; answer now with what you know"


@dataclass(frozen=True)
class Round:
    """What one request to a model came to.

    Attributes:
        failure: Why it is no answer; ``""`` when it is one.
    """

    said: str = ""
    calls: tuple[ModelCalled, ...] = ()
    reason: str = ""
    failure: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to go on with."""
        return not self.calls and not self.said.strip()


def read_round(outcomes: Iterable[object]) -> Round:
    """Collect what a model's stream gave; one that ended without saying so has failed."""
    said, calls, reason = [], [], ""
    for outcome in outcomes:
        match outcome:
            case ModelSaid(text=text):
                said.append(text)
            case ModelCalled():
                calls.append(outcome)
            case ModelStopped(reason=why):
                reason = why
            case ModelFailed(code=code):
                return Round("".join(said), (), "", code)
            case _:
                pass
    if not reason:
        return Round("".join(said), (), "", "StreamEnded")
    found = Round("".join(said), tuple(calls), reason)
    return Round(failure="EmptyAnswer") if found.is_empty else found


@dataclass
class Answering:
    """One answer on its way.

    Attributes:
        messages: What the model is asked with next, in Converse's form.
        conversation_id: Makes the idempotency keys of side effects.
    """

    messages: list[Message]
    conversation_id: str
    text: str = ""
    rounds: int = 0
    uses: list[ToolUse] = field(default_factory=list)
    _before: list[str] = field(default_factory=list)

    def take(self, round_: Round, kinds: dict[str, str]) -> list[ToolUse]:
        """Take a model's answer.

        Args:
            round_: A round that has not failed.
            kinds: What each tool is, by its name; see :meth:`ringfold.ports.ToolRunner.kind`.

        Returns:
            The tool calls to be run; hand all of them to :meth:`give`. None: :attr:`text` is the answer.
        """
        self.rounds += 1
        if not round_.calls:
            self.text = "\n".join(part for part in (*self._before, round_.said.strip()) if part)
            return []
        uses = [
            ToolUse(call, kinds.get(call.name, ""), self.rounds, len(self.uses) + at)
            for at, call in enumerate(round_.calls)
        ]
        for use in uses:
            if use.kind not in {"read", "effect"}:
                use.fail(NOT_YOURS)
            elif use.arguments() is None:
                use.fail(NO_OBJECT)
            elif self.rounds >= MOST_ROUNDS:
                use.fail(ENOUGH)
        self.uses += uses
        self._said = round_.said
        return uses

    def give(self, uses: Sequence[ToolUse]) -> None:
        """Go on with what the tools have said."""
        add_step(self.messages, self._said, [use.told() for use in uses])

    @property
    def is_spent(self) -> bool:
        """Whether the model has had all the rounds there are."""
        return self.rounds > MOST_ROUNDS

    _said: str = ""


def tool_kinds(specs: Sequence[Any], kind: Any) -> dict[str, str]:
    """What each offered tool is, by its name."""
    names = [str(spec["toolSpec"]["name"]) for spec in specs]
    return {name: kind(name) for name in names}
