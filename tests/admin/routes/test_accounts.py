"""`/api/voice/accounts`: Twilio accounts of the platform and of organizations."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ringfold.adapters.directory import Directory
from ringfold.adapters.secrets import Secrets
from ringfold.core.ids import AccountId
from ringfold_admin.principal import Principal, Role
from ringfold_admin.stores.accounts import account_numbers_pk
from ringfold_admin.stores.table import Table
from tests.admin.desk import Answer, Desk
from tests.admin.numbers_desk import Office, at_once, principal_of
from tests.admin.twilio import Twilio

PATH = "/api/voice/accounts"
SID, OTHER_SID = "AC" + "1" * 32, "AC" + "2" * 32
TOKEN, NEWER = "auth-token-of-this-test", "newer-token-of-this-test"


def account(**more: Any) -> dict[str, Any]:
    return {"name": "Acme", "account_sid": SID, "auth_token": TOKEN, **more}


def tokens(desk: Desk, account_id: str) -> tuple[str, ...]:
    """What the webhooks would accept now."""
    reader = Secrets(desk.aws.client("secretsmanager"), prefix=f"/ringfold/{desk.aws.table}/", relay_key_id="none")
    return reader.account(AccountId(account_id)).auth_tokens


def findings(answer: Answer) -> dict[str, str]:
    return {each["check"]: each["status"] for each in answer.json["connection"]["findings"]}


@pytest.mark.accept("B1", "B10")
def test_the_platform_adds_its_account(desk: Desk) -> None:
    """The webhooks find it by its SID, with its token; times are there."""
    made = desk.platform.post(PATH, account(scope="platform", base_url="https://voice.example.com"))

    shown = made.json
    assert (201, "platform", None, SID, True) == (
        made.status,
        shown["scope"],
        shown["organization_id"],
        shown["account_sid"],
        shown["is_active"],
    )
    assert shown["created_at"] == shown["updated_at"]
    known = Directory(desk.aws.client("dynamodb"), desk.aws.table).account(AccountId(shown["id"]))
    assert known is not None
    assert (SID, None, "https://voice.example.com", True) == (
        known.account_sid,
        known.organization_id,
        known.base_url,
        known.is_active,
    )
    assert (TOKEN,) == tokens(desk, shown["id"])


@pytest.mark.accept("B2")
def test_an_organization_brings_its_own(desk: Desk) -> None:
    """Bound to it, whoever of the two adds it."""
    own, other = desk.organization("Own"), desk.organization("Other")

    mine = desk.admin(own).post(PATH, account())
    theirs = desk.platform.post(PATH, account(account_sid=OTHER_SID, organization_id=other))

    assert ("organization", own) == (mine.json["scope"], mine.json["organization_id"])
    assert ("organization", other) == (theirs.json["scope"], theirs.json["organization_id"])
    assert 404 == desk.platform.post(PATH, account(organization_id="org_nowhere")).status
    assert 404 == desk.admin(own).post(PATH, account(organization_id=other)).status
    assert 403 == desk.admin(own).post(PATH, account(scope="platform")).status
    assert 403 == desk.viewer(own).post(PATH, account()).status


@pytest.mark.accept("B3", "H13")
def test_lists_show_what_the_scope_may_see(desk: Desk) -> None:
    """The platform all, an organization its own, and nothing of the platform's."""
    own, other = desk.organization("Own"), desk.organization("Other")
    root = desk.platform
    ids = {
        "platform": root.post(PATH, account(scope="platform")).json["id"],
        "own": root.post(PATH, account(organization_id=own, account_sid=OTHER_SID)).json["id"],
        "other": root.post(PATH, account(organization_id=other, account_sid="AC" + "3" * 32)).json["id"],
    }

    def listed(who: Desk, **query: str) -> set[str]:
        return {each["id"] for each in who.get(PATH, query=query).json["accounts"]}

    assert set(ids.values()) == listed(root)
    assert {ids["own"]} == listed(root, organization_id=own) == listed(desk.admin(own)) == listed(desk.viewer(own))
    assert 404 == desk.admin(own).get(PATH, query={"organization_id": other}).status
    foreign = [desk.admin(own).get(f"{PATH}/{ids[name]}") for name in ("platform", "other")]
    assert [404, 404] == [each.status for each in foreign]
    assert foreign[0].json == desk.admin(own).get(f"{PATH}/acc_nowhere").json


@pytest.mark.accept("B4", "B13")
def test_no_answer_log_or_trail_shows_a_token(desk: Desk, twilio: Twilio) -> None:
    """Whatever is done with an account; the trail says that it changed, by whom, and no more."""
    root = desk.platform
    twilio.tokens[SID] = [TOKEN]
    key = {"api_key_sid": "SK" + "4" * 32, "api_key_secret": "the-secret-of-the-key"}
    made = root.post(PATH, account(scope="platform"))
    one = f"{PATH}/{made.json['id']}"

    answers = [made, root.get(one), root.post(f"{one}/test"), root.patch(one, {"auth_token": NEWER, **key})]
    answers += [root.patch(one, {"auth_token": ""}), root.get(PATH), root.get("/api/audit"), root.delete(one)]

    told = "\n".join([*(str(each.headers) + each.text for each in answers), *desk.lines])
    assert not [secret for secret in (TOKEN, NEWER, "the-secret-of-the-key") if secret in told]
    actions = {each["action"]: each["changes"] for each in answers[6].json["entries"]}
    assert {"changed": True} == actions["account.update"]["auth_token"]
    assert [200, 200, 200, 400, 200, 200, 204] == [each.status for each in answers[1:]]


@pytest.mark.accept("B12")
def test_a_new_token_is_accepted_beside_the_old_one(desk: Desk) -> None:
    """Until the old one is dropped; nothing is deployed for it."""
    root = desk.platform
    made = root.post(PATH, account(scope="platform"))
    account_id, one = made.json["id"], f"{PATH}/{made.json['id']}"

    changed = root.patch(one, {"auth_token": NEWER})
    both = tokens(desk, account_id)
    again = root.patch(one, {"auth_token": NEWER})
    dropped = root.patch(one, {"secondary_token": None})

    assert (NEWER, TOKEN) == both
    assert (True, True, False) == (
        changed.json["has_secondary_token"],
        again.json["has_secondary_token"],
        dropped.json["has_secondary_token"],
    )
    assert (NEWER,) == tokens(desk, account_id)


@pytest.mark.accept("B12")
def test_tokens_are_rotated_at_twilio(desk: Desk, twilio: Twilio) -> None:
    """A secondary is made, accepted here, promoted there; both stay accepted."""
    twilio.tokens[SID] = [TOKEN]
    made = desk.platform.post(PATH, account(scope="platform"))
    account_id = made.json["id"]

    rotated = desk.platform.post(f"{PATH}/{account_id}/rotate")

    assert (200, True) == (rotated.status, rotated.json["has_secondary_token"])
    assert ("secondary-token-number-1", TOKEN) == tokens(desk, account_id)
    assert ["secondary-token-number-1"] == twilio.tokens[SID]


@pytest.mark.parametrize("where", ["/AuthTokens/Secondary", "/AuthTokens/Promote"])
@pytest.mark.accept("B12")
def test_a_rotation_that_was_cut_short_goes_on(desk: Desk, twilio: Twilio, where: str) -> None:
    """Whatever Twilio has done of it by then, the account can be used before, between and after."""
    twilio.tokens[SID] = [TOKEN]
    account_id = desk.platform.post(PATH, account(scope="platform")).json["id"]
    twilio.faults[("POST", where)] = "drop"
    if where.endswith("Secondary"):
        twilio.secondary[SID] = "lost-on-the-way"

    broken = desk.platform.post(f"{PATH}/{account_id}/rotate")
    between = tokens(desk, account_id)
    twilio.faults.clear()
    rotated = desk.platform.post(f"{PATH}/{account_id}/rotate")

    assert (504, "twilio_unreachable", 200) == (broken.status, broken.code, rotated.status)
    assert TOKEN == between[0]
    assert twilio.tokens[SID][0] == tokens(desk, account_id)[0]
    assert TOKEN == tokens(desk, account_id)[1]


def test_a_promotion_nobody_heard_of_is_found_out(desk: Desk, twilio: Twilio) -> None:
    """Twilio had promoted the other token: it is put in front, and rotated on from there."""
    twilio.tokens[SID] = [NEWER]
    account_id = desk.platform.post(PATH, account(scope="platform")).json["id"]
    desk.platform.patch(f"{PATH}/{account_id}", {"secondary_token": NEWER})

    rotated = desk.platform.post(f"{PATH}/{account_id}/rotate")

    assert 200 == rotated.status
    assert ("secondary-token-number-1", NEWER) == tokens(desk, account_id)


@pytest.mark.accept("B11")
def test_a_connection_that_works_says_what_was_looked_at(desk: Desk, twilio: Twilio) -> None:
    """And what nobody can look at; it is kept with the account."""
    twilio.tokens[SID] = [TOKEN]
    one = f"{PATH}/{desk.platform.post(PATH, account(scope='platform')).json['id']}"

    tested = desk.platform.post(f"{one}/test")

    assert tested.json["connection"]["ok"] is True
    expected = {
        "credentials": "ok",
        "status": "ok",
        "trial": "ok",
        "conversation_relay": "unknown",
        "geography US": "ok",
    }
    assert expected == findings(tested)
    assert tested.json == desk.platform.get(one).json


@pytest.mark.accept("B11", "A15")
@pytest.mark.parametrize(
    ("fault", "check", "word"),
    [
        ("bad token", "credentials", "refuses the credentials"),
        ("suspended", "status", "Reactivate"),
        ("trial", "trial", "Upgrade"),
        ("geography", "geography US", "Geo permissions"),
        ("down", "credentials", "did not answer"),
        ("no secret", "credentials", "auth_token"),
    ],
)
def test_what_does_not_work_is_told_with_its_cure(
    desk: Desk, twilio: Twilio, fault: str, check: str, word: str
) -> None:
    """In words an administrator can act on."""
    twilio.tokens[SID] = ["another-token"] if fault == "bad token" else [TOKEN]
    twilio.states[SID] = "suspended" if fault == "suspended" else "active"
    twilio.kinds[SID] = "Trial" if fault == "trial" else "Full"
    twilio.blocked = {"US"} if fault == "geography" else set()
    if fault == "down":
        twilio.faults[("GET", ".json")] = "drop"
    made = desk.platform.post(PATH, account(scope="platform")).json["id"]
    if fault == "no secret":
        name = f"/ringfold/{desk.aws.table}/accounts/{made}/twilio"
        desk.aws.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)

    tested = desk.platform.post(f"{PATH}/{made}/test")

    found = next(each for each in tested.json["connection"]["findings"] if each["check"] == check)
    assert word in found["cure"]
    assert ("warning" if fault == "geography" else "failed") == found["status"]
    assert tested.json["connection"]["ok"] is (fault == "geography")


def test_an_api_key_asks_and_the_token_verifies(desk: Desk, twilio: Twilio) -> None:
    """REST requests are made with the key, where there is one."""
    key_sid, secret = "SK" + "4" * 32, "the-secret-of-the-key"
    twilio.tokens[SID] = [TOKEN]
    made = desk.platform.post(PATH, account(scope="platform", api_key_sid=key_sid, api_key_secret=secret))

    tested = desk.platform.post(f"{PATH}/{made.json['id']}/test")
    half = desk.platform.patch(f"{PATH}/{made.json['id']}", {"api_key_secret": None})

    assert key_sid == made.json["api_key_sid"]
    assert {"credentials": "failed"} == findings(tested)  # the stand-in knows no keys: it was asked with one
    assert (400, "api_key_secret") == (half.status, half.json["error"]["details"][0]["field"])
    assert (TOKEN,) == tokens(desk, made.json["id"])


def test_a_twilio_account_is_added_once(office: Office) -> None:
    """Also by three at the same moment; the losers leave nothing behind."""
    service = office.crew().account_service
    platform = Principal("user-platform", Role.PLATFORM_ADMIN)
    askers = [(platform, {"scope": "platform"}), (principal_of(office.org), {}), (platform, {})]
    before = {each["id"] for each in office.platform.get(PATH).json["accounts"]}

    outcomes = at_once(*(partial(service.create, who, account(**more)) for who, more in askers))

    refused = [problem for status, problem in outcomes if status != 200]
    assert [(409, "account_exists")] * 2 == [(each.status, each.code) for each in refused]
    made = {each["id"] for each in office.platform.get(PATH).json["accounts"]} - before
    assert 1 == len(made)
    pages = office.desk.aws.client("secretsmanager").get_paginator("list_secrets").paginate()
    secrets = [each for page in pages for each in page["SecretList"]]
    prefix = f"/ringfold/{office.desk.aws.table}/accounts/"
    assert made | before == {
        each["Name"].removeprefix(prefix).partition("/")[0] for each in secrets if each["Name"].startswith(prefix)
    }


def test_an_account_is_switched_off_and_on(desk: Desk) -> None:
    """What the voice webhook reads."""
    made = desk.platform.post(PATH, account(scope="platform"))
    one, directory = f"{PATH}/{made.json['id']}", Directory(desk.aws.client("dynamodb"), desk.aws.table)

    desk.platform.patch(one, {"is_active": False})
    off = directory.account(AccountId(made.json["id"]))
    desk.platform.patch(one, {"is_active": True})
    on = directory.account(AccountId(made.json["id"]))

    assert off is not None
    assert on is not None
    assert (False, True) == (off.is_active, on.is_active)


@pytest.mark.accept("B4")
def test_a_removed_account_takes_its_secret_along(desk: Desk) -> None:
    """Its SID may be added again; while numbers belong to it, it stays as it was."""
    root = desk.platform
    made = root.post(PATH, account(scope="platform"))
    account_id, one = made.json["id"], f"{PATH}/{made.json['id']}"
    table = Table(desk.aws.client("dynamodb"), desk.aws.table)
    table.put({"pk": account_numbers_pk(account_id), "sk": "num_1"})

    kept = root.delete(one)
    as_before = root.get(one)
    desk.aws.client("dynamodb").delete_item(
        TableName=desk.aws.table, Key={"pk": {"S": account_numbers_pk(account_id)}, "sk": {"S": "num_1"}}
    )
    removed = root.delete(one)

    assert (409, "account_in_use", 200, 204, 404) == (
        kept.status,
        kept.code,
        as_before.status,
        removed.status,
        root.get(one).status,
    )
    assert 201 == root.post(PATH, account(scope="platform")).status


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"account_sid": "SK" + "1" * 32}, "account_sid"),
        ({"account_sid": None}, "account_sid"),
        ({"auth_token": "short"}, "auth_token"),
        ({"auth_token": "with a blank in it, which none has"}, "auth_token"),
        ({"name": ""}, "name"),
        ({"base_url": "voice.example.com"}, "base_url"),
        ({"base_url": "https://voice.example.com/"}, "base_url"),
        ({"secret_arn": "arn:aws:x"}, "secret_arn"),
        ({"id": "acc_mine"}, "id"),
        ({"scope": "platform", "organization_id": "org_a"}, "organization_id"),
        ({"api_key_sid": "SK" + "1" * 32}, "api_key_secret"),
    ],
)
def test_what_cannot_be_meant_names_its_field(desk: Desk, wrong: dict[str, Any], field: str) -> None:
    """Nothing is stored; what was sent is not repeated."""
    refused = desk.platform.post(PATH, account(**wrong))

    assert (400, "invalid_request") == (refused.status, refused.code)
    assert field in {each["field"] for each in refused.json["error"]["details"]}
    assert TOKEN not in refused.text
    assert [] == desk.platform.get(PATH).json["accounts"]


def test_an_account_stays_the_twilio_account_it_is(desk: Desk) -> None:
    """Its SID and its owner are for good."""
    made = desk.platform.post(PATH, account(scope="platform"))
    one = f"{PATH}/{made.json['id']}"

    same, other = desk.platform.patch(one, {"account_sid": SID}), desk.platform.patch(one, {"account_sid": OTHER_SID})

    assert (200, 409, "account_sid_fixed") == (same.status, other.status, other.code)
    assert 400 == desk.platform.patch(one, {"organization_id": "org_a"}).status


def test_two_patches_at_once_are_both_kept(office: Office) -> None:
    """Each changes its own field; neither is lost."""
    service, admin = office.crew().account_service, principal_of(office.org)
    changes: list[dict[str, Any]] = [{"name": "New"}, {"is_active": False}, {"base_url": "https://voice.example.com"}]

    outcomes = at_once(*(partial(service.change, admin, office.account, each, None) for each in changes))

    shown = office.admin.get(f"{PATH}/{office.account}").json
    assert [200, 200, 200] == [status for status, _ in outcomes]
    assert ("New", False, "https://voice.example.com") == (shown["name"], shown["is_active"], shown["base_url"])
