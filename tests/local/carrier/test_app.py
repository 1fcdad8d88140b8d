"""The carrier as a web application: the phone page's interface. Its REST side is tested in rest/."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from websockets.asyncio.server import serve

from local.carrier.app import build_carrier
from tests.local.carrier.fake_app import BASE_URL, BRISK, LINE, FakeApp, answer_politely

RUN = {
    "public_base_url": BASE_URL,
    "accounts": [{"id": "acc_1", "account_sid": LINE.account_sid, "auth_token": LINE.auth_token}],
    "numbers": [{"id": "num_1", "phone_number": LINE.to_number, "account_id": "acc_1", "routing_mode": "fixed"}],
}


@dataclass
class House:
    """A carrier, an application it calls, and a client of the carrier."""

    app: FakeApp
    carrier: Starlette
    client: httpx.AsyncClient

    async def place(self) -> str:
        answer = await self.client.post("/calls", json={"to": LINE.to_number})
        call_id: str = answer.json()["id"]
        await self.carrier.state.exchange.calls[call_id].answered()
        return call_id


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """A whole small world, torn down in order."""
    app = FakeApp(answer_politely)
    server = await serve(app._serve, "127.0.0.1", 0)
    app.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/relay?token=secret-token"
    carrier = build_carrier(RUN, manners=BRISK)
    exchange = carrier.state.exchange
    exchange._http[False] = httpx.AsyncClient(transport=httpx.MockTransport(app._answer))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(carrier), base_url="http://carrier") as client:
        yield House(app, carrier, client)
        await exchange.close()
    server.close()
    await server.wait_closed()


async def test_the_page_learns_the_numbers(house: House) -> None:
    """Numbers come from the local run's document; no account's token does."""
    answer = await house.client.get("/numbers")

    assert [LINE.to_number] == [each["phone_number"] for each in answer.json()["numbers"]]
    assert LINE.auth_token not in answer.text


async def test_a_call_from_the_page(house: House) -> None:
    """Place, speak, press, hang up: the event stream tells it all, without the relay token."""
    call_id = await house.place()
    await house.client.post(f"/calls/{call_id}/say", json={"text": "Hello"})
    await house.carrier.state.exchange.calls[call_id].reply()
    await house.client.post(f"/calls/{call_id}/press", json={"digits": "1#"})
    await house.client.post(f"/calls/{call_id}/hangup")

    stream = await house.client.get(f"/calls/{call_id}/events")
    events = [json.loads(line.removeprefix("data: ")) for line in stream.text.splitlines() if line.startswith("data:")]
    kinds = {event["kind"] for event in events}
    assert {"webhook", "twiml", "connect", "frame_in", "frame_out", "agent_word", "caller", "digit", "ended"} <= kinds
    assert "token=***" in stream.text
    assert "secret-token" not in stream.text


async def test_the_event_stream_goes_on_where_it_broke_off(house: House) -> None:
    """Last-Event-ID skips what the page has seen."""
    call_id = await house.place()
    await house.client.post(f"/calls/{call_id}/hangup")
    whole = await house.client.get(f"/calls/{call_id}/events")
    rest = await house.client.get(f"/calls/{call_id}/events", headers={"Last-Event-ID": "3"})

    assert whole.text.partition("id: 4\n")[2] == rest.text.removeprefix("id: 4\n")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/calls", {"to": "12"}, 400),
        ("/calls", {"to": "+15125550777"}, 404),
        ("/calls", {"to": LINE.to_number, "from": "nobody"}, 400),
        ("/calls", [], 400),
        ("/calls/CAx/say", {"text": "hi"}, 404),
    ],
)
async def test_refusals_have_one_shape(house: House, path: str, body: Any, status: int) -> None:
    """Whatever is wrong, the answer is an error object with code and message."""
    answer = await house.client.post(path, json=body)

    assert status == answer.status_code
    assert {"code", "message"} == set(answer.json()["error"])


@pytest.mark.parametrize(("name", "body"), [("say", {"text": " "}), ("press", {"digits": "12a"}), ("press", {})])
async def test_what_the_caller_cannot_do_is_refused(house: House, name: str, body: dict[str, str]) -> None:
    """Empty words and keys no phone has."""
    call_id = await house.place()

    answer = await house.client.post(f"/calls/{call_id}/{name}", json=body)

    assert 400 == answer.status_code


async def test_a_call_that_is_over_takes_no_more_words(house: House) -> None:
    """Speaking after hanging up is a conflict."""
    call_id = await house.place()
    await house.client.post(f"/calls/{call_id}/hangup")
    await house.carrier.state.exchange.calls[call_id].ended()

    answer = await house.client.post(f"/calls/{call_id}/say", json={"text": "Hello?"})

    assert 409 == answer.status_code
