"""Who may use the local system."""

import pytest

from local.guard import Guard

LOCAL = {"host": "127.0.0.1:8000"}
TUNNEL = {"host": "name.example"}
GUARD = Guard("name.example", ("/api/", "/relay"), "/relay/@connections/")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", LOCAL),
        ("/", {"host": "localhost:8000"}),
        ("/", {"host": "[::1]:8000"}),
        ("/local/events", {**LOCAL, "origin": "http://127.0.0.1:8000"}),
        ("/api/voice/incoming", TUNNEL),
        ("/relay", {**TUNNEL, "x-forwarded-for": "54.1.1.1"}),
        ("/api/voice/incoming", {**LOCAL, "x-forwarded-for": "54.1.1.1"}),
    ],
)
def test_let_in(path: str, headers: dict[str, str]) -> None:
    """This machine reaches everything, the tunnel Twilio's paths."""
    assert GUARD.refusal(path, headers) is None


@pytest.mark.parametrize(
    ("path", "headers", "why"),
    [
        ("/", {}, "not this machine"),
        ("/", {"host": "evil.example"}, "not this machine"),
        ("/", {"host": "127.0.0.1.evil.example"}, "not this machine"),
        ("/", {"host": "[broken"}, "not this machine"),
        ("/", {**LOCAL, "origin": "http://evil.example"}, "pages of"),
        ("/", {**LOCAL, "origin": "http://127.0.0.1:9999"}, "pages of"),
        ("/", {**LOCAL, "origin": "null"}, "pages of"),
        ("/local/workers", TUNNEL, "only Twilio's paths"),
        ("/relay/@connections/abc", TUNNEL, "only Twilio's paths"),
        ("/2015-03-31/functions/x/invocations", {**LOCAL, "x-forwarded-for": "54.1.1.1"}, "only Twilio's paths"),
    ],
)
def test_kept_out(path: str, headers: dict[str, str], why: str) -> None:
    """A foreign Host (DNS rebinding), a foreign page, and the world beyond Twilio's paths are refused."""
    assert why in str(GUARD.refusal(path, headers))


def test_without_a_tunnel_there_is_no_public_host() -> None:
    """Without PUBLIC_BASE_URL only this machine is let in."""
    assert "set PUBLIC_BASE_URL" in str(Guard(None, ("/api/",), "/api/private/").refusal("/api/x", TUNNEL))
