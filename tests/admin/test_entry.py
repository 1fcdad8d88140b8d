"""What the function is invoked with: a batch of messages is looked at, anything else is a request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfold.log import Log
from ringfold_admin.entry import Entry
from tests.admin.numbers_desk import Office


class Purchases:
    def __init__(self) -> None:
        self.looked: list[str] = []

    def reconcile(self, number_id: str) -> str:
        if number_id == "num_bad":
            raise RuntimeError("nobody may read this text")
        self.looked.append(number_id)
        return "bought"


def batch(*bodies: object) -> dict[str, Any]:
    return {"Records": [{"messageId": f"m{i}", "body": json.dumps(body)} for i, body in enumerate(bodies)]}


def test_one_bad_message_does_not_stop_the_others() -> None:
    """Only what failed comes again; the log says what was done, and no stranger's text."""
    lines: list[str] = []
    purchases: Any = Purchases()
    unused: Any = None
    entry = Entry(unused, purchases, Log("INFO", lines.append))

    answer = entry.handle(
        batch({"number_id": "num_1"}, {"number_id": "num_bad"}, {"other": 1}, {"number_id": "num_2"}), None
    )

    assert {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]} == answer
    assert ["num_1", "num_2"] == purchases.looked
    told = [json.loads(line) for line in lines]
    assert [("INFO", "bought"), ("ERROR", None), ("ERROR", None), ("INFO", "bought")] == [
        (line["level"], line.get("outcome")) for line in told
    ]
    assert "nobody may read" not in "".join(lines)


@pytest.mark.accept("C11")
def test_a_purchase_cut_short_is_finished_by_its_message(office: Office) -> None:
    """Twilio has sold the number, nobody wrote it down, and nobody asked again: the message does it."""
    office.twilio.faults = {"create": ["lost"], "list": ["reset"]}
    number_id = office.buy().json["error"]["details"][0]["number_id"]
    lines: list[str] = []
    entry = Entry(office.desk.api, office.desk.purchases, Log("INFO", lines.append))
    office.clock.pass_s(90)

    answer = entry.handle(batch({"number_id": number_id}, {"number_id": "num_gone"}), None)

    assert {"batchItemFailures": []} == answer
    assert ["bought", "nothing"] == [json.loads(line)["outcome"] for line in lines]
    assert "active" == office.admin.get(f"/api/voice/numbers/{number_id}").json["state"]


def test_a_request_is_served_by_the_api(office: Office) -> None:
    """Whatever is no batch."""
    entry = Entry(office.desk.api, office.desk.purchases, Log("INFO", lambda _: None))
    about = {"http": {"method": "GET", "path": "/api/openapi.json"}, "stage": "$default"}

    answer = entry.handle(
        {
            "version": "2.0",
            "rawPath": "/api/openapi.json",
            "rawQueryString": "",
            "headers": {},
            "requestContext": about,
            "isBase64Encoded": False,
        },
        None,
    )

    assert 200 == answer["statusCode"]
