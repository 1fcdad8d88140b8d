"""A brain behind an OpenAI-compatible API: ConverseStream in, ``/chat/completions`` out, and the answer back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

import httpx

from local.model import faults
from local.model.behaviour import Plan
from local.model.errors import BedrockError
from local.model.openai_messages import AnswerReader, build_chat_request
from local.model.pieces import Piece
from local.model.request import ConverseRequest
from local.model.scripted import ScriptedBrain

TIMEOUT: Final = httpx.Timeout(60, connect=5)
ERRORS: Final = {
    400: "ValidationException",
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    422: "ValidationException",
    429: "ThrottlingException",
    500: "InternalServerException",
}


class OpenAIBrain:
    """Answers through another API; faults and scripted replies of the behaviour still apply."""

    may_refuse = True

    def __init__(self, url: str, model: str = "", key: str = "") -> None:
        """Ask ``{url}/chat/completions``.

        Args:
            url: Up to and including the version, for example ``http://127.0.0.1:11434/v1``.
            model: The model's name there; the request's own model id unless given.
            key: Sent as a bearer token unless empty.
        """
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self._client: httpx.AsyncClient | None = None
        self._scripted = ScriptedBrain()

    async def think(self, request: ConverseRequest, plan: Plan) -> AsyncGenerator[Piece]:
        """The other model's answer, piece by piece as it comes."""
        if plan.scripted is not None or plan.fault in faults.CONTENT:
            async for piece in self._scripted.think(request, plan):
                yield piece
            return
        if plan.fault == "slow":
            await asyncio.sleep(plan.pace.first_token_ms / 1000)
        reader = AnswerReader(request.input_tokens)
        async for chunk in self._chunks(build_chat_request(request, self._model or request.model_id)):
            for piece in reader.read(chunk):
                yield piece
        yield reader.finish()

    async def _chunks(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=TIMEOUT)
        begun = False
        try:
            async with self._client.stream("POST", self._url, json=body, headers=self._headers) as response:
                if response.status_code != httpx.codes.OK:
                    raise _refused(response.status_code, (await response.aread()).decode(errors="replace"))
                async for line in response.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if not line.startswith("data:") or data == "[DONE]":
                        continue
                    begun = True
                    yield json.loads(data)
        except (httpx.HTTPError, ValueError) as exc:
            name = "ModelStreamErrorException" if begun else "ServiceUnavailableException"
            raise BedrockError(name, f"{self._url}: {exc!r}") from exc

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()


def _refused(status: int, text: str) -> BedrockError:
    name = ERRORS.get(status, "ServiceUnavailableException" if status >= 500 else "ModelErrorException")
    return BedrockError(name, f"The language model answered {status}: {text[:300]}")
