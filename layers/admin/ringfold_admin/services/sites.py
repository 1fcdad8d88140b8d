"""Where this deployment is reached: the URLs a number has at Twilio, and whether they are there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from ringfold.adapters.items import doc_of
from ringfold.service.webhook import LOCALHOST
from ringfold_admin.carrier.numbers import OVERRIDING, URL_FIELDS
from ringfold_admin.stores.numbers import NumberRecord

WEBHOOK_PATH: Final = "/api/voice/incoming"
STATUS_PATH: Final = "/api/voice/status"
SMS_PATH: Final = "/api/sms/incoming"
MOST_BASE_URLS: Final = 5
"""As many of the base URLs Twilio was given for a number are remembered."""


@dataclass(frozen=True)
class Site:
    """This deployment.

    Attributes:
        public_base_url: Where Twilio reaches it unless an account or a number says otherwise; ``""``: not set.
        relay_url: The WebSocket API, without a query.
        fallback_url: Below it lie the webhooks that answer when the rest is down; ``""``: there are none.
        turn_dispatch: How a turn is run, ``inline`` or ``async``.
    """

    public_base_url: str = ""
    relay_url: str = ""
    fallback_url: str = ""
    turn_dispatch: str = "inline"

    @property
    def websocket_path(self) -> str:
        """The path of the WebSocket API: its stage."""
        return urlsplit(self.relay_url).path or "/"

    def base_url(self, doc: Mapping[str, Any], account: Mapping[str, Any]) -> str:
        """The base of a number's webhooks: its own, its account's, the deployment's, else localhost.

        Args:
            doc: The number's settings.
            account: The owning account's item; may be empty.
        """
        overrides = (doc.get("base_url"), doc_of(account).get("base_url") if account else None)
        return next((str(url) for url in (*overrides, self.public_base_url) if url), LOCALHOST).rstrip("/")

    def expected(self, record: NumberRecord) -> dict[str, str]:
        """What is to be configured at Twilio, by Twilio's names; what is not named is left as it is there."""
        doc = record.doc
        base = self.base_url(doc, record.account)
        wanted = {
            "voice_url": base + WEBHOOK_PATH,
            "voice_method": "POST",
            "status_callback": base + STATUS_PATH,
            "status_callback_method": "POST",
            "sms_url": base + SMS_PATH,
            "sms_method": "POST",
        }
        if self.fallback_url:
            wanted |= {
                "voice_fallback_url": _voice_fallback(self.fallback_url, doc),
                "voice_fallback_method": "GET",
                "sms_fallback_url": f"{self.fallback_url}/message",
                "sms_fallback_method": "GET",
            }
        return wanted


def drift_of(expected: Mapping[str, str], configured: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """Where a number at Twilio is not what it should be; nothing, while Twilio was never asked."""
    if not configured.get("checked_at"):
        return []
    differing = [name for name in URL_FIELDS if name in expected and configured.get(name) != expected[name]]
    overriding = [name for name in OVERRIDING if configured.get(name)]
    return [
        {"field": name, "expected": expected.get(name), "configured": configured.get(name)}
        for name in (*differing, *overriding)
    ]


def mending(drift: list[dict[str, str | None]]) -> dict[str, str]:
    """What to send to Twilio so that nothing differs any more."""
    return {str(each["field"]): each["expected"] or "" for each in drift}


def remembered(base_url: str, before: object) -> list[str]:
    """The base URLs of a number that Twilio may still sign under, the newest first."""
    known = [str(url) for url in before] if isinstance(before, list) else []
    return list(dict.fromkeys([base_url, *known]))[:MOST_BASE_URLS]


def _voice_fallback(fallback_url: str, doc: Mapping[str, Any]) -> str:
    relay = doc.get("relay") or {}
    told = {"transfer": doc.get("transfer_number"), "language": relay.get("language")}
    query = urlencode({name: value for name, value in told.items() if value}, quote_via=quote)
    return f"{fallback_url}/voice" + (f"?{query}" if query else "")
