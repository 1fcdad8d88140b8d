"""Texts through the whole running system: webhook, table, stream, queue, model, Twilio's REST API, reports."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import pytest

from tests.e2e.system import System, running_system
from tests.twilio_spec import load_spec, needs_spec

pytestmark = pytest.mark.slow

NUMBER = "+15125550100"
PEOPLE = count(1)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose Twilio nobody else treats badly."""
    with running_system(tmp_path_factory.mktemp("texts")) as running:
        yield running


@pytest.fixture
def person(system: System) -> Iterator[Person]:
    """Somebody new with a phone; afterwards everything behaves again."""
    yield Person(system, f"+1512555{next(PEOPLE):04d}"[:12])
    system.settle()
    system.put("/local/carrier/messages/manners", {})
    httpx.delete(system.url + "/local/carrier/rest/faults", timeout=10, trust_env=False)


class Person:
    def __init__(self, system: System, number: str) -> None:
        self.system, self.number = system, number

    def write(self, body: str, **more: Any) -> dict[str, Any]:
        fields = {"to": NUMBER, "from": self.number, "body": body, **more}
        answer = httpx.post(f"{self.system.url}/local/carrier/messages", json=fields, timeout=60, trust_env=False)
        found: dict[str, Any] = answer.raise_for_status().json()
        return found

    def texts(self, contact: str = "") -> list[dict[str, Any]]:
        query = {"number": NUMBER, "contact": contact or self.number}
        answer = httpx.get(f"{self.system.url}/local/carrier/messages", params=query, timeout=10, trust_env=False)
        return list(answer.json()["messages"])

    def replies(self, contact: str = "") -> list[dict[str, Any]]:
        return [each for each in self.texts(contact) if each["direction"] == "outbound-api"]

    def wait_for(self, many: int = 1, *, status: str = "", within_s: float = 30.0) -> list[dict[str, Any]]:
        """The replies, once there are so many (and have come so far)."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            found = self.replies()
            if len(found) >= many and (not status or found[-1]["status"] == status):
                return found
            time.sleep(0.1)
        raise AssertionError(f"no {many} replies of status {status!r}: {self.texts()}")


def violations(system: System) -> list[dict[str, Any]]:
    found = httpx.get(system.url + "/local/traffic", params={"kind": "violation"}, timeout=10, trust_env=False)
    return [each for each in found.json().get("events", []) if each.get("kind") == "violation"]


@pytest.mark.accept("A1", "A2", "A10", "A11", "G1")
def test_a_text_is_answered_with_what_the_tools_know(person: Person) -> None:
    """The agent of the calls, its tools, its reservation; the delivery is reported and kept."""
    person.write("Hi, my reservation is ABC123. Is my flight delayed?")

    (reply,) = person.wait_for(status="delivered")

    assert "OWL-101" in reply["body"]
    assert "delay" in reply["body"].lower()
    assert "**" not in reply["body"]


@pytest.mark.accept("A17")
def test_ten_texts_in_a_second_get_one_answer(person: Person) -> None:
    """At once, from one person; every one of them is read."""
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda n: person.write(f"Question {n}: my code is ABC123"), range(10)))

    person.wait_for(status="delivered")
    time.sleep(3)

    assert 1 <= len(person.replies()) <= 2


@pytest.mark.accept("A17")
def test_many_people_at_once_are_each_answered_once(system: System, person: Person) -> None:
    """Forty, each in a thread of their own."""
    people = [Person(system, f"+1737555{n:04d}") for n in range(40)]
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda each: each.write("Hello there"), people))

    for each in people:
        each.wait_for(within_s=90)
    time.sleep(2)

    assert {1} == {len(each.replies()) for each in people}


@pytest.mark.accept("A18")
def test_stop_is_honoured_and_start_lifts_it(person: Person) -> None:
    """Nothing of ours is sent in between; Twilio itself answers the keywords."""
    person.write("STOP")
    person.write("Are you there?")
    time.sleep(4)
    assert [] == person.replies()

    person.write("START")
    person.write("Are you there?")

    assert 1 == len(person.wait_for())


@pytest.mark.parametrize("fault", ["error", "limit", "reset_processed"])
def test_a_twilio_that_fails_once_still_gets_one_reply_out(person: Person, fault: str) -> None:
    """500, 429, and an answer that is lost when the text was sent already."""
    rule = {"fault": fault, "resource": "Messages", "method": "POST", "times": 1}
    person.system.put("/local/carrier/rest/faults", {"faults": [rule]})

    person.write("Hello")
    found = person.wait_for(within_s=60)
    time.sleep(2)

    assert 1 == len(person.replies()), found


@pytest.mark.accept("A11")
def test_reports_in_the_wrong_order_do_no_harm(person: Person) -> None:
    """Each report is answered, whatever it says."""
    person.system.put("/local/carrier/messages/manners", {"reports": "reversed"})

    person.write("Hello")

    person.wait_for(status="delivered")


@pytest.mark.accept("A20")
def test_whatsapp_works_the_same_way(person: Person) -> None:
    """Through the same path, answered on WhatsApp."""
    person.number = f"whatsapp:{person.number}"
    person.write("Hello", to=f"whatsapp:{NUMBER}")

    until = time.monotonic() + 30
    while not (found := [t for t in person.texts(person.number) if t["direction"] == "outbound-api"]):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert f"whatsapp:{NUMBER}" == found[0]["from"]


@pytest.mark.accept("N1")
def test_a_dead_model_still_answers_honestly(person: Person) -> None:
    """One sentence, once."""
    person.system.put("/local/model/behaviour", {"fault": "error", "exception": "ThrottlingException", "times": None})

    person.write("Hello")
    (reply,) = person.wait_for(within_s=60)

    assert "can't answer right now" in reply["body"]


@needs_spec
@pytest.mark.accept("A2")
def test_every_request_for_texts_is_one_that_twilio_describes(system: System) -> None:
    """Judged on the wire, after all of the above."""
    spec = load_spec()
    answer = httpx.get(system.url + "/local/carrier/rest/requests", timeout=10, trust_env=False)
    requests = [each for each in answer.json()["requests"] if each["resource"] == "Messages"]

    wrong = [
        problem
        for each in requests
        for problem in spec.request_problems(
            each["method"], each["path"], each["query"], each["form"], each["content_type"]
        )
    ]

    assert {"GET", "POST"} == {each["method"] for each in requests}
    assert [] == wrong
