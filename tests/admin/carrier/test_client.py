"""Twilio's client: time-outs, another base URL, and whether a request may have taken effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException

from ringfold_admin.carrier import accounts
from ringfold_admin.carrier.client import TIMEOUT_S, CarrierError, Carriers, RebasedHttpClient, ask
from ringfold_admin.vault import Credentials
from tests.admin.twilio import Twilio

SID = "AC" + "1" * 32
TOKEN = "auth-token-of-this-test"


def raising(exc: Exception) -> Callable[[], Any]:
    def call() -> Any:
        raise exc

    return call


def test_requests_go_where_they_are_told(twilio: Twilio) -> None:
    """Twilio's paths, of whichever of its hosts, below the base."""
    twilio.tokens[SID] = [TOKEN]
    client = Carriers(f"{twilio.url}/").client(Credentials(SID, TOKEN))

    accounts.fetch_state(client, SID)
    accounts.make_secondary_token(client)

    assert [("GET", f"/2010-04-01/Accounts/{SID}.json"), ("POST", "/v1/AuthTokens/Secondary")] == twilio.asked


def test_without_a_base_twilio_itself_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And every request is bounded in time."""
    seen: dict[str, Any] = {}

    def send(_self: requests.Session, prepared: requests.PreparedRequest, **more: Any) -> requests.Response:
        seen.update(url=prepared.url, timeout=more["timeout"])
        raise requests.ConnectTimeout

    monkeypatch.setattr(requests.Session, "send", send)
    with pytest.raises(CarrierError):
        accounts.fetch_state(Carriers().client(Credentials(SID, TOKEN)), SID)

    assert {"url": f"https://api.twilio.com/2010-04-01/Accounts/{SID}.json", "timeout": TIMEOUT_S} == seen


@pytest.mark.accept("N5")
@pytest.mark.parametrize("base", ["https://api.dublin.ie1.twilio.com", "https://api.sydney.au1.twilio.com/"])
def test_a_region_of_twilios_is_asked_through_its_edge(monkeypatch: pytest.MonkeyPatch, base: str) -> None:
    """Whichever of Twilio's hosts a request is for."""
    seen: list[str] = []

    def send(_self: requests.Session, prepared: requests.PreparedRequest, **_more: Any) -> requests.Response:
        seen.append(str(prepared.url))
        raise requests.ConnectTimeout

    monkeypatch.setattr(requests.Session, "send", send)
    client = Carriers(base).client(Credentials(SID, TOKEN))
    for each in (lambda: accounts.fetch_state(client, SID), lambda: accounts.make_secondary_token(client)):
        with pytest.raises(CarrierError):
            each()

    place = base.rstrip("/").removeprefix("https://api.")
    assert [
        f"https://api.{place}/2010-04-01/Accounts/{SID}.json",
        f"https://accounts.{place}/v1/AuthTokens/Secondary",
    ] == seen


def test_an_api_key_signs_in_where_there_is_one(twilio: Twilio) -> None:
    """For the account it belongs to."""
    client = Carriers(twilio.url).client(Credentials(SID, TOKEN, None, "SK" + "2" * 32, "secret-of-the-key"))

    assert ("SK" + "2" * 32, "secret-of-the-key", SID) == (client.username, client.password, client.account_sid)


@pytest.mark.parametrize(
    ("exc", "status", "processed"),
    [
        (TwilioRestException(400, "uri", "taken", 21422), 400, False),
        (TwilioRestException(429, "uri", "slow down", 20429), 429, False),
        (TwilioRestException(500, "uri", "oops", 20500), 500, None),
        (requests.ConnectTimeout(), 0, False),
        (requests.ReadTimeout(), 0, None),
        (requests.ConnectionError("NewConnectionError(...)"), 0, False),
        (requests.ConnectionError("Connection aborted"), 0, None),
        (requests.exceptions.ChunkedEncodingError(), 0, None),
        (TwilioException("unreadable"), 0, None),
    ],
)
def test_an_error_says_whether_it_may_have_taken_effect(exc: Exception, status: int, processed: bool | None) -> None:
    """Refused: certainly not; without an answer: unknown."""
    with pytest.raises(CarrierError) as failed:
        ask("buy", raising(exc))

    assert (status, processed) == (failed.value.status, failed.value.processed)


def test_a_refused_list_says_why(twilio: Twilio) -> None:
    """The SDK raises another exception for lists; Twilio's code is in it all the same."""
    client = Carriers(twilio.url).client(Credentials(SID, TOKEN))

    with pytest.raises(CarrierError) as failed:
        ask("list numbers", lambda: client.incoming_phone_numbers.list(limit=1))

    assert (401, 20003, False) == (failed.value.status, failed.value.twilio_code, failed.value.processed)


def test_a_connection_that_breaks_is_one_request(twilio: Twilio) -> None:
    """Nothing is sent twice: a purchase would be made twice."""
    twilio.faults[("GET", ".json")] = "drop"

    with pytest.raises(CarrierError) as failed:
        accounts.fetch_state(Carriers(twilio.url).client(Credentials(SID, TOKEN)), SID)

    assert (None, 1) == (failed.value.processed, len(twilio.asked))


def test_a_query_survives_being_put_elsewhere(twilio: Twilio) -> None:
    """Paging is by query."""
    twilio.tokens[SID] = [TOKEN]
    answer = RebasedHttpClient(twilio.url).request(
        "GET", f"https://api.twilio.com/2010-04-01/Accounts/{SID}.json?Page=2", auth=(SID, TOKEN)
    )

    assert 404 == answer.status_code  # the stand-in compares the whole path: the query came along
    assert [("GET", f"/2010-04-01/Accounts/{SID}.json?Page=2")] == twilio.asked
