"""The paths of numbers: what they take, what they give, and that nobody meets a number of another organization."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfold_admin.models.numbers import Number
from tests.admin.desk import Desk
from tests.admin.numbers_desk import AREA, NUMBERS, Office, open_office
from tests.admin.twilio_numbers import TwilioNumbers, running
from tests.aws import Aws


@pytest.mark.accept("C1")
def test_numbers_are_searched(office: Office) -> None:
    """By area code, voice enabled unless asked otherwise, with what an administrator needs to choose."""
    phone = office.phone(101)
    office.twilio.stock.append("+18005550100")

    found = office.admin.get(f"{NUMBERS}/available", query={"area_code": AREA, "account_id": office.account})
    toll_free = office.admin.get(f"{NUMBERS}/available", query={"type": "toll_free", "capabilities": "voice,sms"})

    assert (200, [phone]) == (found.status, [each["phone_number"] for each in found.json["numbers"]])
    assert ["+18005550100"] == [each["phone_number"] for each in toll_free.json["numbers"]]
    searches = [asked for name, asked in office.twilio.seen if name == "search"]
    assert "true" == searches[0]["VoiceEnabled"]
    assert {"VoiceEnabled": "true", "SmsEnabled": "true", "PageSize": "20"} == searches[1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"area_code": "99"}, "area_code"),
        ({"country": "usa"}, "country"),
        ({"type": "satellite"}, "type"),
        ({"capabilities": "voice,fly"}, "capabilities"),
        ({"limit": 500}, "limit"),
        ({"contains": "?"}, "contains"),
    ],
    ids=str,
)
def test_a_search_that_cannot_be_meant_is_refused(office: Office, query: dict[str, Any], field: str) -> None:
    """400, and the field is named."""
    answer = office.admin.get(f"{NUMBERS}/available", query=query)

    assert (400, field) == (answer.status, answer.json["error"]["details"][0]["field"])


def test_a_country_without_such_numbers_is_told(office: Office) -> None:
    """Twilio's 404 with its code."""
    answer = office.admin.get(f"{NUMBERS}/available", query={"country": "DE", "type": "mobile"})

    assert (404, 20404) == (answer.status, answer.json["error"]["details"][0]["twilio_code"])


def test_who_may_not_buy_may_not_search(office: Office) -> None:
    """It is done with the account's credentials."""
    viewer = office.desk.viewer(office.org)

    assert 403 == viewer.get(f"{NUMBERS}/available").status
    assert 403 == office.buy(viewer).status
    assert 403 == viewer.post(f"{NUMBERS}/import", {"phone_number": "+15125550100"}).status


def test_the_platform_names_the_account_if_there_are_several(office: Office) -> None:
    """400 with where to find them."""
    office.account_of(None, "d4")

    answer = office.platform.get(f"{NUMBERS}/available")

    assert (400, "account_id") == (answer.status, answer.json["error"]["details"][0]["field"])


def test_a_new_number_says_where_it_is(office: Office) -> None:
    """Location and ETag; GET gives the same document, with the same ETag."""
    answer = office.buy()

    again = office.admin.get(answer.headers["Location"])

    assert (201, 200, answer.etag) == (answer.status, again.status, again.etag)
    assert answer.json == again.json


def test_a_key_buys_once(office: Office) -> None:
    """The second answer is the first."""
    body = {"phone_number": office.phone(), "account_id": office.account}

    answers = [office.admin.post(NUMBERS, body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert [201, 201] == [answer.status for answer in answers]
    assert answers[0].json == answers[1].json
    assert 1 == office.twilio.count("create")


def test_viewers_read(office: Office) -> None:
    """List and one number; nothing else."""
    number = office.bought()
    viewer = office.desk.viewer(office.org)
    path = f"{NUMBERS}/{number['id']}"

    statuses = [
        viewer.get(NUMBERS).status,
        viewer.get(path).status,
        viewer.get(f"{path}/agents").status,
        viewer.get("/api/voice/languages").status,
        viewer.patch(path, {"name": "x"}).status,
        viewer.delete(path).status,
        viewer.put(f"{path}/agents", {"agents": []}).status,
        viewer.post(f"{path}/agents", {"agent_id": "agt_one"}).status,
        viewer.delete(f"{path}/agents/agt_one").status,
        viewer.post(f"{path}/repair").status,
    ]

    assert [200] * 4 + [403] * 6 == statuses


@pytest.mark.parametrize("body", [{"phone_number": "512"}, {"colour": "red"}, {"greeting": ""}, {"agents": "agt_one"}])
def test_a_body_that_cannot_be_meant_is_refused(office: Office, body: dict[str, Any]) -> None:
    """Unknown fields too: a misspelt one would be ignored otherwise."""
    number = office.bought()

    answer = office.admin.patch(f"{NUMBERS}/{number['id']}", body)

    assert (400, "invalid_request") == (answer.status, answer.code)


def test_no_token_is_shown(office: Office) -> None:
    """Nor the ARN of the secret."""
    number = office.bought()
    shown = office.platform.get(f"{NUMBERS}/{number['id']}").text + office.platform.get(NUMBERS).text

    assert "auth-token" not in shown
    assert "secret" not in shown


def test_every_field_of_the_contract_is_shown(office: Office) -> None:
    """Those of the plan, by their names."""
    plan = {
        "id",
        "account_id",
        "organization_id",
        "phone_number",
        "phone_sid",
        "name",
        "routing_mode",
        "default_agent_id",
        "agents",
        "greeting",
        "transfer_number",
        "tts_provider",
        "tts_voice_id",
        "language",
        "is_active",
        "created_at",
        "updated_at",
        "webhook_path",
        "websocket_path",
        "configured_webhook_url",
        "base_url",
    }

    assert plan <= set(office.bought())
    assert plan <= set(Number.model_fields)


def test_every_status_that_was_met_is_described(office: Office) -> None:
    """The description of each route names what it gave in these tests' hardest cases."""
    document = office.platform.get("/api/openapi.json").json
    declared = {
        (method.upper(), path): set(operation["responses"])
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if path.startswith(NUMBERS) or path.endswith("/languages")
    }

    assert 14 == len(declared)
    assert all({"400", "401", "403", "500", "503"} <= statuses for statuses in declared.values())
    assert all("404" in statuses for (_, path), statuses in declared.items() if "number_id" in path)
    assert {"402", "409", "422", "429", "502", "504"} <= declared["POST", NUMBERS]
    assert {"409", "412", "422", "504"} <= declared["DELETE", f"{NUMBERS}/{{number_id}}"]
    assert {"409", "412"} <= declared["PATCH", f"{NUMBERS}/{{number_id}}"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTE = st.sampled_from(["language", "voice", "hints", "speechTimeout", "ttsProvider", "code", "\ud800", ""])
FIELDS = {
    **dict.fromkeys(("name", "greeting", "transfer_number", "tts_voice_id", "language", "agents", "base_url"), JSON),
    "relay": JSON | st.dictionaries(ATTRIBUTE, JSON, max_size=3),
    "languages": JSON | st.lists(st.dictionaries(ATTRIBUTE, JSON, max_size=3), max_size=2),
    "default_agent_version": JSON,
    "organization_id": JSON,
}


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON | st.fixed_dictionaries({}, optional=FIELDS), new=st.booleans())
def test_whatever_is_sent_is_never_a_fault_of_ours(neighbours: Neighbours, body: Any, new: bool) -> None:
    """Any JSON at all is taken or refused with its reason; nothing breaks."""
    desk = neighbours.office.desk.admin(neighbours.other)
    path = f"{NUMBERS}/import" if new else f"{NUMBERS}/{neighbours.theirs}"

    answer = desk.ask("POST" if new else "PATCH", path, body)

    assert answer.status in ({400, 403, 404, 409} if new else {200, 400, 403, 404, 409}), answer.text


# -- whose they are ---------------------------------------------------------------------------------------------------


class Neighbours:
    """One organization with numbers of every kind, and another one that would like to have them."""

    def __init__(self, office: Office) -> None:
        self.office = office
        office.agent("agt_secret")
        own = office.bought(default_agent_id="agt_secret", agents=["agt_secret"], greeting="Secret greeting")
        lent = office.bought(
            office.platform, 101, account_id=office.platform_account, organization_id=office.org, name="Secret lent"
        )
        nobodys = office.bought(office.platform, 102, account_id=office.platform_account, name="Secret spare")
        self.numbers = [own, lent, nobodys]
        self.other = office.desk.organization("Curious")
        self.their_account, _ = office.account_of(self.other, "c3")
        office.agent("agt_theirs", self.other)
        bought = office.bought(office.desk.admin(self.other), 103, account_id=self.their_account)
        self.theirs = bought["id"]
        self.before = self.state()
        self.asked = len(office.twilio.seen)

    def state(self) -> list[str]:
        """Everything that is not the other organization's own."""
        items = self.office.everything()
        return sorted(json.dumps(each, sort_keys=True, default=str) for each in items if self.other not in str(each))

    def desks(self) -> list[Desk]:
        return [self.office.desk.admin(self.other), self.office.desk.viewer(self.other)]


@pytest.fixture(scope="module")
def neighbours(aws_endpoint: str) -> Iterator[Neighbours]:
    """Made once: nothing that is done to it may change it."""
    made = _aws(aws_endpoint)
    with running(TwilioNumbers()) as twilio:
        yield Neighbours(open_office(made, twilio))


def _aws(endpoint: str) -> Aws:
    name = "neighbours-of-numbers"
    aws = Aws(endpoint, f"table-{name}", f"airline-{name}")
    aws.client("dynamodb").create_table(
        TableName=aws.table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    return aws


BODIES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.just("Mine now"),
        "organization_id": st.sampled_from(["other", "org_none", None]),
        "default_agent_id": st.sampled_from(["agt_theirs", "agt_secret"]),
        "agents": st.just(["agt_theirs"]),
        "agent_id": st.just("agt_theirs"),
        "transfer_number": st.just("+15125550190"),
        "is_active": st.booleans(),
        "base_url": st.just("https://evil.example.com"),
        "greeting": st.just("Gotcha"),
    },
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 2),
    who=st.integers(0, 1),
    route=st.sampled_from(
        [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/verify"),
            ("POST", "/repair"),
            ("GET", "/agents"),
            ("PUT", "/agents"),
            ("POST", "/agents"),
            ("DELETE", "/agents/agt_secret"),
        ]
    ),
    body=BODIES,
    etag=st.sampled_from([None, "*", '"1"', '"2"']),
)
def test_a_foreign_number_is_absent_on_every_route(
    neighbours: Neighbours, which: int, who: int, route: tuple[str, str], body: dict[str, Any], etag: str | None
) -> None:
    """404 (or 403 for whoever may change nothing at all, 400 for what cannot be meant), the same as for no number."""
    method, end = route
    desk, number = neighbours.desks()[who], neighbours.numbers[which]
    sent = {name: neighbours.other if value == "other" else value for name, value in body.items()}
    headers = {"If-Match": etag} if etag else {}

    answers = [
        desk.ask(method, f"{NUMBERS}/{number_id}{end}", None if method in {"GET", "DELETE"} else sent, headers=headers)
        for number_id in (number["id"], "num_0000000000000000000000")
    ]

    assert answers[0].status == answers[1].status
    assert answers[0].text.replace(number["id"], "") == answers[1].text.replace("num_0000000000000000000000", "")
    assert answers[0].status in {400, 403, 404}
    assert "ecret" not in answers[0].text
    assert number["phone_number"] not in answers[0].text
    assert neighbours.before == neighbours.state()
    assert neighbours.asked == len(neighbours.office.twilio.seen)


def test_a_foreign_number_is_in_no_list_and_no_audit(neighbours: Neighbours) -> None:
    """Whoever asks for another organization's list gets 404."""
    for desk in neighbours.desks():
        assert [neighbours.theirs] == [each["id"] for each in desk.get(NUMBERS).json["numbers"]]
        assert 404 == desk.get(NUMBERS, query={"organization_id": neighbours.office.org}).status
        assert "ecret" not in desk.get("/api/audit").text
    theirs = neighbours.office.admin.get(NUMBERS).json["numbers"]
    everybodys = neighbours.office.platform.get(NUMBERS).json["numbers"]
    only = neighbours.office.platform.get(NUMBERS, query={"organization_id": neighbours.office.org}).json["numbers"]
    assert {each["id"] for each in neighbours.numbers[:2]} == {each["id"] for each in theirs}
    assert {neighbours.theirs, *(each["id"] for each in neighbours.numbers)} == {each["id"] for each in everybodys}
    assert {each["id"] for each in theirs} == {each["id"] for each in only}


@pytest.mark.parametrize("where", ["available", "", "import"])
def test_a_foreign_account_buys_nothing(neighbours: Neighbours, where: str) -> None:
    """Neither another organization's nor the platform's."""
    desk = neighbours.desks()[0]

    for account_id in (neighbours.office.account, neighbours.office.platform_account, "acc_none"):
        body = {"account_id": account_id, "phone_number": "+15125550150"}
        answer = (
            desk.get(f"{NUMBERS}/available", query={"account_id": account_id})
            if where == "available"
            else desk.post(f"{NUMBERS}/{where}".rstrip("/"), body)
        )
        assert (404, "There is no such account.") == (answer.status, answer.json["error"]["message"][:25])
    assert neighbours.before == neighbours.state()


def test_a_number_is_not_bought_for_another_organization(neighbours: Neighbours) -> None:
    """The organization is not there for them."""
    body = {"phone_number": "+15125550150", "organization_id": neighbours.office.org}

    assert 404 == neighbours.desks()[0].post(NUMBERS, {**body, "account_id": neighbours.their_account}).status


def test_a_foreign_agent_does_not_answer(neighbours: Neighbours) -> None:
    """An agent of another organization is no agent."""
    office = neighbours.office
    path = f"{NUMBERS}/{neighbours.numbers[0]['id']}"

    for body in ({"default_agent_id": "agt_theirs"}, {"agents": ["agt_theirs"]}):
        assert 400 == office.admin.patch(path, body).status
    assert 400 == office.admin.post(f"{path}/agents", {"agent_id": "agt_theirs"}).status
