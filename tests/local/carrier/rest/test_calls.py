"""Calls to numbers as they are configured at the carrier, and live calls over REST."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.local.carrier.rest.conftest import SID, TOKEN, Carrier, Hook, refusal

NUMBER = "+15125550101"
BYE = "<Response><Hangup/></Response>"


def buy(carrier: Carrier, sdk: Client, **more: Any) -> Any:
    """A number whose webhooks come to the test."""
    urls = {name: carrier.url + path for name, path in more.items() if name.endswith(("url", "callback"))}
    return sdk.incoming_phone_numbers.create(phone_number=NUMBER, **{**more, **urls})


def signed_with(hook: Hook, token: str) -> bool:
    params = hook.params if hook.method == "POST" else {}
    return bool(RequestValidator(token).validate(hook.url, params, hook.signature))


def path_of(carrier: Carrier, hook: Hook) -> str:
    return hook.url.removeprefix(carrier.url).partition("?")[0]


def test_a_bought_number_can_be_called(carrier: Carrier, sdk: Client) -> None:
    """At the URLs it is configured with, wherever they are, signed with its account's token."""
    buy(carrier, sdk, voice_url="/elsewhere?a=1&b=%20", status_callback="/over")
    carrier.stage.answers["/elsewhere"] = BYE

    end = carrier.ended(carrier.call(NUMBER, **{"from": "+15550100007"}))

    answer, over = carrier.hooks(2)
    assert "application" == end.reason
    assert ("POST", carrier.url + "/elsewhere?a=1&b=%20") == (answer.method, answer.url)
    assert (SID, NUMBER, "+15550100007", "ringing") == tuple(
        answer.params[name] for name in ("AccountSid", "To", "From", "CallStatus")
    )
    assert ("/over", "completed") == (path_of(carrier, over), over.params["CallStatus"])
    assert all(signed_with(hook, TOKEN) for hook in (answer, over))


def test_methods_are_the_numbers_own(carrier: Carrier, sdk: Client) -> None:
    """GET puts the parameters into the query, and signs that."""
    buy(carrier, sdk, voice_url="/voice?x=1", voice_method="GET", status_callback="/over", status_callback_method="GET")
    carrier.stage.answers["/voice"] = BYE

    carrier.ended(carrier.call(NUMBER))

    answer, over = carrier.hooks(2)
    assert ["GET", "GET"] == [answer.method, over.method]
    assert "x=1&CallSid=CA" in answer.url
    assert all(signed_with(hook, TOKEN) for hook in (answer, over))


def test_without_a_status_callback_nobody_is_told(carrier: Carrier, sdk: Client) -> None:
    """The call ends without a word."""
    buy(carrier, sdk, voice_url="/voice")
    carrier.stage.answers["/voice"] = BYE

    carrier.ended(carrier.call(NUMBER))

    assert ["/voice"] == [path_of(carrier, hook) for hook in carrier.hooks()]


def test_the_owner_signs(carrier: Carrier, sdk: Client) -> None:
    """A number moved to a subaccount is the subaccount's: its SID, its token."""
    child = sdk.api.accounts.create()
    buy(carrier, sdk, voice_url="/voice").update(account_sid=child.sid)
    carrier.stage.answers["/voice"] = BYE

    carrier.ended(carrier.call(NUMBER))

    (answer,) = carrier.hooks()
    assert child.sid == answer.params["AccountSid"]
    assert (True, False) == (signed_with(answer, child.auth_token), signed_with(answer, TOKEN))


def test_the_token_of_the_moment_signs(carrier: Carrier, sdk: Client) -> None:
    """A call that goes on while the token is promoted ends with the new one; a second token alone signs nothing."""
    buy(carrier, sdk, voice_url="/voice", status_callback="/over")
    secondary = sdk.accounts.v1.secondary_auth_token().create().secondary_auth_token
    call_sid = carrier.call(NUMBER)
    (before,) = carrier.hooks(1)

    sdk.accounts.v1.auth_token_promotion().update()
    carrier.control("POST", f"/calls/{call_sid}/hangup")
    carrier.ended(call_sid)

    after = carrier.hooks(2)[1]
    assert (True, False) == (signed_with(before, TOKEN), signed_with(before, secondary))
    assert (False, True) == (signed_with(after, TOKEN), signed_with(after, secondary))


@pytest.mark.parametrize(("failure", "code"), [("500", "11200"), ("<Response><Say>", "12100"), ("404", "11200")])
def test_the_fallback_url_is_asked_when_the_first_fails(carrier: Carrier, sdk: Client, failure: str, code: str) -> None:
    """It learns what went wrong and where; its words are what the caller hears."""
    buy(carrier, sdk, voice_url="/voice", voice_fallback_url="/fallback", voice_fallback_method="GET")
    carrier.stage.answers |= {"/voice": failure, "/fallback": "<Response><Say>Please call later</Say></Response>"}

    call_sid = carrier.call(NUMBER)
    end = carrier.ended(call_sid)

    fallback = carrier.hooks()[1]
    assert "application" == end.reason
    assert ("GET", True) == (fallback.method, signed_with(fallback, TOKEN))
    assert f"ErrorCode={code}" in fallback.url
    assert "ErrorUrl=http" in fallback.url
    assert [["agent", "Please call later"]] == [
        [each["who"], each["text"]] for each in carrier.control("GET", f"/calls/{call_sid}")["transcript"]
    ]


def test_a_fallback_serves_in_the_middle_of_a_call_too(carrier: Carrier, sdk: Client) -> None:
    """Whatever document cannot be had; once."""
    buy(carrier, sdk, voice_url="/voice", voice_fallback_url="/fallback")
    again = "<Response><Redirect>/gone</Redirect></Response>"
    carrier.stage.answers |= {"/voice": again, "/gone": "404", "/fallback": again}

    end = carrier.ended(carrier.call(NUMBER))

    assert ["/voice", "/gone", "/fallback", "/gone"] == [path_of(carrier, hook) for hook in carrier.hooks()]
    assert "failed" == end.reason


def test_when_everything_fails_the_carrier_apologises(carrier: Carrier, sdk: Client) -> None:
    """Both URLs down: Twilio's sentence, and the call has failed."""
    buy(carrier, sdk, voice_url="/voice", voice_fallback_url="/fallback")
    carrier.stage.answers |= {"/voice": "500", "/fallback": "500"}

    call_sid = carrier.call(NUMBER)

    assert "failed" == carrier.ended(call_sid).reason
    assert "application error" in str(carrier.control("GET", f"/calls/{call_sid}")["transcript"])


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({}, "11100"),
        ({"voice_url": "/voice", "trunk_sid": "TK" + "1" * 32}, "11100"),
        ({"voice_url": "/voice", "voice_application_sid": "AP" + "1" * 32}, "11100"),
    ],
)
def test_a_number_nobody_handles_rejects_its_calls(
    carrier: Carrier, sdk: Client, settings: dict[str, str], code: str
) -> None:
    """No URL, or somebody else's business: no webhook is made, and the developer is told why."""
    buy(carrier, sdk, status_callback="/over", **settings)

    end = carrier.ended(carrier.call(NUMBER))

    assert "rejected" == end.reason
    assert [] == carrier.hooks()
    assert carrier.violations("carrier")[0].startswith(code)


def test_a_suspended_account_takes_no_calls(carrier: Carrier, sdk: Client) -> None:
    """Nor do the numbers of its subaccounts; active again, they ring."""
    child = sdk.api.accounts.create()
    buy(carrier, sdk, voice_url="/voice").update(account_sid=child.sid)
    carrier.stage.answers["/voice"] = BYE
    reasons = []
    for status in ("suspended", "active"):
        carrier.control("PATCH", f"/accounts/{SID}", json={"status": status})
        reasons.append(carrier.ended(carrier.call(NUMBER)).reason)

    assert ["rejected", "application"] == reasons
    assert 1 == len(carrier.hooks())
    assert carrier.violations("carrier")[0].startswith("10003")


def test_a_number_without_voice_takes_no_calls(carrier: Carrier, sdk: Client) -> None:
    """There are some that take texts only."""
    texts_only = "+15125550113"
    sdk.incoming_phone_numbers.create(phone_number=texts_only, voice_url=carrier.url + "/voice")

    assert "rejected" == carrier.ended(carrier.call(texts_only)).reason
    assert [] == carrier.hooks()


def test_the_page_lists_what_can_be_called(carrier: Carrier, sdk: Client) -> None:
    """Bought numbers come, released ones go, the run's own among them; no token is told."""
    number = sdk.incoming_phone_numbers.create(phone_number=NUMBER, friendly_name="Front desk")
    (own,) = sdk.incoming_phone_numbers.list(phone_number="+15125550100")
    own.delete()

    listed = carrier.raw("GET", "/numbers", auth=None)
    gone = carrier.raw("POST", "/calls", auth=None, json={"to": "+15125550100"})

    assert {"+15125550120": "", NUMBER: "Front desk"} == {
        each["phone_number"]: each["name"] for each in listed.json()["numbers"]
    }
    assert TOKEN not in listed.text
    assert 404 == gone.status_code
    number.delete()
    assert 404 == carrier.raw("POST", "/calls", auth=None, json={"to": NUMBER}).status_code


def test_a_call_is_fetched_redirected_and_completed(carrier: Carrier, sdk: Client) -> None:
    """Its state, new TwiML by URL and method, its end; after that nothing can be done with it."""
    number = buy(carrier, sdk, voice_url="/voice")
    call_sid = carrier.call(NUMBER)
    carrier.hooks(1)
    call = sdk.calls(call_sid)
    live = call.fetch()
    call.update(url=carrier.url + "/other", method="GET")
    redirected = carrier.hooks(2)[1]
    call.update(status="completed")
    end = carrier.ended(call_sid)
    over = call.fetch()

    assert ("inbound", number.sid, None) == (live.direction, live.phone_number_sid, live.end_time)
    assert ("GET", "/other") == (redirected.method, path_of(carrier, redirected))
    assert "stopped" == end.reason
    assert "completed" == over.status
    assert int(over.duration) >= 0
    assert (400, 21220) == refusal(lambda: call.update(twiml=BYE))


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"twiml": "x" * 4001}, 21623),
        ({"twiml": "<Response>"}, 12100),
        ({"url": "/relative"}, 21402),
        ({"status": "in-progress"}, 21220),
        ({"time_limit": 5}, 20001),
    ],
)
def test_a_redirect_that_cannot_be(carrier: Carrier, sdk: Client, form: dict[str, Any], code: int) -> None:
    """Too long, no TwiML, no URL, no such status, and what this carrier does not play; the call goes on."""
    buy(carrier, sdk, voice_url="/voice")
    call_sid = carrier.call(NUMBER)
    carrier.hooks(1)

    assert (400, code) == refusal(lambda: sdk.calls(call_sid).update(**form))
    assert "in-progress" == sdk.calls(call_sid).fetch().status


def test_a_call_of_another_account_is_not_found(carrier: Carrier, sdk: Client) -> None:
    """Nor one that never was."""
    call_sid = carrier.call("+15125550120")

    assert (404, 20404) == refusal(sdk.calls(call_sid).fetch)
    assert (404, 20404) == refusal(sdk.calls("CA" + "0" * 32).fetch)
