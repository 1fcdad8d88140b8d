"""The judge of Twilio's description itself: what it must pass, and what it must find."""

from __future__ import annotations

from typing import Any

import pytest

from tests.twilio_spec import FORM, load_spec, needs_spec

pytestmark = needs_spec

SID = "AC" + "a" * 32
ACCOUNT = f"/2010-04-01/Accounts/{SID}"
NUMBERS = f"{ACCOUNT}/IncomingPhoneNumbers.json"
NUMBER = f"{ACCOUNT}/IncomingPhoneNumbers/PN{'b' * 32}.json"
SEARCH = f"{ACCOUNT}/AvailablePhoneNumbers/US/Local.json"
MESSAGES = f"{ACCOUNT}/Messages.json"
URL = "https://example.com/voice"


@pytest.mark.parametrize(
    ("method", "path", "query", "form"),
    [
        ("GET", SEARCH, [("AreaCode", "512"), ("VoiceEnabled", "true"), ("PageSize", "20")], []),
        ("POST", NUMBERS, [], [("PhoneNumber", "+15125550101"), ("VoiceUrl", URL), ("VoiceMethod", "POST")]),
        ("POST", NUMBERS, [], [("AreaCode", "512")]),
        ("POST", NUMBER, [], [("VoiceUrl", ""), ("VoiceCallerIdLookup", "false")]),
        ("GET", NUMBERS, [("PhoneNumber", "+1512*"), ("PageSize", "50"), ("Page", "1"), ("PageToken", "PAx")], []),
        ("GET", f"{ACCOUNT}/IncomingPhoneNumbers/Local.json", [], []),
        ("DELETE", NUMBER, [], []),
        ("POST", MESSAGES, [], [("To", "+15125550101"), ("MediaUrl", URL), ("MediaUrl", URL)]),
        ("POST", MESSAGES, [], [("To", "whatsapp:+15125550101"), ("From", "12345"), ("MaxPrice", "0.5")]),
        ("GET", MESSAGES, [("DateSent>", "2026-01-01T00:00:00Z")], []),
        ("POST", f"/2010-04-01/Accounts/{SID}.json", [], [("Status", "suspended")]),
    ],
)
def test_a_good_request_has_no_problems(
    method: str, path: str, query: list[tuple[str, str]], form: list[tuple[str, str]]
) -> None:
    """Requests as the SDK makes them pass, repeated names of lists included."""
    assert [] == load_spec().request_problems(method, path, query, form, FORM)


@pytest.mark.parametrize(
    ("method", "path", "query", "form", "problem"),
    [
        ("GET", f"{ACCOUNT}/Numbers.json", [], [], "no such path"),
        ("GET", "/v1/Keys", [], [], "no such path"),
        ("PUT", NUMBER, [], [], "knows no PUT"),
        ("GET", NUMBERS.replace("ACaa", "ACzz"), [], [], "AccountSid"),
        ("DELETE", NUMBER.replace("/PN", "/XX"), [], [], "Sid"),
        ("GET", SEARCH.replace("/US/", "/us/"), [], [], "CountryCode"),
        ("GET", SEARCH, [("Areacode", "512")], [], "unknown parameter Areacode in the query"),
        ("GET", SEARCH, [("AreaCode", "five")], [], "not of type integer"),
        ("GET", SEARCH, [("VoiceEnabled", "True")], [], "not of type boolean"),
        ("GET", SEARCH, [("PageSize", "2000")], [], "PageSize"),
        ("GET", SEARCH, [("AreaCode", "512"), ("AreaCode", "737")], [], "AreaCode is given 2 times"),
        ("GET", SEARCH, [], [("AreaCode", "512")], "expected no body"),
        ("POST", NUMBERS, [], [("VoiceURL", URL)], "unknown parameter VoiceURL in the form"),
        ("POST", NUMBERS, [("PhoneNumber", "+15125550101")], [], "unknown parameter PhoneNumber in the query"),
        ("POST", NUMBERS, [], [("PhoneNumber", "512-555-0101")], "phone-number"),
        ("POST", NUMBERS, [], [("VoiceUrl", "/voice")], "uri"),
        ("POST", NUMBERS, [], [("VoiceMethod", "PUT")], "VoiceMethod"),
        ("POST", NUMBERS, [], [("AddressSid", "AD1")], "AddressSid"),
        ("POST", NUMBERS, [], [("AddressSid", "")], "AddressSid"),
        ("POST", NUMBERS, [], [("EmergencyStatus", "active")], "EmergencyStatus"),
        ("POST", f"{ACCOUNT}/IncomingPhoneNumbers/Local.json", [], [], "required parameter PhoneNumber is missing"),
        ("POST", MESSAGES, [], [("Body", "hello")], "required parameter To is missing"),
    ],
)
def test_a_bad_request_is_found_out(
    method: str, path: str, query: list[tuple[str, str]], form: list[tuple[str, str]], problem: str
) -> None:
    """Path, method, names, types, enumerations, formats, patterns, repetition and required ones are all looked at."""
    (found,) = load_spec().request_problems(method, path, query, form, FORM)

    assert problem in found


@pytest.mark.parametrize(("form", "content_type"), [([("AreaCode", "512")], "application/json"), (None, "text/plain")])
def test_a_body_of_another_kind_is_found_out(form: list[tuple[str, str]] | None, content_type: str) -> None:
    """The 2010 API takes forms only."""
    (found,) = load_spec().request_problems("POST", NUMBERS, [], form, content_type)

    assert FORM in found


def an_account() -> dict[str, Any]:
    return {
        "auth_token": "t",
        "date_created": "Thu, 30 Jul 2015 20:00:00 +0000",
        "date_updated": "Thu, 30 Jul 2015 20:00:00 +0000",
        "friendly_name": "x",
        "owner_account_sid": SID,
        "sid": SID,
        "status": "active",
        "subresource_uris": {},
        "type": "Full",
        "uri": f"{ACCOUNT}.json",
    }


def test_a_good_answer_has_no_problems() -> None:
    """A resource, a page of them, nothing at all, and an error."""
    spec = load_spec()
    page = {"accounts": [an_account()], "page": 0, "page_size": 50, "next_page_uri": None, "uri": "/2010-04-01/x"}
    error = {"code": 20404, "message": "m", "more_info": "https://x", "status": 404}

    assert [] == spec.answer_problems("GET", f"{ACCOUNT}.json", 200, an_account())
    assert [] == spec.answer_problems("GET", "/2010-04-01/Accounts.json", 200, page)
    assert [] == spec.answer_problems("DELETE", NUMBER, 204, None)
    assert [] == spec.answer_problems("GET", NUMBER, 404, error)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sid": "AC1"}, "sid"),
        ({"type": "Free"}, "type"),
        ({"date_created": "yesterday"}, "date_created"),
        ({"subresource_uris": []}, "subresource_uris"),
        ({"friendly_name": 7}, "friendly_name"),
        ({"name": "x"}, "unknown ['name']"),
        ({"uri": ...}, "missing ['uri']"),
    ],
)
def test_a_bad_answer_is_found_out(change: dict[str, Any], problem: str) -> None:
    """Wrong patterns, enumerations, formats and types, what is missing and what there is too much."""
    body = {name: value for name, value in (an_account() | change).items() if value is not ...}

    alone = load_spec().answer_problems("GET", f"{ACCOUNT}.json", 200, body)
    listed = load_spec().answer_problems("GET", "/2010-04-01/Accounts.json", 200, {"accounts": [body]})

    assert problem in alone[0]
    assert problem in listed[0]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (201, an_account()),
        (404, {"message": "m"}),
        (404, None),
        (404, {"code": "20404", "message": "m", "more_info": "u", "status": 404}),
        (404, {"code": 20404, "message": "m", "more_info": "u", "status": 400}),
    ],
)
def test_a_wrong_status_or_error_is_found_out(status: int, body: Any) -> None:
    """A success the operation does not have, and errors that are not of Twilio's shape."""
    assert 1 == len(load_spec().answer_problems("GET", f"{ACCOUNT}.json", status, body))
