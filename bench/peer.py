"""A small peer that plays Twilio's side over real sockets: for the benchmarks, and quick enough not to be measured.

It shares nothing with the local carrier on purpose: two readings of the same contract.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent


def sign(url: str, params: Mapping[str, str], token: str) -> str:
    """Twilio's signature: HMAC-SHA1 over the URL and the sorted parameters."""
    text = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


@dataclass
class Line:
    """A number of the running system, and its account's credentials."""

    base_url: str
    number: str
    account_sid: str
    auth_token: str


def running_line(run_file: Path = ROOT / ".local" / "run.json") -> Line:
    """The first fixed-routing number of the running system."""
    run = json.loads(run_file.read_text())
    number = next(n for n in run["numbers"] if n["routing_mode"] == "fixed")
    account = next(a for a in run["accounts"] if a["id"] == number["account_id"])
    return Line(run["public_base_url"], number["phone_number"], account["account_sid"], account["auth_token"])


@dataclass
class Peer:
    """One call."""

    line: Line
    caller: str = "+15125550147"
    call_sid: str = field(default_factory=lambda: "CA" + secrets.token_hex(16))
    attributes: dict[str, str] = field(default_factory=dict)
    socket: ClientConnection | None = None
    action: str = ""

    def webhook(self, path: str, **more: str) -> tuple[int, str]:
        """Post a signed webhook; the status and the body."""
        params = {
            "CallSid": self.call_sid, "AccountSid": self.line.account_sid, "From": self.caller, "To": self.line.number,
            "CallStatus": "ringing", "Direction": "inbound", "ApiVersion": "2010-04-01", **more,
        }  # fmt: skip
        url = path if path.startswith("http") else self.line.base_url + path
        request = urllib.request.Request(  # noqa: S310 - loopback
            url,
            urllib.parse.urlencode(params).encode(),
            {"X-Twilio-Signature": sign(url, params, self.line.auth_token)},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - loopback
            return answer.status, answer.read().decode()

    async def ring(self) -> Self:
        """Call, open the relay, send ``setup``."""
        _, body = self.webhook("/api/voice/incoming")
        await self.open(body)
        return self

    async def open(self, twiml: str, status: str = "RINGING") -> None:
        """Open the relay session a TwiML document asks for."""
        found = ET.fromstring(twiml)  # noqa: S314 - our own system's answer
        connect_verb, relay = found.find("Connect"), found.find("Connect/ConversationRelay")
        if connect_verb is None or relay is None:
            raise RuntimeError(f"no ConversationRelay in {twiml}")
        self.attributes, self.action = dict(relay.attrib), connect_verb.get("action", "")
        url = relay.attrib["url"]
        header = {"X-Twilio-Signature": sign(url, {}, self.line.auth_token)}
        self.socket = await connect(url, additional_headers=header, compression=None, max_size=None)
        await self.send(
            type="setup", sessionId="VX" + secrets.token_hex(16), accountSid=self.line.account_sid,
            parentCallSid="", callSid=self.call_sid, to=self.line.number, forwardedFrom="", callType="PSTN",
            callerName="", direction="inbound", callStatus=status, customParameters={}, **{"from": self.caller},
        )  # fmt: skip

    async def send(self, **frame: Any) -> float:
        """Send a frame; when."""
        assert self.socket is not None
        await self.socket.send(json.dumps(frame))
        return time.perf_counter()

    async def say(self, text: str) -> float:
        """Speak; when."""
        return await self.send(type="prompt", voicePrompt=text, lang="en-US", last=True)

    async def receive(self, timeout_s: float = 15) -> dict[str, Any]:
        """The next frame from the application."""
        assert self.socket is not None
        return json.loads(await asyncio.wait_for(self.socket.recv(), timeout_s))

    async def reply(self, timeout_s: float = 15) -> tuple[str, float | None, int]:
        """A whole reply: its text, when its first words came, and how many frames it took."""
        text, first, count = "", None, 0
        while True:
            frame = await self.receive(timeout_s)
            count += 1
            if frame["type"] == "text":
                text += frame["token"]
                if first is None and frame["token"]:
                    first = time.perf_counter()
                if frame.get("last") and first is not None:
                    return text, first, count
            if frame["type"] == "end":
                return text, first, count

    async def hang_up(self) -> None:
        """The caller hangs up."""
        if self.socket is not None:
            await self.socket.close(1000)
        if self.action:
            ended = {"SessionStatus": "completed", "SessionId": "VX0", "SessionDuration": "9"}
            self.webhook(self.action, CallStatus="completed", **ended)
        self.webhook("/api/voice/status", CallStatus="completed", CallDuration="9")
