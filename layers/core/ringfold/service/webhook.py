"""A signed webhook of Twilio's: what it says, and whether Twilio said it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl

from ringfold.core import signature
from ringfold.core.lines import Account, Number
from ringfold.errors import WireError

LOCALHOST: Final = "http://localhost:8000"


@dataclass(frozen=True)
class WebhookRequest:
    """One request as it came.

    Attributes:
        path: From ``/api/`` on; what stands before it (a stage, a mapping key) belongs to the base URL.
        raw_query: Without the question mark, undecoded.
        body: Decoded if the gateway had encoded it, otherwise untouched.
        conversation_id: From the path, where the route has one.
    """

    method: str
    path: str
    raw_query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    conversation_id: str = ""

    @cached_property
    def params(self) -> list[tuple[str, str]]:
        """The parameters: of the form for a POST, of the query for a GET.

        Raises:
            WireError: If there are far too many.
        """
        if self.method != "GET":
            return signature.parse_form(self.body)
        try:
            return parse_qsl(self.raw_query, keep_blank_values=True, max_num_fields=signature.MAX_FORM_FIELDS)
        except ValueError as exc:
            raise WireError("query: too many fields") from exc

    @property
    def query(self) -> list[tuple[str, str]]:
        """What our own URL said, whatever the method; too many fields say nothing."""
        try:
            return parse_qsl(self.raw_query, keep_blank_values=True, max_num_fields=signature.MAX_FORM_FIELDS)
        except ValueError:
            return []

    def get(self, name: str) -> str:
        """One parameter; ``""`` when it is missing.

        Raises:
            WireError: If it is given twice with different values: then it says nothing.
        """
        values = {value for key, value in self.params if key == name}
        if len(values) > 1:
            raise WireError(f"{name} is given {len(values)} times")
        return values.pop() if values else ""


def parse_event(event: Mapping[str, Any], root: str) -> WebhookRequest:
    """Take the HTTP API's event (payload format 2.0) apart.

    Args:
        event: As Lambda gives it.
        root: Where our paths begin, ``/api/voice/``: what stands before it is a stage's or a mapping's.

    Raises:
        ValueError: If its body is not what it says it is, or its path is none of ours.
    """
    raw_path = str(event.get("rawPath", ""))
    body = event.get("body") or ""
    raw = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body.encode("utf-8", "replace")
    return WebhookRequest(
        method=event["requestContext"]["http"]["method"],
        path=raw_path[raw_path.index(root) :],
        raw_query=event.get("rawQueryString") or "",
        headers=event.get("headers") or {},
        body=raw,
    )


def resolve_base_url(number: Number | None, account: Account | None, system: str) -> str:
    """Where Twilio reaches us: the number's override, the account's, the deployment's setting, else localhost."""
    overrides = (number.account.base_url if number else "", account.base_url if account else "")
    return next((url for url in (*overrides, system) if url), LOCALHOST).rstrip("/")


def is_signed(request: WebhookRequest, base_urls: Sequence[str], auth_tokens: Sequence[str]) -> bool:
    """Whether one of the tokens signed this request under one of the base URLs.

    Raises:
        SignatureError: If it is signed with a shared key, which cannot be checked and must not be skipped.
        WireError: If the body cannot be a signed form.
    """
    signature.refuse_shared_key(request.headers)
    query = f"?{request.raw_query}" if request.raw_query else ""
    sent = signature.find_header(request.headers, signature.SIGNATURE_HEADER)
    content_type = signature.find_header(request.headers, "content-type")
    params = request.params if request.method != "GET" else []
    return any(
        signature.verify_webhook(base + request.path + query, params, request.body, content_type, sent, auth_tokens)
        for base in dict.fromkeys(base_urls)
    )
