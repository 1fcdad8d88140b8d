"""Twilio's SDK against the running system: a number that is bought there can be called."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from twilio.rest import Client

from tests.e2e.system import System
from tests.twilio_client import RebasedHttpClient, client_of

pytestmark = pytest.mark.slow

NUMBER = "+17375550140"


@pytest.fixture
def sdk(system: System) -> Iterator[Client]:
    """The SDK as the first account that the run published."""
    account = system.run["accounts"][0]
    http = RebasedHttpClient(system.run["carrier_url"])
    yield client_of(http, account["account_sid"], account["auth_token"])
    http.close()


async def test_a_bought_number_reaches_the_system(system: System, sdk: Client) -> None:
    """It is called at the URL it was bought with; the system, which does not serve it yet, answers politely."""
    base = system.run["public_base_url"]
    hooks = {"voice_url": f"{base}/api/voice/incoming", "status_callback": f"{base}/api/voice/status"}
    number = await asyncio.to_thread(sdk.incoming_phone_numbers.create, phone_number=NUMBER, **hooks)
    async with httpx.AsyncClient(base_url=f"{base}/local/carrier", trust_env=False, timeout=30) as page:
        numbers = (await page.get("/numbers")).json()["numbers"]
        call_sid = (await page.post("/calls", json={"to": NUMBER})).json()["id"]
        happened = (await page.get(f"/calls/{call_sid}/events")).text
        call = await asyncio.to_thread(sdk.calls(call_sid).fetch)
        await asyncio.to_thread(number.delete)
        gone = await page.post("/calls", json={"to": NUMBER})

    assert NUMBER in [each["phone_number"] for each in numbers]
    assert f'"url": "{hooks["voice_url"]}"' in happened
    assert "<Say" in happened
    assert '"kind": "violation"' not in happened
    assert ("completed", number.sid) == (call.status, call.phone_number_sid)
    assert 404 == gone.status_code
