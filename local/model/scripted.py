"""The scripted brain: the dialogue's reply, what the behaviour makes of it, at the pace it sets."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from local.model.behaviour import Plan
from local.model.content_faults import replace_reply, reply_pieces
from local.model.dialogue.engine import answer
from local.model.pacing import paced
from local.model.pieces import Piece
from local.model.request import ConverseRequest


class ScriptedBrain:
    """Answers from the dialogue tables; the same request always gets the same words."""

    may_refuse = False

    async def think(self, request: ConverseRequest, plan: Plan) -> AsyncGenerator[Piece]:
        """The pieces of the reply, each at its time."""
        reply = replace_reply(plan, request, answer(request))
        async for piece in paced(reply_pieces(reply, request, plan), plan.pace):
            yield piece

    async def close(self) -> None:
        """Nothing to give up."""
