"""The API of phone numbers as its contract has it, over a dictionary: a stand-in for the commands' tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PATH = "/api/voice/numbers"
LINKS = ("credentials", "number", "webhook", "relay", "first word")

Said = tuple[int, Mapping[str, str], str]


@dataclass
class NumberApi:
    """Numbers by id.

    Attributes:
        stock: What a search finds.
        broken: A link that does not hold.
        revisions: Id → how often it was changed.
    """

    stock: list[str] = field(default_factory=lambda: ["+15125550100", "+15125550101"])
    numbers: dict[str, dict[str, Any]] = field(default_factory=dict)
    revisions: dict[str, int] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    broken: str = ""

    @staticmethod
    def serves(path: str) -> bool:
        return path.startswith((PATH, "/api/voice/languages"))

    def answer(self, asked: Any) -> Said:
        """What the API says."""
        parts = asked.path.removeprefix(PATH).strip("/").split("/") if asked.path.startswith(PATH) else ["languages"]
        match asked.method, parts:
            case "GET", ["languages"]:
                pair = {"tts_provider": "Amazon", "transcription_provider": "Google", "languages": ["en-US", "es-MX"]}
                return _ok({"as_of": "2026-11-01", "languages": [{**pair, "complete": True, "sources": []}]})
            case "GET", ["available"]:
                wanted = asked.query.get("area_code", "")
                return _ok({"numbers": [_available(each) for each in self.stock if each.startswith(f"+1{wanted}")]})
            case "POST", [""]:
                return self._buy(asked)
            case "POST", ["import"]:
                return self._made(asked.body, asked.body.get("phone_number") or "+15125550199")
            case "GET", [""]:
                return _ok({"numbers": list(self.numbers.values()), "next_cursor": None})
            case _, [number_id, *more] if number_id in self.numbers:
                return self._one(asked, number_id, more)
        return _error(404, "not_found", "There is no such number. List the ones you can see to find its id.")

    def _one(self, asked: Any, number_id: str, more: list[str]) -> Said:
        number = self.numbers[number_id]
        match asked.method, more:
            case "GET", []:
                return self._shown(number_id)
            case "PATCH", []:
                if asked.headers.get("if-match") != self._etag(number_id):
                    return _error(412, "precondition_failed", "Somebody changed it since you read it.")
                number.update(asked.body)
                return self._changed(number_id)
            case "DELETE", []:
                if asked.query.get("confirm") != number["phone_number"]:
                    return _error(400, "invalid_request", "confirm: expected the number's own phone number")
                del self.numbers[number_id]
                return 204, {}, ""
            case "GET", ["verify"]:
                return _ok(self._chain())
            case "POST", ["repair"]:
                number["drift"] = []
                return self._shown(number_id)
            case "GET", ["agents"]:
                return _ok({"agents": number["agents"]}, self._etag(number_id))
            case "PUT", ["agents"]:
                number["agents"] = asked.body["agents"]
            case "POST", ["agents"]:
                number["agents"].append(asked.body["agent_id"])
            case "DELETE", ["agents", agent_id]:
                number["agents"].remove(agent_id)
        self._changed(number_id)
        return _ok({"agents": number["agents"]}, self._etag(number_id))

    def _buy(self, asked: Any) -> Said:
        key = asked.headers.get("idempotency-key", "")
        if key in self.keys:
            return self._shown(self.keys[key], 201)
        wanted = asked.body.get("phone_number") or next(
            (each for each in self.stock if each.startswith(f"+1{asked.body.get('area_code')}")), None
        )
        if wanted not in self.stock:
            return _error(409, "number_unavailable", "Somebody was quicker: search again.", field="phone_number")
        self.stock.remove(wanted)
        said = self._made(asked.body, wanted)
        self.keys[key] = json.loads(said[2])["id"]
        return said

    def _made(self, body: Mapping[str, Any], phone_number: str) -> Said:
        number_id = f"num_{len(self.revisions) + 1}"
        settings = {name: value for name, value in body.items() if name not in {"area_code", "country", "configure"}}
        self.numbers[number_id] = {**a_number(number_id, phone_number), **settings, "phone_number": phone_number}
        return self._changed(number_id, 201)

    def _chain(self) -> dict[str, Any]:
        links = []
        for name in LINKS:
            failed, behind = name == self.broken, self.broken and LINKS.index(name) > LINKS.index(self.broken)
            status = "failed" if failed else "skipped" if behind else "ok"
            cure = "Repair it." if failed else ""
            links.append({"link": name, "status": status, "message": f"about {name}", "cure": cure, "took_ms": 12})
        return {"ok": not self.broken, "first_broken": self.broken or None, "links": links}

    def _etag(self, number_id: str) -> str:
        return f'"{self.revisions[number_id]}"'

    def _changed(self, number_id: str, status: int = 200) -> Said:
        self.revisions[number_id] = self.revisions.get(number_id, 0) + 1
        return self._shown(number_id, status)

    def _shown(self, number_id: str, status: int = 200) -> Said:
        return status, {"etag": self._etag(number_id)}, json.dumps(self.numbers[number_id])


def a_number(number_id: str = "num_1", phone_number: str = "+15125550100", **fields: Any) -> dict[str, Any]:
    """A number as the API shows it."""
    return {
        "id": number_id,
        "account_id": "acc_1",
        "organization_id": None,
        "phone_number": phone_number,
        "phone_sid": "PN" + "1" * 32,
        "name": "",
        "routing_mode": "fixed",
        "default_agent_id": None,
        "default_agent_version": None,
        "agents": [],
        "greeting": None,
        "transfer_number": None,
        "is_active": True,
        "state": "active",
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        "configured_webhook_url": "https://voice.example.com/api/voice/incoming",
        "expected_webhook_url": "https://voice.example.com/api/voice/incoming",
        "drift": [],
        "registration": {"program": "a2p_10dlc", "status": "unknown", "twilio_status": "", "blocks": [], "cure": ""},
        "warnings": [],
        "created_at": "2026-11-26T04:17:00Z",
        "updated_at": "2026-11-26T04:17:00Z",
        **fields,
    }


def _available(phone_number: str) -> dict[str, Any]:
    return {
        "phone_number": phone_number,
        "friendly_name": phone_number,
        "type": "local",
        "country": "US",
        "region": "TX",
        "locality": "Austin",
        "postal_code": "78701",
        "capabilities": {"voice": True, "sms": True, "mms": False, "fax": False},
        "address_requirements": "none",
        "beta": False,
    }


def _ok(document: Any, etag: str = "") -> Said:
    return 200, ({"etag": etag} if etag else {}), json.dumps(document)


def _error(status: int, code: str, message: str, **detail: Any) -> Said:
    body = {"error": {"code": code, "message": message, "details": [detail] if detail else []}}
    return status, {}, json.dumps(body)
