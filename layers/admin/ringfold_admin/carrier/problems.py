"""Twilio's errors in words an administrator can act on; Twilio's code is kept.

The table is the codes of reference material on Twilio's API; a code that is not in it comes out as ``twilio_error``
with Twilio's own words.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.problems import Problem

_ADDRESS: Final = "Twilio wants an address for this number: make one in Twilio's console and send address_sid."
_BUNDLE: Final = "Twilio wants a regulatory bundle for this number: have one approved and send bundle_sid."
_TRIAL: Final = "Trial accounts cannot do this: upgrade the Twilio account."
_PERMISSION: Final = "Twilio refuses the credentials: check the account's SID and token, or what its API key may do."

_TABLE: Final[Mapping[int, tuple[int, str, str]]] = MappingProxyType(
    {
        20003: (422, "twilio_credentials_refused", _PERMISSION),
        20005: (422, "twilio_account_inactive", "The Twilio account is suspended or closed: see Twilio's console."),
        10001: (422, "twilio_account_inactive", "The Twilio account is not active: see Twilio's console."),
        20006: (422, "twilio_not_permitted", _PERMISSION),
        20008: (422, "twilio_test_credentials", "These are Twilio's test credentials: send the account's live ones."),
        20404: (404, "twilio_not_found", "Twilio has no such thing in this account."),
        20429: (429, "twilio_rate_limited", "Twilio's rate limit was met: try again in a few seconds."),
        21404: (422, "twilio_trial_account", _TRIAL),
        10002: (422, "twilio_trial_account", _TRIAL),
        21402: (422, "twilio_bad_url", "Twilio does not accept the webhook URL: it must be a public https:// URL."),
        21421: (422, "number_invalid", "Twilio does not sell such a number: search for one that is available."),
        21422: (409, "number_unavailable", "Somebody else has this number: search again and choose another."),
        21451: (422, "area_code_invalid", "There is no such area code."),
        21452: (404, "number_unavailable", "There are no numbers in this area code: try another."),
        21615: (422, "address_required", _ADDRESS),
        21631: (422, "address_required", _ADDRESS),
        21628: (422, "address_required", _ADDRESS),
        21649: (422, "bundle_required", _BUNDLE),
        21651: (422, "bundle_required", _BUNDLE),
        21650: (422, "identity_required", "Twilio wants an identity for this number: send identity_sid."),
        20013: (402, "insufficient_funds", "The Twilio account has no balance left: add funds in Twilio's console."),
    }
)


def problem_of(exc: CarrierError) -> Problem:
    """What an administrator is told of a carrier's error."""
    details = [{"field": "", "message": exc.text[:500], "twilio_code": exc.twilio_code}] if exc.twilio_code else []
    if exc.status == 0:
        message = "Twilio did not answer. Nothing is lost: ask again, and what was begun is taken up."
        return Problem(504, "twilio_unreachable", message, details)
    if exc.twilio_code is not None and exc.twilio_code in _TABLE:
        status, code, cure = _TABLE[exc.twilio_code]
        headers = {"Retry-After": "5"} if status == 429 else {}
        return Problem(status, code, cure, details, headers)
    if exc.status == 401:
        return Problem(422, "twilio_credentials_refused", _PERMISSION, details)
    if exc.status == 402 or "insufficient" in exc.text.lower() or "balance" in exc.text.lower():
        status, code, cure = _TABLE[20013]
        return Problem(status, code, cure, details)
    if exc.status == 429:
        return Problem(429, "twilio_rate_limited", _TABLE[20429][2], details, {"Retry-After": "5"})
    if exc.status >= 500:
        return Problem(502, "twilio_failed", "Twilio failed: try again in a minute.", details)
    return Problem(422, "twilio_error", f"Twilio refused: {exc.text[:300] or exc.status}", details)
