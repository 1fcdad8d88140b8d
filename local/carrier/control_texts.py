"""The phone page's control interface for texts: write one, see what went between two numbers, treat them badly."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.carrier.control import RefusedError, fields_of, guarded
from local.carrier.exchange import DEFAULT_CALLER
from local.carrier.texting import Texting, TextManners

ADDRESS: Final = re.compile(r"(whatsapp:)?\+[1-9]\d{6,14}")
MEDIUM: Final = {"url", "content_type"}


class TextControl:
    """What a person with a phone does to texts, and what tests do."""

    def __init__(self, texting: Texting) -> None:
        self._texting = texting

    def routes(self) -> list[Route]:
        """The routes below /local/carrier."""
        return [
            Route("/messages", guarded(self.write), methods=["POST"]),
            Route("/messages", guarded(self.shown), methods=["GET"]),
            Route("/messages/manners", guarded(self.manners), methods=["PUT"]),
        ]

    async def write(self, request: Request) -> Response:
        """Write to one of our numbers: ``{to, from?, body, media?: [{url, content_type}]}``."""
        fields = await fields_of(request)
        to, sender = str(fields.get("to", "")), str(fields.get("from") or DEFAULT_CALLER)
        body, media = str(fields.get("body", "")), fields.get("media") or []
        if not ADDRESS.fullmatch(to) or not ADDRESS.fullmatch(sender):
            raise RefusedError(400, "to and from must be numbers in E.164, or whatsapp: and one")
        if not isinstance(media, list) or not all(isinstance(each, dict) and set(each) == MEDIUM for each in media):
            raise RefusedError(400, "media must be a list of {url, content_type}")
        if not body and not media:
            raise RefusedError(400, "a text needs a body or media")
        return JSONResponse(await self._texting.write(to, sender, body, media), 201)

    async def shown(self, request: Request) -> Response:
        """The texts of ``number``, with ``contact`` only where that is named."""
        number, contact = request.query_params.get("number", ""), request.query_params.get("contact", "")
        return JSONResponse({"messages": self._texting.between(number, contact)})

    async def manners(self, request: Request) -> Response:
        """How outbound texts are treated; ``{}`` puts it back."""
        try:
            self._texting.manners = TextManners(**await fields_of(request))
        except TypeError as exc:
            raise RefusedError(400, "known: outcome, error_code, reports") from exc
        return JSONResponse(asdict(self._texting.manners))
