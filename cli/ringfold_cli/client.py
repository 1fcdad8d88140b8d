"""The API's client: one request at a time, repeated where that is safe, every answer a document or a fault.

A POST carries an ``Idempotency-Key`` that stays the same however often it is sent, so it can be repeated whatever
befell the first one. What was changed under ``If-Match``, or removed, can be repeated too: the caller of such a request
learns by :attr:`Reply.unsure` that an earlier copy may have arrived.
"""

from __future__ import annotations

import json
import shlex
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from ringfold_cli.faults import Fault, Unreachable, fault_of
from ringfold_cli.target import Target

ATTEMPTS: Final = 5
PATIENCE_S: Final = 90.0
"""Waited between attempts in all."""
LONGEST_WAIT_S: Final = 30.0
READ_TIMEOUT_S: Final = 40.0
"""Longer than API Gateway waits for its function, so that its answer is seen."""
PAGE: Final = 200
REPEATED: Final = frozenset({429, 503, 504})
SECRET_FIELDS: Final = frozenset({"auth_token", "secondary_token", "api_key_secret"})


@dataclass(frozen=True)
class Reply:
    """What the API answered.

    Attributes:
        document: ``None`` where there is none.
        etag: Of the resource; ``""`` where there is none.
        unsure: Whether an earlier copy of the request may have arrived, its answer lost.
    """

    status: int
    document: Any
    etag: str = ""
    unsure: bool = False


@dataclass(frozen=True)
class Listing:
    """Items of a list, from as many pages as it took.

    Attributes:
        name: Of the list in the document.
        next_cursor: Where the rest begins; ``None`` when there is none.
    """

    name: str
    items: list[dict[str, Any]]
    next_cursor: str | None

    @property
    def document(self) -> dict[str, Any]:
        """As one page of the API."""
        return {self.name: self.items, "next_cursor": self.next_cursor}


@dataclass
class Client:
    """Speaks with the API of a target.

    Attributes:
        sleep: Waits so many seconds.
        notice: Tells whoever watches why it takes longer.
        show: Is given every request as a curl command, where wanted.
        key: The first POST's ``Idempotency-Key``; later ones' are made from it.
    """

    target: Target
    http: httpx.Client
    sleep: Callable[[float], None]
    notice: Callable[[str], None]
    show: Callable[[str], None] | None = None
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    posts: int = 0

    def get(self, path: str, query: Mapping[str, object] | None = None) -> Reply:
        """Read something."""
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Mapping[str, Any], *, if_match: str = "") -> Reply:
        """Make something, once."""
        self.posts += 1
        key = self.key if self.posts == 1 else f"{self.key}.{self.posts}"
        return self.send("POST", path, body=body, headers={"idempotency-key": key} | _match(if_match))

    def patch(self, path: str, body: Mapping[str, Any], *, if_match: str) -> Reply:
        """Change something that is as it was read."""
        return self.send("PATCH", path, body=body, headers=_match(if_match))

    def put(self, path: str, body: Mapping[str, Any], *, if_match: str = "") -> Reply:
        """Replace something."""
        return self.send("PUT", path, body=body, headers=_match(if_match))

    def delete(self, path: str, query: Mapping[str, object] | None = None, *, if_match: str = "") -> Reply:
        """Remove something; that it is gone already is no fault if an earlier copy of this request may have done it."""
        return self.send("DELETE", path, query=query, headers=_match(if_match))

    def listing(
        self,
        path: str,
        name: str,
        query: Mapping[str, object] | None = None,
        *,
        limit: int | None,
        cursor: str | None = None,
    ) -> Listing:
        """A list, page by page.

        Args:
            path: Of the list.
            name: Of the list in the document.
            query: What narrows it.
            limit: How many; ``None`` for all.
            cursor: Where to begin.
        """
        items: list[dict[str, Any]] = []
        while True:
            wanted = PAGE if limit is None else min(PAGE, limit - len(items))
            document = self.get(path, {**(query or {}), "limit": wanted, "cursor": cursor}).document
            items += document[name]
            cursor = document.get("next_cursor")
            if not cursor or (limit is not None and len(items) >= limit):
                return Listing(name, items, cursor)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request until it is answered for good.

        Raises:
            Fault: If it is refused, not allowed, or nobody answers.
        """
        url = self.target.base_url + path + _query(query)
        sent = {**(headers or {}), **({"content-type": "application/json"} if body is not None else {})}
        content = json.dumps(body) if body is not None else None
        if self.show:
            self.show(curl(method, url, sent, body))
        waited_s, unsure, attempt = 0.0, False, 1
        while True:
            answer = self._once(method, url, sent, content)
            if not _again(answer):
                break
            wait_s = min(_pause(answer, attempt), LONGEST_WAIT_S)
            if attempt == ATTEMPTS or waited_s + wait_s > PATIENCE_S:
                break
            if isinstance(answer, Unreachable):
                why, unsure = answer.message, True
            else:
                why, unsure = f"The API answered {answer.status_code}.", unsure or answer.status_code == 504
            self.notice(f"{why} Again in {wait_s:g} s ({attempt + 1} of {ATTEMPTS}).")
            self.sleep(wait_s)
            waited_s, attempt = waited_s + wait_s, attempt + 1
        return self._settled(method, answer, unsure)

    # -----------------------------------------------------------------------------------------------------------------

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], content: str | None
    ) -> httpx.Response | Unreachable:
        bearer = {"authorization": f"Bearer {self.target.bearer()}", "accept": "application/json"}
        try:
            return self.http.request(method, url, headers={**bearer, **headers}, content=content)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            fault = Unreachable("unreachable", f"Nobody answers at {self.target.base_url} ({type(exc).__name__}).")
            fault.__cause__ = exc
            return fault

    def _settled(self, method: str, answer: httpx.Response | Unreachable, unsure: bool) -> Reply:
        if isinstance(answer, Unreachable):
            raise self._with_hint(answer, method)
        document = _document(answer)
        if answer.is_success:
            return Reply(answer.status_code, document, answer.headers.get("etag", ""), unsure)
        if method == "DELETE" and answer.status_code == 404 and unsure:
            return Reply(204, None, unsure=True)
        fault = fault_of(answer.status_code, document)
        if answer.status_code == 412:
            fault = Changed(fault, unsure=unsure)
        raise self._with_hint(fault, method)

    def _with_hint(self, fault: Fault, method: str) -> Fault:
        if isinstance(fault, Unreachable) and not fault.hint:
            fault.hint = f"Asked: {self.target.base_url} ({self.target.source})."
            if method == "POST":
                fault.hint += f" To repeat it and never do it twice, add: --idempotency-key {self.key}"
        return fault


class Changed(Fault):
    """412: somebody changed it since it was read, or an earlier copy of this very request did (``unsure``)."""

    def __init__(self, fault: Fault, *, unsure: bool) -> None:
        super().__init__(fault.code, fault.message, fault.details, status=fault.status, hint=fault.hint)
        self.unsure = unsure


def curl(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> str:
    """A request as a shell command; the token stays in its variable, and secrets are left out."""
    parts = ["curl", "-X", method, shlex.quote(url), "-H", '"Authorization: Bearer $RINGFOLD_TOKEN"']
    for name, value in headers.items():
        parts += ["-H", shlex.quote(f"{name}: {value}")]
    if body is not None:
        told = {name: f"<{name}>" if name in SECRET_FIELDS and value else value for name, value in body.items()}
        parts += ["-d", shlex.quote(json.dumps(told, ensure_ascii=False))]
    return " ".join(parts)


def segment(text: str) -> str:
    """A piece of a path."""
    return quote(text, safe="")


def _match(etag: str) -> dict[str, str]:
    return {"if-match": etag} if etag else {}


def _query(query: Mapping[str, object] | None) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, list | tuple):
            pairs += [(name, str(each)) for each in value]
        elif value is not None and value != "":
            pairs.append((name, str(value)))
    return f"?{urlencode(pairs)}" if pairs else ""


def _document(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else None
    except ValueError:
        return None


def _again(answer: httpx.Response | Unreachable) -> bool:
    """Whether the same request may be answered differently in a moment; where nobody listens, it will not."""
    if isinstance(answer, Unreachable):
        return not isinstance(answer.__cause__, httpx.ConnectError | httpx.ConnectTimeout | httpx.InvalidURL)
    # A 409 that names a time is a request that is under way: an earlier copy of this one, or somebody else's purchase.
    return answer.status_code in REPEATED or (answer.status_code == 409 and "retry-after" in answer.headers)


def _pause(answer: httpx.Response | Unreachable, attempt: int) -> float:
    """Seconds to wait: as the answer asks, else twice as long each time."""
    asked = "" if isinstance(answer, Unreachable) else answer.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else float(2 ** (attempt - 1))
