"""Numbers in use: what is shown of them, how they change, and that no call is lost over it."""

from __future__ import annotations

import itertools
import json
import threading
from typing import Any

import pytest

from ringfold.adapters import codec
from ringfold.core.lines import number_from_item
from ringfold_admin.carrier import numbers as carrier
from ringfold_admin.cursors import Cursors
from ringfold_admin.services.numbers import language_table
from ringfold_admin.stores import numbers as store
from ringfold_admin.stores.numbers import Numbers
from ringfold_admin.stores.table import Table
from tests.admin.desk import RELAY_KEY
from tests.admin.line import PhoneLine
from tests.admin.numbers_desk import BASE, NUMBERS, Office, at_once, principal_of

NEW_BASE = "https://new.example.com"


def path_of(number: dict[str, Any]) -> str:
    return f"{NUMBERS}/{number['id']}"


@pytest.mark.accept("C4")
@pytest.mark.accept("C6")
@pytest.mark.accept("E8")
def test_what_is_set_is_shown_and_used(office: Office) -> None:
    """Greeting, voice, agent and transfer number are patched, shown, and what the next caller gets."""
    office.agent("agt_two")
    number = office.bought()
    settings = {
        "name": "Main line",
        "default_agent_id": "agt_two",
        "default_agent_version": 1,
        "agents": ["agt_one", "agt_two"],
        "routing_mode": "dynamic",
        "greeting": "Hello there.",
        "resume_greeting": "Back again.",
        "transfer_number": "+15125550190",
        "tts_provider": "Google",
        "tts_voice_id": "en-US-Chirp3-HD-Aoede",
        "language": "en-US",
        "relay": {"hints": ["Ringfold", "SkyOwl"], "transcriptionProvider": "Deepgram"},
        "languages": [{"code": "es-US", "voice": "es-US-Chirp3-HD-Aoede"}],
    }

    changed = office.admin.patch(path_of(number), settings)
    shown = office.admin.get(path_of(number)).json
    heard = PhoneLine(office).call(number["phone_number"])

    assert 200 == changed.status, changed.text
    assert {**settings, "relay": shown["relay"]} == {name: shown[name] for name in settings}
    assert ("/api/voice/incoming", "/dev") == (shown["webhook_path"], shown["websocket_path"])
    assert ("Google", "en-US-Chirp3-HD-Aoede", "en-US", "Hello there.", "Ringfold,SkyOwl") == tuple(
        heard.relay[name] for name in ("ttsProvider", "voice", "language", "welcomeGreeting", "hints")
    )


@pytest.mark.accept("C7")
@pytest.mark.accept("C12")
def test_what_twilio_really_has_is_shown(office: Office) -> None:
    """Somebody changed it in Twilio's console: GET asks, lists remember, repair puts it right."""
    number = office.bought()
    office.twilio.owned[number["phone_sid"]] |= {"voice_url": "https://other.example.com/x", "trunk_sid": "TK1"}

    shown = office.admin.get(path_of(number)).json
    listed = office.admin.get(NUMBERS).json["numbers"][0]
    repaired = office.admin.post(f"{path_of(number)}/repair").json

    assert "https://other.example.com/x" == shown["configured_webhook_url"] == listed["configured_webhook_url"]
    assert ["voice_url", "trunk_sid"] == [each["field"] for each in shown["drift"]]
    assert f"{BASE}/api/voice/incoming" == shown["expected_webhook_url"] == shown["drift"][0]["expected"]
    assert ([], shown["expected_webhook_url"]) == (repaired["drift"], repaired["configured_webhook_url"])
    assert ("", f"{BASE}/api/voice/incoming") == (
        office.twilio.owned[number["phone_sid"]]["trunk_sid"],
        office.twilio.owned[number["phone_sid"]]["voice_url"],
    )


@pytest.mark.accept("C7")
@pytest.mark.parametrize(
    ("fault", "told"), [("reset", "did not answer"), ("20003", "20003"), ("20404", "20404"), ("503", "failed")]
)
def test_when_twilio_cannot_be_asked_nothing_is_claimed(office: Office, fault: str, told: str) -> None:
    """The URL is null, and the reason is there; the number itself is shown all the same."""
    number = office.bought()
    office.twilio.faults["fetch"] = [fault] if fault != "20404" else []
    if fault == "20404":
        office.twilio.owned.clear()

    shown = office.admin.get(path_of(number))

    assert (200, None) == (shown.status, shown.json["configured_webhook_url"])
    assert told in shown.json["configured_webhook_error"]


def test_a_repair_that_finds_nothing_wrong_changes_nothing(office: Office) -> None:
    """Twilio is asked and not told."""
    number = office.bought()

    repaired = office.admin.post(f"{path_of(number)}/repair")

    assert (200, 0) == (repaired.status, office.twilio.count("update"))


def test_a_repair_that_twilio_does_not_answer_is_no_success(office: Office) -> None:
    """504: nothing is known."""
    number = office.bought()
    office.twilio.faults["fetch"] = ["reset"]

    assert 504 == office.admin.post(f"{path_of(number)}/repair").status


# -- where Twilio is sent ---------------------------------------------------------------------------------------------


@pytest.mark.accept("B6")
def test_the_base_url_is_the_numbers_the_accounts_the_systems_or_localhost(office: Office) -> None:
    """In this order; whichever it is, webhooks are expected and verified under it."""
    number = office.bought(default_agent_id="agt_one")
    line = PhoneLine(office)
    seen = [office.admin.get(path_of(number)).json["expected_webhook_url"]]

    office.admin.patch(f"/api/voice/accounts/{office.account}", {"base_url": "https://account.example.com"})
    seen.append(office.admin.get(path_of(number)).json["expected_webhook_url"])
    by_account = line.call(number["phone_number"], base="https://account.example.com", call_sid="CA" + "2" * 32)
    office.admin.patch(path_of(number), {"base_url": NEW_BASE})
    seen.append(office.admin.get(path_of(number)).json["expected_webhook_url"])
    by_number = line.call(number["phone_number"], base=NEW_BASE, call_sid="CA" + "3" * 32)

    path = "/api/voice/incoming"
    assert [BASE + path, f"https://account.example.com{path}", NEW_BASE + path] == seen
    assert by_account.relay
    assert by_number.relay


def test_a_change_that_twilio_must_know_of_is_told_to_it(office: Office) -> None:
    """The base URL, the transfer number and the language are in the URLs."""
    number = office.bought()

    answer = office.admin.patch(
        path_of(number), {"base_url": NEW_BASE, "transfer_number": "+15125550190", "language": "en-GB"}
    )

    owned = office.twilio.owned[number["phone_sid"]]
    assert (200, []) == (answer.status, answer.json["drift"])
    assert f"{NEW_BASE}/api/voice/incoming" == owned["voice_url"] == answer.json["configured_webhook_url"]
    assert owned["voice_fallback_url"].endswith("/voice?transfer=%2B15125550190&language=en-GB")


def test_a_change_that_twilio_needs_not_know_is_not_told_to_it(office: Office) -> None:
    """A greeting is ours."""
    number = office.bought()

    office.admin.patch(path_of(number), {"greeting": "Hello."})

    assert ["create"] == [name for name, _ in office.twilio.seen]


def test_a_change_that_could_not_be_told_is_shown_as_drift(office: Office) -> None:
    """It is kept here, and the answer says what Twilio still has."""
    number = office.bought()
    office.twilio.faults["update"] = ["reset"]

    answer = office.admin.patch(path_of(number), {"base_url": NEW_BASE})

    assert (200, NEW_BASE) == (answer.status, answer.json["base_url"])
    assert "voice_url" in [each["field"] for each in answer.json["drift"]]
    assert "did not answer" in answer.json["configured_webhook_error"]


def test_no_call_is_refused_while_the_base_url_changes(office: Office) -> None:
    """Twilio may ask under the old URL until it has been told, and under the new one from then on: both hold."""
    number = office.bought(default_agent_id="agt_one")
    line = PhoneLine(office)
    office.twilio.faults["update"] = ["reset"]
    office.admin.patch(path_of(number), {"base_url": NEW_BASE})

    untold = line.call(number["phone_number"], base=BASE, call_sid="CA" + "4" * 32)
    office.admin.post(f"{path_of(number)}/repair")
    told = line.call(number["phone_number"], base=NEW_BASE, call_sid="CA" + "5" * 32)
    late = line.call(number["phone_number"], base=BASE, call_sid="CA" + "6" * 32)
    stranger = line.call(number["phone_number"], base="https://evil.example.com", call_sid="CA" + "7" * 32)

    assert untold.relay
    assert told.relay
    assert late.relay
    assert (403, {}) == (stranger.status, stranger.relay)


def test_two_changes_at_once_leave_twilio_with_the_last(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However their requests to Twilio overtake each other: whoever spoke last spoke of the newest settings."""
    number = office.bought()
    first_wrote, second_done = threading.Event(), threading.Event()
    original, turns = carrier.configure, itertools.count()

    def slow(client: Any, sid: str, settings: Any) -> Any:
        if next(turns) == 0:
            first_wrote.set()
            second_done.wait(10)
        return original(client, sid, settings)

    monkeypatch.setattr(carrier, "configure", slow)

    crew = office.crew()

    def first() -> None:
        crew.numbers.change(principal_of(office.org), number["id"], {"base_url": "https://one.example.com"}, None)

    thread = threading.Thread(target=first)
    thread.start()
    first_wrote.wait(10)
    office.admin.patch(path_of(number), {"base_url": "https://two.example.com"})
    second_done.set()
    thread.join(20)

    shown = office.admin.get(path_of(number)).json
    assert ("https://two.example.com", []) == (shown["base_url"], shown["drift"])


def test_two_changes_at_once_do_not_undo_each_other(office: Office) -> None:
    """Different fields: both are there afterwards."""
    number = office.bought()
    crew, admin = office.crew(), principal_of(office.org)

    outcomes = at_once(
        lambda: crew.numbers.change(admin, number["id"], {"greeting": "Hello."}, None),
        lambda: crew.numbers.change(admin, number["id"], {"name": "Desk"}, None),
    )

    assert [200, 200] == [status for status, _ in outcomes]
    shown = office.admin.get(path_of(number)).json
    assert ("Hello.", "Desk") == (shown["greeting"], shown["name"])


def test_a_change_is_held_to_what_was_read(office: Office) -> None:
    """If-Match: the second of two who read the same is told."""
    number = office.bought()
    etag = office.admin.get(path_of(number)).etag

    first = office.admin.patch(path_of(number), {"name": "One"}, headers={"If-Match": etag})
    second = office.admin.patch(path_of(number), {"name": "Two"}, headers={"If-Match": etag})

    assert (200, 412, first.etag) == (first.status, second.status, second.etag)
    assert "One" == office.admin.get(path_of(number)).json["name"]


# -- calls ------------------------------------------------------------------------------------------------------------


@pytest.mark.accept("C9")
def test_the_webhook_still_reads_the_number_once(office: Office) -> None:
    """One read for the number and its account's claim, one for everything else: as before there was an API."""
    number = office.bought(default_agent_id="agt_one", agents=["agt_one"])
    line = PhoneLine(office)

    assert line.call(number["phone_number"]).relay

    reads = [params["body"] for name, params in line.reads if name == "BatchGetItem"]
    assert 2 == len(reads)
    first = json.dumps(json.loads(reads[0]) if isinstance(reads[0], str | bytes) else reads[0])
    assert f"NUMBER#{number['phone_number']}" in first
    assert 2 == first.count('"pk"')


@pytest.mark.accept("C10")
@pytest.mark.parametrize("how", ["switched off", "of nobody", "being released", "account off"])
def test_a_number_out_of_service_says_so_politely(office: Office, how: str) -> None:
    """A sentence, no error and no transfer."""
    number = office.bought(default_agent_id="agt_one")
    line, sid = PhoneLine(office), ""
    if how == "switched off":
        office.admin.patch(path_of(number), {"is_active": False})
    elif how == "of nobody":
        number = office.bought(office.platform, 101, account_id=office.platform_account)
        sid = office.platform_sid
    elif how == "being released":
        office.twilio.faults["delete"] = ["reset"]
        office.admin.delete(path_of(number))
    else:
        office.admin.patch(f"/api/voice/accounts/{office.account}", {"is_active": False})

    heard = line.call(number["phone_number"], account_sid=sid)

    assert (200, {}, "") == (heard.status, heard.relay, heard.dialled)
    assert "not in service" in heard.spoken
    assert 200 == line.hang_up(number["phone_number"], account_sid=sid).status
    assert not [item for item in office.everything() if item["sk"].startswith("CONVERSATION#")]


def test_an_administrators_edit_does_not_touch_a_running_call(office: Office) -> None:
    """It keeps what it began with; even when its number is given back meanwhile, it goes on and ends properly."""
    number = office.bought(default_agent_id="agt_one", greeting="Hello.", transfer_number="+15125550190")
    line = PhoneLine(office)
    begun = line.call(number["phone_number"])

    office.admin.patch(
        path_of(number), {"base_url": NEW_BASE, "language": "en-GB", "greeting": "Changed.", "is_active": False}
    )
    recovered = line.lose(number["phone_number"])
    assert 204 == office.admin.delete(path_of(number)).status
    again = line.call(number["phone_number"])
    recovered_again = line.lose(number["phone_number"])
    over = line.hang_up(number["phone_number"])

    assert begun.relay
    assert "en-GB" not in (recovered.relay.get("language"), recovered_again.relay.get("language"))
    assert recovered.relay
    assert recovered_again.relay
    assert "not in service" in again.spoken
    assert 200 == over.status


# -- whose they are ---------------------------------------------------------------------------------------------------


@pytest.mark.accept("B8")
@pytest.mark.accept("B9")
def test_a_number_of_the_platform_serves_an_organization(office: Office) -> None:
    """The organization sees it beside its own, may set it, and may neither release nor redirect nor own it."""
    own = office.bought()
    lent = office.bought(office.platform, 101, account_id=office.platform_account, organization_id=office.org)

    seen = office.admin.get(NUMBERS).json["numbers"]
    changed = office.admin.patch(path_of(lent), {"greeting": "Hello.", "default_agent_id": "agt_one"})
    heard = PhoneLine(office).call(lent["phone_number"], account_sid=office.platform_sid)

    assert {own["id"], lent["id"]} == {each["id"] for each in seen}
    assert (200, None) == (changed.status, changed.json["account_id"])
    assert "Hello." == heard.relay["welcomeGreeting"]
    shown = office.admin.get(path_of(lent)).json
    same = {name: shown[name] for name in ("base_url", "transfer_countries", "greeting", "relay", "agents")}
    assert 200 == office.admin.patch(path_of(lent), same).status
    assert 403 == office.admin.delete(path_of(lent)).status
    assert 403 == office.admin.patch(path_of(lent), {"base_url": NEW_BASE}).status
    assert 403 == office.admin.patch(path_of(lent), {"transfer_countries": ["JM"]}).status
    assert 403 == office.admin.patch(path_of(lent), {"organization_id": None}).status
    assert office.platform_account == office.platform.get(path_of(lent)).json["account_id"]


def test_the_platform_moves_a_number_of_its_account(office: Office) -> None:
    """From nobody to an organization and on to another; lists and agents go with it."""
    other = office.desk.organization("Other")
    number = office.bought(office.platform, 101, account_id=office.platform_account)

    taken = office.platform.patch(
        path_of(number), {"organization_id": office.org, "default_agent_id": "agt_one", "agents": ["agt_one"]}
    )
    foreign_agent = office.platform.patch(path_of(number), {"organization_id": other})
    moved = office.platform.patch(path_of(number), {"organization_id": other, "default_agent_id": None, "agents": []})

    assert (200, office.org) == (taken.status, taken.json["organization_id"])
    assert (400, {"default_agent_id", "agents"}) == (
        foreign_agent.status,
        {each["field"] for each in foreign_agent.json["error"]["details"]},
    )
    assert (200, other) == (moved.status, moved.json["organization_id"])
    assert [] == office.admin.get(NUMBERS).json["numbers"]
    assert [number["id"]] == [each["id"] for each in office.desk.admin(other).get(NUMBERS).json["numbers"]]
    assert 404 == office.admin.get(path_of(number)).status
    assert not [item for item in office.everything() if item["pk"].startswith("AGENT_NUMBERS#")]


def test_a_number_of_an_organizations_account_stays_its_own(office: Office) -> None:
    """Not even the platform lends it to another."""
    number = office.bought()
    other = office.desk.organization("Other")

    refused = office.platform.patch(path_of(number), {"organization_id": other})
    bought = office.buy(office.platform, 102, organization_id=other)

    assert [(409, "account_of_other_organization")] * 2 == [
        (refused.status, refused.code),
        (bought.status, bought.code),
    ]


def test_an_organization_that_is_not_there_gets_no_number(office: Office) -> None:
    """404, before anything is bought."""
    number = office.bought(office.platform, 101, account_id=office.platform_account)

    moved = office.platform.patch(path_of(number), {"organization_id": "org_none"})
    bought = office.buy(office.platform, 102, account_id=office.platform_account, organization_id="org_none")

    assert [404, 404] == [moved.status, bought.status]


# -- the pool ---------------------------------------------------------------------------------------------------------


@pytest.mark.accept("D6")
def test_the_pool_is_edited_without_touching_its_agents(office: Office) -> None:
    """Replaced, added to, taken from; the agents' own items stay as they are."""
    for name in ("agt_two", "agt_three"):
        office.agent(name)
    number = office.bought(default_agent_id="agt_one")
    before = [item for item in office.everything() if "AGENT#" in item["sk"]]
    pool = f"{path_of(number)}/agents"

    put = office.admin.put(pool, {"agents": ["agt_one", "agt_two"]})
    added = office.admin.post(pool, {"agent_id": "agt_three"})
    same = office.admin.post(pool, {"agent_id": "agt_three"})
    dropped = office.admin.delete(f"{pool}/agt_one")
    absent = office.admin.delete(f"{pool}/agt_one")
    unknown = office.admin.post(pool, {"agent_id": "agt_none"})
    outdated = office.admin.put(pool, {"agents": []}, headers={"If-Match": put.etag})

    assert ["agt_one", "agt_two", "agt_three"] == added.json["agents"] == same.json["agents"]
    assert (["agt_two", "agt_three"], added.etag) == (dropped.json["agents"], same.etag)
    assert (404, 400, 412) == (absent.status, unknown.status, outdated.status)
    assert {"agents": ["agt_two", "agt_three"]} == office.admin.get(pool).json
    after = [item for item in office.everything() if "AGENT#" in item["sk"]]
    assert sorted(before, key=str) == sorted(after, key=str)


def test_who_names_an_agent_is_known(office: Office) -> None:
    """As default or in the pool, until it does no more: so an agent in use is not removed."""
    office.agent("agt_two")
    number = office.bought(default_agent_id="agt_one", agents=["agt_two"])
    numbers = Numbers(Table(office.desk.aws.client("dynamodb"), office.desk.aws.table))

    naming = [numbers.naming(office.org, each) for each in ("agt_one", "agt_two", "agt_none")]
    office.admin.put(f"{path_of(number)}/agents", {"agents": []})

    assert [[number["phone_number"]], [number["phone_number"]], []] == naming
    assert [] == numbers.naming(office.org, "agt_two")


def test_an_agent_that_goes_at_this_moment_is_not_named(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was there when it was looked for, and is gone when the number is written: the change is tried again."""
    office.agent("agt_two")
    number = office.bought()
    directory = type(office.desk.purchases._settings._agents)
    original = directory.get

    def vanishing(self: Any, organization_id: str, agent_id: str, version: int | None = None) -> Any:
        found = original(self, organization_id, agent_id, version)
        key = {"pk": {"S": f"ORG#{office.org}"}, "sk": {"S": "AGENT#agt_two"}}
        office.desk.aws.client("dynamodb").delete_item(TableName=office.desk.aws.table, Key=key)
        return found

    monkeypatch.setattr(directory, "get", vanishing)
    refused = office.admin.patch(path_of(number), {"default_agent_id": "agt_two"})

    assert (400, "default_agent_id") == (refused.status, refused.json["error"]["details"][0]["field"])


# -- lists ------------------------------------------------------------------------------------------------------------


def test_a_page_costs_the_same_however_many_there_are(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand numbers of an organization: each page takes one query and as many reads as its own size asks."""
    _load(office, 10_000)
    asked: list[str] = []
    for name in ("query", "batch_get_item"):
        _counting(monkeypatch, office, name, asked)
    pages, cursor = [], None

    for _ in range(3):
        asked.clear()
        query = {"limit": 50, **({"cursor": cursor} if cursor else {})}
        answer = office.admin.get(NUMBERS, query=query)
        assert 200 == answer.status, answer.text
        pages.append((len(answer.json["numbers"]), sorted(asked)))
        cursor = answer.json["next_cursor"]

    assert [(50, ["batch_get_item", "batch_get_item", "query"])] * 3 == pages
    last = office.admin.get(NUMBERS, query={"limit": 50, "cursor": _cursor_near_the_end(office)})
    assert (50, None) == (len(last.json["numbers"]), last.json["next_cursor"])


def _counting(monkeypatch: pytest.MonkeyPatch, office: Office, name: str, asked: list[str]) -> None:
    del office
    original = getattr(Table, "page" if name == "query" else "get_many")

    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        client = self._client
        method = getattr(client, name)

        def request(**arguments: Any) -> Any:
            asked.append(name)
            return method(**arguments)

        setattr(client, name, request)
        try:
            return original(self, *args, **kwargs)
        finally:
            delattr(client, name)

    monkeypatch.setattr(Table, "page" if name == "query" else "get_many", counted)


def _load(office: Office, count: int) -> None:
    """Numbers by the thousand, written as the store would."""
    account = office.item(f"ACCOUNT#{office.account}")
    assert account
    client, table = office.desk.aws.client("dynamodb", parameter_validation=False), office.desk.aws.table
    items: list[dict[str, Any]] = []
    for i in range(count):
        attributes = {"is_active": True, "routing_mode": "fixed", "default_agent_id": None}
        item = store.new_item(
            f"num_{i:06d}",
            f"+1512{2_000_000 + i}",
            account,
            office.org,
            0,
            state="active",
            attributes=attributes,
            doc={},
        )
        wanted = ("NUMBER#", f"LIST#numbers#{office.org}")
        items += [each for each in store.everything(item) if each["pk"].startswith(wanted)]
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": codec.dump_item(each)}} for each in items[start : start + 25]]
        client.batch_write_item(RequestItems={table: puts})


def _cursor_near_the_end(office: Office) -> str:
    return Cursors(lambda: RELAY_KEY).make(f"numbers#{office.org}", "num_009949")


def test_the_countries_an_account_calls_are_known(office: Office) -> None:
    """The connection test asks Twilio about each of them."""
    office.bought(transfer_number="+15125550190")
    office.bought(None, 101, transfer_number="+442071838750", transfer_countries=["GB"])
    office.twilio.countries["GB"] = False

    answer = office.admin.post(f"/api/voice/accounts/{office.account}/test")

    told = {each["check"]: each["status"] for each in answer.json["connection"]["findings"]}
    assert ("ok", "warning") == (told["geography US"], told["geography GB"])


@pytest.mark.accept("E12")
def test_every_pair_of_providers_is_listed(office: Office) -> None:
    """With the languages both know, and where that is known from."""
    answer = office.admin.get("/api/voice/languages")

    assert (200, 6) == (answer.status, len(answer.json["languages"]))
    assert language_table() == answer.json


def test_numbers_loaded_without_the_api_can_be_shown(office: Office) -> None:
    """What the store calls everything is enough to find, list and answer a number."""
    account = office.item(f"ACCOUNT#{office.account}")
    assert account
    attributes = {"is_active": True, "routing_mode": "fixed", "default_agent_id": "agt_one"}
    item = store.new_item(
        "num_demo", "+15125550100", account, office.org, 0, state="active", attributes=attributes, doc={"name": "Demo"}
    )
    for each in store.everything(item):
        office.put(each)

    assert "Demo" == office.admin.get(f"{NUMBERS}/num_demo").json["name"]
    assert ["num_demo"] == [each["id"] for each in office.admin.get(NUMBERS).json["numbers"]]
    assert number_from_item(item).is_active
