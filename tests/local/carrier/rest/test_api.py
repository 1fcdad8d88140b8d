"""What all resources share: paths, methods, bodies; and every answer held against Twilio's description."""

from __future__ import annotations

from typing import Any

import pytest

from local.carrier.rest.faults import RESOURCES
from tests.local.carrier.rest.conftest import API, SID, Carrier
from tests.twilio_spec import load_spec, needs_spec

FAKE = "0123456789abcdef" * 2
ADDRESS = {
    "CustomerName": "Jane",
    "Street": "1 Main St",
    "City": "Austin",
    "Region": "TX",
    "PostalCode": "78701",
    "IsoCountry": "US",
}


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/2010-04-01",
        f"{API}/Numbers.json",
        f"{API}/IncomingPhoneNumbers",
        f"{API}/Calls.json",
        f"{API}/AvailablePhoneNumbers/US/Landline.json",
        "/v1/Services",
        "/v2/Services",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_everything_else_is_not_found(carrier: Carrier, method: str, path: str) -> None:
    """In Twilio's shape, and a violation: nobody should ask for what is not played here."""
    answer = carrier.raw(method, path)

    assert {
        "code": 20404,
        "message": f"The requested resource {path} was not found",
        "more_info": "https://www.twilio.com/docs/errors/20404",
        "status": 404,
    } == answer.json()
    assert 404 == answer.status_code
    assert 1 == len(carrier.violations())


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", f"{API}/IncomingPhoneNumbers.json"), ("PUT", f"{API}.json"), ("GET", "/v1/AuthTokens/Promote")],
)
def test_a_method_nobody_knows_is_refused(carrier: Carrier, method: str, path: str) -> None:
    """405 and 20004, a violation."""
    answer = carrier.raw(method, path)

    assert (405, 20004) == (answer.status_code, answer.json()["code"])
    assert 1 == len(carrier.violations())


def test_a_body_that_is_no_form_is_refused(carrier: Carrier) -> None:
    """JSON is for the newer APIs."""
    answer = carrier.raw("POST", f"{API}/IncomingPhoneNumbers.json", json={"PhoneNumber": "+15125550101"})

    assert 415 == answer.status_code
    assert 1 == len(carrier.violations())


def test_a_form_does_not_belong_into_the_query(carrier: Carrier) -> None:
    """A POST's parameters stand in its body, and a parameter stands there once."""
    query = carrier.raw("POST", f"{API}/IncomingPhoneNumbers.json?PhoneNumber=%2B15125550101")
    twice = carrier.raw(
        "POST",
        f"{API}/IncomingPhoneNumbers.json",
        content="AreaCode=512&AreaCode=737",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert [(400, 20001)] * 2 == [(each.status_code, each.json()["code"]) for each in (query, twice)]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_only_a_post_has_a_body(carrier: Carrier, method: str) -> None:
    """A form on a GET or DELETE would be overlooked."""
    answer = carrier.raw(method, f"{API}/IncomingPhoneNumbers/PN{FAKE}.json", data={"FriendlyName": "x"})

    assert (400, 20001) == (answer.status_code, answer.json()["code"])


def test_requests_have_an_id(carrier: Carrier) -> None:
    """Answers and errors alike, as at Twilio."""
    answers = [carrier.raw("GET", f"{API}.json"), carrier.raw("GET", f"{API}.json", auth=None)]

    assert all(each.headers["twilio-request-id"].startswith("RQ") for each in answers)


def every_request(carrier: Carrier) -> list[tuple[str, str, dict[str, str]]]:
    """One good request for every operation of the 2010 API: method, path below the account, query or form."""

    def made(path: str, form: dict[str, str]) -> str:
        answer = carrier.raw("POST", API + path, data=form)
        assert 201 == answer.status_code, answer.text
        sid: str = answer.json()["sid"]
        return sid

    number = made("/IncomingPhoneNumbers.json", {"PhoneNumber": "+15125550101"})
    key, address = made("/Keys.json", {}), made("/Addresses.json", ADDRESS)
    message = made("/Messages.json", {"To": "+15125550111", "From": "+15125550101", "Body": "Hello"})
    call = carrier.raw("POST", "/calls", auth=None, json={"to": "+15125550100"}).json()["id"]
    kinds = ("Local", "TollFree", "Mobile", "National", "SharedCost", "Voip", "MachineToMachine")
    countries = {"Local": "US", "TollFree": "US", "Mobile": "GB"}
    return [
        ("GET", "s.json", {}),
        ("POST", "s.json", {"FriendlyName": "Child"}),
        ("GET", ".json", {}),
        ("POST", ".json", {"FriendlyName": "Renamed"}),
        ("GET", "/AvailablePhoneNumbers.json", {}),
        ("GET", "/AvailablePhoneNumbers/US.json", {}),
        *(("GET", f"/AvailablePhoneNumbers/{countries.get(kind, 'US')}/{kind}.json", {}) for kind in kinds),
        ("GET", "/IncomingPhoneNumbers.json", {"PageSize": "1"}),
        ("POST", "/IncomingPhoneNumbers.json", {"AreaCode": "737"}),
        ("GET", "/IncomingPhoneNumbers/Local.json", {}),
        ("POST", "/IncomingPhoneNumbers/Local.json", {"PhoneNumber": "+15125550102"}),
        ("GET", "/IncomingPhoneNumbers/TollFree.json", {}),
        ("POST", "/IncomingPhoneNumbers/TollFree.json", {"PhoneNumber": "+18445550101"}),
        ("GET", "/IncomingPhoneNumbers/Mobile.json", {}),
        ("POST", "/IncomingPhoneNumbers/Mobile.json", {"PhoneNumber": "+447700900001"}),
        ("GET", f"/IncomingPhoneNumbers/{number}.json", {}),
        ("POST", f"/IncomingPhoneNumbers/{number}.json", {"VoiceUrl": "https://app.example/voice"}),
        ("DELETE", f"/IncomingPhoneNumbers/{number}.json", {}),
        ("GET", "/Keys.json", {}),
        ("POST", "/Keys.json", {"FriendlyName": "CI"}),
        ("GET", f"/Keys/{key}.json", {}),
        ("POST", f"/Keys/{key}.json", {"FriendlyName": "CI"}),
        ("DELETE", f"/Keys/{key}.json", {}),
        ("GET", "/Addresses.json", {}),
        ("POST", "/Addresses.json", ADDRESS),
        ("GET", f"/Addresses/{address}.json", {}),
        ("POST", f"/Addresses/{address}.json", {"Street": "2 Main St"}),
        ("DELETE", f"/Addresses/{address}.json", {}),
        ("POST", "/Messages.json", {"To": "+15125550111", "From": "+15125550100", "Body": "x" * 200}),
        ("GET", "/Messages.json", {"To": "+15125550111"}),
        ("GET", f"/Messages/{message}.json", {}),
        ("GET", f"/Calls/{call}.json", {}),
        ("POST", f"/Calls/{call}.json", {"Status": "completed"}),
    ]


@needs_spec
def test_every_answer_is_as_twilio_describes_it(carrier: Carrier) -> None:
    """Every operation of the 2010 API that is served: status, every property of the resource, its type and format."""
    spec, judged = load_spec(), set()
    operations = {(each.method, each.path) for each in carrier.app.state.api.operations if spec.describes(each.path)}
    for method, rest, fields in every_request(carrier):
        path = ("/2010-04-01/Accounts" if rest == "s.json" else API) + rest.removeprefix(
            "s" if rest == "s.json" else ""
        )
        more: dict[str, Any] = {"data": fields} if method == "POST" else {"params": fields}
        answer = carrier.raw(method, path, **more)
        body = answer.json() if answer.content else None
        pairs = list(fields.items())
        query, form = ([], pairs) if method == "POST" else (pairs, [])

        assert [] == spec.request_problems(method, path, query, form)
        assert [] == spec.answer_problems(method, path, answer.status_code, body), (method, path)
        assert answer.status_code < 300 or "AvailablePhoneNumbers" in path, (method, path, body)
        judged.add((method, spec.template(path)))

    described = {(method, path.replace("{AccountSid}.json", "{Sid}.json")) for method, path in operations}
    assert described == judged
    assert [] == carrier.violations()


@needs_spec
def test_every_documented_parameter_is_known(carrier: Carrier) -> None:
    """What is played in full takes every parameter that Twilio describes, and no other."""
    spec = load_spec()
    partly = {"Calls", "Messages"}
    for operation in carrier.app.state.api.operations:
        if not spec.describes(operation.path):
            continue
        path = operation.path.replace("{AccountSid}.json", "{Sid}.json")
        query, form = spec.parameters(operation.method, path)
        ours = (set(operation.query), set(operation.form))
        if operation.resource in partly:
            assert ours[0] <= query and ours[1] <= form, operation.path
        else:
            assert (query, form) == ours, operation.path


def test_faults_know_every_resource(carrier: Carrier) -> None:
    """Each can be harmed by its name."""
    assert RESOURCES == {each.resource for each in carrier.app.state.api.operations}


@needs_spec
@pytest.mark.parametrize(
    ("method", "path", "fields"),
    [
        ("GET", f"/2010-04-01/Accounts/AC{FAKE}.json", {}),
        ("GET", f"{API}/IncomingPhoneNumbers/PN{FAKE}.json", {}),
        ("POST", f"{API}/IncomingPhoneNumbers.json", {"PhoneNumber": "+15125550100"}),
        ("POST", f"{API}/IncomingPhoneNumbers.json", {"Nonsense": "1"}),
        ("PATCH", f"{API}.json", {}),
    ],
)
def test_every_error_has_twilios_shape(carrier: Carrier, method: str, path: str, fields: dict[str, str]) -> None:
    """Code, message, address of more information, status."""
    answer = carrier.raw(method, path, data=fields)

    assert 400 <= answer.status_code
    assert [] == load_spec().answer_problems(method, path, answer.status_code, answer.json())


def test_the_account_of_the_path_is_the_one_that_counts(carrier: Carrier) -> None:
    """A SID in capitals or with rubbish behind it is another's."""
    for sid in (SID.lower(), SID + "x"):
        assert 404 == carrier.raw("GET", f"/2010-04-01/Accounts/{sid}/IncomingPhoneNumbers.json").status_code
