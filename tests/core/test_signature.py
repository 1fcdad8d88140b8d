"""Twilio's signature, compared with Twilio's own validator."""

import hashlib
import json
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from ringfold.core.signature import (
    MAX_FORM_BYTES,
    MAX_FORM_FIELDS,
    SHARED_KEY_HEADER,
    HandshakeForm,
    find_header,
    parse_form,
    refuse_shared_key,
    verify_handshake,
    verify_webhook,
    webhook_signature,
)
from ringfold.errors import SignatureError, WireError

VECTOR = json.loads((Path(__file__).parents[1] / "events/webhook_signature.json").read_text())
URL = "https://example.com/api/voice/incoming"
KEY = "auth token of this test"
FORM = "application/x-www-form-urlencoded"
RELAY_URL = "wss://ws.example.com/prod"

ODD_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["", " ", "+", "a b", "a+b", "%", "%2B", "&", "=", "é", "日本語", "\0", "\r\n", "😀", " trailing "]
)
PARAMS = st.lists(st.tuples(ODD_TEXT, ODD_TEXT), max_size=8)
URLS = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from(["example.com", "a-b.example.co.uk", "127.0.0.1"]),
    st.sampled_from(["", ":443", ":80", ":8443"]),
    st.sampled_from(["", "/", "/api/voice/incoming", "/a/b/", "/with%20space", "/semi;colon"]),
    st.sampled_from(["", "?a=1", "?a=1&b=2", "?x=%2B&y=+", "?blank="]),
)


class MultiDict(dict[str, str]):
    """Repeated parameters as the SDK takes them from a web framework."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def getall(self, name: str) -> list[str]:
        return [value for each, value in self._pairs if each == name]


def post(
    params: list[tuple[str, str]], signature: str | None, *, url: str = URL, tokens: tuple[str, ...] = (KEY,)
) -> bool:
    """Verify a form POST of these parameters."""
    body = urlencode(params).encode()
    return verify_webhook(url, parse_form(body), body, FORM, signature, tokens)


def test_the_known_vector() -> None:
    """The example of Twilio's documentation gives its signature."""
    params = list(VECTOR["params"].items())

    assert VECTOR["signature"] == webhook_signature(VECTOR["url"], params, VECTOR["auth_token"])
    assert post(params, VECTOR["signature"], url=VECTOR["url"], tokens=(VECTOR["auth_token"],))


@pytest.mark.accept("G6")
@given(URLS, PARAMS, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_signs_as_the_sdk_signs(url: str, params: list[tuple[str, str]], auth_token: str) -> None:
    """Repeated, blank, unknown and odd parameters: our signature is the SDK's."""
    theirs = RequestValidator(auth_token).compute_signature(url, MultiDict(params))

    assert theirs == webhook_signature(url, params, auth_token)


@pytest.mark.accept("G6")
@given(URLS, URLS, PARAMS)
def test_accepts_what_the_sdk_accepts(signed_url: str, our_url: str, params: list[tuple[str, str]]) -> None:
    """With or without port, right URL or another: our verdict over a form is the SDK's."""
    signature = webhook_signature(signed_url, params, KEY)

    theirs = RequestValidator(KEY).validate(our_url, MultiDict(params), signature)

    assert theirs == post(params, signature, url=our_url)


@pytest.mark.accept("G6")
@given(URLS, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50), st.booleans())
def test_judges_hashed_bodies_as_the_sdk_does(url: str, body: str, spoilt: bool) -> None:
    """A JSON request is signed over a URL that names the hash of its body; another body is refused."""
    url += ("&" if "?" in url else "?") + "bodySHA256=" + hashlib.sha256(body.encode()).hexdigest()
    signature = webhook_signature(url, [], KEY)
    received = body + "x" if spoilt else body

    ours = verify_webhook(url, [], received.encode(), "application/json", signature, [KEY])

    assert ours is RequestValidator(KEY).validate(url, received, signature)
    assert ours is not spoilt


@given(PARAMS)
def test_a_form_is_read_as_it_was_sent(params: list[tuple[str, str]]) -> None:
    """Order, blanks, repeats and every character of the values survive."""
    assert params == parse_form(urlencode(params).encode())


def test_a_plus_in_a_form_is_a_space() -> None:
    """An encoded plus is a plus; a bare one is a space."""
    assert [("From", "+1555"), ("City", "New York")] == parse_form(b"From=%2B1555&City=New+York")


@pytest.mark.parametrize("body", [b"%", b"a=%zz&b=%ff", b"\xff\xfe=\x00", b"&&&", b"=", b"a;b", b"a" * 64_000])
def test_a_broken_form_is_read_or_refused(body: bytes) -> None:
    """Broken percent-encoding and bytes that are no text raise nothing, and verify only if Twilio signed them so."""
    params = parse_form(body)

    assert not verify_webhook(URL, params, body, FORM, "no signature", [KEY])


@pytest.mark.parametrize("body", [b"a=1&" * (MAX_FORM_FIELDS + 1), b"a" * (MAX_FORM_BYTES + 1)])
def test_a_huge_form_is_a_wire_error(body: bytes) -> None:
    """Floods of fields and bytes are refused before they cost anything."""
    with pytest.raises(WireError):
        parse_form(body)


@pytest.mark.accept("G6")
@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        " ",
        "x",
        "é",
        "\ud800",
        webhook_signature(URL, [("To", "+1555")], "token of another account"),
        webhook_signature(URL, [("To", "+1555")], ""),
        webhook_signature(URL, [], KEY),
        webhook_signature(URL, [("To", "+1556")], KEY),
        webhook_signature("https://example.com/api/voice/status", [("To", "+1555")], KEY),
        webhook_signature(URL, [("To", "+1555")], KEY) + "=",
        webhook_signature(URL, [("To", "+1555")], KEY).lower(),
    ],
)
def test_a_wrong_signature_is_refused(signature: str | None) -> None:
    """Missing, odd, of another account, of another request: all the same."""
    assert not post([("To", "+1555")], signature, tokens=(KEY, ""))


def test_both_tokens_of_an_account_are_good() -> None:
    """While tokens rotate, either may have signed."""
    signature = webhook_signature(URL, [("a", "1")], "secondary")

    assert post([("a", "1")], signature, tokens=("primary", "secondary"))
    assert not post([("a", "1")], signature, tokens=("primary",))
    assert not post([("a", "1")], signature, tokens=())


def test_a_get_is_signed_by_its_url() -> None:
    """Parameters of a GET stand in the URL and are not appended again, whatever its content type says."""
    url = URL + "?CallSid=CA1&To=%2B1555"
    signature = webhook_signature(url, [], KEY)

    assert verify_webhook(url, [("CallSid", "CA1")], b"", None, signature, [KEY])
    assert verify_webhook(url, [("CallSid", "CA1")], b"", FORM, signature, [KEY])


@pytest.mark.parametrize("content_type", [FORM, FORM + "; charset=UTF-8", FORM.upper(), f" {FORM} "])
def test_a_form_is_known_by_its_content_type(content_type: str) -> None:
    """Case and charset do not matter."""
    signature = webhook_signature(URL, [("a", "1")], KEY)

    assert verify_webhook(URL, [("a", "1")], b"a=1", content_type, signature, [KEY])


@pytest.mark.parametrize("content_type", [None, "", "application/json", "text/plain", "multipart/form-data"])
def test_a_body_that_no_signature_covers_is_refused(content_type: str | None) -> None:
    """A body that is no form needs its hash in the URL, or anybody could put it beside a GET's signature."""
    signature = webhook_signature(URL, [], KEY)

    assert not verify_webhook(URL, [], b'{"a": 1}', content_type, signature, [KEY])


@pytest.mark.parametrize("named", ["", "0" * 64, "é", hashlib.sha256(b"other").hexdigest()])
def test_a_wrong_body_hash_is_refused(named: str) -> None:
    """The signature over the URL holds, the body is another."""
    url = f"{URL}?bodySHA256={named}"

    assert not verify_webhook(url, [], b"{}", "application/json", webhook_signature(url, [], KEY), [KEY])


def test_a_hashed_request_does_not_pass_as_an_empty_form() -> None:
    """Nor with its hash left behind and the body swapped for a form that adds nothing to the signed text."""
    url = f"{URL}?bodySHA256={hashlib.sha256(b'{}').hexdigest()}"
    signature = webhook_signature(url, [], KEY)

    assert not verify_webhook(url, [], b"", FORM, signature, [KEY])
    assert not verify_webhook(url, [], b"&", FORM, signature, [KEY])


@pytest.mark.parametrize(
    "configured",
    [
        "https://user:pass@example.com/api/voice/incoming",
        "https://example.com/api/voice/incoming#rc=3&rp=all",
        "https://user:p:w@example.com:443/api/voice/incoming#e=dublin",
        "HTTPS://example.com:8443/api/voice/incoming",
    ],
)
def test_userinfo_fragment_and_port_are_not_signed(configured: str) -> None:
    """Overrides and passwords in the configured URL are for Twilio, not for the signature."""
    signature = webhook_signature(URL, [("a", "1")], KEY)

    assert post([("a", "1")], signature, url=configured)


@pytest.mark.parametrize(
    "url", ["", "example.com", "https://[::1]:8443/a", "https://[/", "https://h:x/a", "://", "\ud800"]
)
def test_an_odd_url_raises_nothing(url: str) -> None:
    """A base URL that is none refuses everything, politely."""
    assert not post([("a", "1")], "x", url=url)
    assert verify_handshake(url, [("a", "\ud800")], "x", [KEY]) is None


def test_headers_are_found_in_any_case() -> None:
    """HTTP APIs lower-case names, WebSocket APIs do not."""
    assert "s" == find_header({"x-twilio-signature": "s"}, "X-Twilio-Signature")
    assert "s" == find_header({"X-Twilio-Signature": "s"}, "x-twilio-signature")
    assert find_header({"X-Other": "s"}, "X-Twilio-Signature") is None


@pytest.mark.accept("G6")
def test_a_shared_key_is_refused_loudly() -> None:
    """A request signed in the way we cannot check is refused, and the log says what to change."""
    with pytest.raises(SignatureError) as caught:
        refuse_shared_key({SHARED_KEY_HEADER.lower(): "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"})

    assert "SharedKey" in caught.value.reason
    assert "sharedkey_1" not in caught.value.reason
    assert "not authorized" == str(caught.value)


def test_no_shared_key_is_no_matter() -> None:
    """Ordinary requests pass on to the signature."""
    refuse_shared_key({})
    refuse_shared_key({SHARED_KEY_HEADER: " "})


# The handshake

TOKEN_QUERY = [("token", "abc.DEF-1_2")]


@pytest.mark.accept("G6")
@pytest.mark.parametrize(
    ("signed", "params", "form"),
    [
        ("wss://ws.example.com/prod?token=abc.DEF-1_2", [], HandshakeForm("wss", trailing_slash=False, query_as="url")),
        ("wss://ws.example.com/prod/?token=abc.DEF-1_2", [], HandshakeForm("wss", trailing_slash=True, query_as="url")),
        (
            "https://ws.example.com/prod?token=abc.DEF-1_2",
            [],
            HandshakeForm("https", trailing_slash=False, query_as="url"),
        ),
        (
            "https://ws.example.com/prod/?token=abc.DEF-1_2",
            [],
            HandshakeForm("https", trailing_slash=True, query_as="url"),
        ),
        ("wss://ws.example.com/prod", TOKEN_QUERY, HandshakeForm("wss", trailing_slash=False, query_as="params")),
        ("wss://ws.example.com/prod/", TOKEN_QUERY, HandshakeForm("wss", trailing_slash=True, query_as="params")),
        ("https://ws.example.com/prod", TOKEN_QUERY, HandshakeForm("https", trailing_slash=False, query_as="params")),
        ("https://ws.example.com/prod/", TOKEN_QUERY, HandshakeForm("https", trailing_slash=True, query_as="params")),
    ],
    ids=str,
)
@pytest.mark.parametrize("configured", [RELAY_URL, RELAY_URL + "/"])
def test_the_eight_forms_of_a_signed_handshake(
    signed: str, params: list[tuple[str, str]], form: HandshakeForm, configured: str
) -> None:
    """Each form Twilio might use is accepted, and told, with the second token too."""
    signature = webhook_signature(signed, params, KEY)

    assert form == verify_handshake(configured, TOKEN_QUERY, signature, ["other", KEY])


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_the_local_handshake(scheme: str) -> None:
    """The carrier on this machine signs the ws URL of the TwiML, port and all."""
    signature = webhook_signature(f"{scheme}://127.0.0.1:8000/relay?token=abc.DEF-1_2", [], KEY)

    form = verify_handshake("ws://127.0.0.1:8000/relay", TOKEN_QUERY, signature, [KEY])

    assert HandshakeForm(scheme, trailing_slash=False, query_as="url") == form


def test_a_dropped_port_is_told() -> None:
    """Twilio leaves the port of voice webhooks out of the signed URL; of a handshake it may."""
    signature = webhook_signature("wss://tunnel.example.com/relay", TOKEN_QUERY, KEY)

    form = verify_handshake("wss://tunnel.example.com:8443/relay", TOKEN_QUERY, signature, [KEY])

    assert "wss, no slash, query as params, no port" == str(form)


@pytest.mark.accept("G6")
@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "é",
        webhook_signature("wss://ws.example.com/prod?token=another", [], KEY),
        webhook_signature("wss://ws.example.com/prod", [], KEY),
        webhook_signature("ws://ws.example.com/prod?token=abc.DEF-1_2", [], KEY),
        webhook_signature("wss://ws.example.com/prod?token=abc.DEF-1_2", [], "token of another account"),
        webhook_signature("wss://ws.example.com/prod?token=abc.DEF-1_2", [], ""),
    ],
)
def test_a_wrong_handshake_matches_no_form(signature: str | None) -> None:
    """Another call's token, another scheme, another account: none of them."""
    assert verify_handshake(RELAY_URL, TOKEN_QUERY, signature, [KEY, ""]) is None
