"""The fallback of the template as it is served here: what it says, whom it dials, what it makes of hostile requests."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.carrier import twiml
from local.http_api import HttpAnswer
from local.mock_api import JavaText, MockGateway, strangers
from local.resources import MockApi
from local.shapes import HttpRequest
from local.template import TemplateError, read_template
from ringfold.core.phone import is_e164

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
FORM = [("content-type", "application/x-www-form-urlencoded; charset=UTF-8")]
SENTENCE = "We are sorry, our assistant cannot take your call right now."


def fallback(**parameters: str) -> MockApi:
    found = read_template(TEMPLATE, parameters).fallback
    assert found is not None
    return found


GATEWAY = MockGateway(fallback(), "/fallback")


def ask(path: str = "/voice", query: str = "", gateway: MockGateway = GATEWAY, **changes: object) -> HttpAnswer:
    """Ask as Twilio does when the webhook failed."""
    request = HttpRequest("POST", f"/fallback{path}", query, FORM, b"CallSid=CA1&ErrorCode=11200", "192.0.2.1")
    return gateway.handle(replace(request, **changes))  # type: ignore[arg-type]  # a test's own fields


def verbs(answer: HttpAnswer) -> list[tuple[str, str]]:
    """The verbs of the TwiML, with what stands in them."""
    response = ET.fromstring(answer.body)  # noqa: S314 - our own XML
    assert "Response" == response.tag
    return [(each.tag, (each.text or "").strip()) for each in response]


@pytest.mark.accept("C13")
def test_a_caller_hears_a_sentence() -> None:
    """Without anything of ours running, a sentence is said and the call ends; Twilio can read it."""
    answer = ask()

    assert (200, "text/xml; charset=utf-8") == (answer.status, dict(answer.headers)["content-type"])
    assert [("Say", SENTENCE), ("Hangup", "")] == verbs(answer)
    assert [] == list(twiml.parse(answer.body, dict(answer.headers)["content-type"]).faults)


@pytest.mark.accept("C13")
@pytest.mark.parametrize("transfer", ["%2B15125550190", "+15125550190", "%252B15125550190", "%2b4930123456"])
def test_a_caller_is_dialled_through(transfer: str) -> None:
    """The number's transfer number is dialled, however its plus sign reaches us."""
    answer = ask(query=f"transfer={transfer}")

    digits = transfer[-11:] if transfer.endswith("90") else "4930123456"
    assert [("Say", SENTENCE), ("Dial", f"+{digits}"), ("Hangup", "")] == verbs(answer)
    assert [] == list(twiml.parse(answer.body, dict(answer.headers)["content-type"]).faults)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("headers", [[], [("Content-Type", "application/json")], FORM])
def test_any_way_of_asking_is_answered(method: str, headers: list[tuple[str, str]]) -> None:
    """By GET without a body and by POST with a form, Twilio is told the same."""
    answer = ask(query="transfer=%2B15125550190", method=method, headers=headers)

    assert ["Say", "Dial", "Hangup"] == [verb for verb, _ in verbs(answer)]


HOSTILE = [
    "15125550190",
    "++15125550190",
    "+05125550190",
    "+151255",
    "+1512555019012345",
    "+15125550190\n",
    "+15125550190 ",
    "+1512555\u0660\u0660\u0660\u0660",
    "+15125550190</Dial><Dial>+882160000000",
    "<Number>+15125550190</Number>",
    "sip:evil@example.com",
    "client:evil",
    "+1512&amp;5550190",
    "$context.identity.sourceIp",
    "#set($x = 1)",
    '+15125550190" callerId="+19005550000',
    "]]>",
    "",
]


@pytest.mark.accept("C13")
@pytest.mark.parametrize("transfer", HOSTILE)
def test_anything_else_is_ignored(transfer: str) -> None:
    """What is no E.164 number is not dialled, and never becomes part of the answer."""
    answer = ask(query=urlencode({"transfer": transfer}))

    assert [("Say", SENTENCE), ("Hangup", "")] == verbs(answer)


@given(st.text() | st.from_regex(r"[+ ]?[0-9]{0,20}", fullmatch=True), st.text(max_size=20))
def test_whatever_is_asked_only_numbers_are_dialled(transfer: str, more: str) -> None:
    """However odd the query, the answer is XML with one sentence, and dials an E.164 number or nobody."""
    answer = ask(query=urlencode({"transfer": transfer, "more": more}, errors="replace", quote_via=quote))

    said, *rest = verbs(answer)
    assert ("Say", SENTENCE) == said
    assert [("Hangup", "")] == rest[-1:]
    assert all(verb == "Dial" and is_e164(number) for verb, number in rest[:-1])


def test_a_number_asked_for_twice_is_one() -> None:
    """Of several numbers one is dialled at most."""
    answer = ask(query="transfer=%2B15125550190&transfer=%2B15125550191")

    assert 1 == [verb for verb, _ in verbs(answer)].count("Dial")


@pytest.mark.accept("C13")
def test_a_text_is_answered_only_if_somebody_chose_the_words() -> None:
    """By default nothing is sent, or two machines would answer each other for ever; a deployment may set a sentence."""
    spoken = MockGateway(fallback(FallbackMessage="Please call us, we'll be there."), "/fallback")

    assert [] == verbs(ask("/message"))
    assert [("Message", "Please call us, we'll be there.")] == verbs(ask("/message", gateway=spoken))


@pytest.mark.parametrize(
    "parameter",
    [
        {"FallbackSentence": "Fish & chips"},
        {"FallbackSentence": "<Hangup/>"},
        {"FallbackSentence": "$context.identity"},
        {"FallbackSentence": ""},
        {"FallbackMessage": "#set"},
        {"FallbackLanguage": 'en" x="'},
    ],
)
def test_a_sentence_that_would_break_the_answer_cannot_be_deployed(parameter: dict[str, str]) -> None:
    """The template's own patterns refuse what XML or the mapping language would take for theirs."""
    with pytest.raises(TemplateError, match="it must match"):
        fallback(**parameter)


def test_another_sentence_and_language() -> None:
    """What a deployment sets is said."""
    answer = ask(gateway=MockGateway(fallback(FallbackSentence="Tut uns leid!", FallbackLanguage="de-DE"), "/fallback"))

    assert b'<Say language="de-DE">Tut uns leid!</Say>' in answer.body


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"path": "/nowhere"}, 403),
        ({"method": "DELETE"}, 403),
        ({"headers": [("content-type", "text/plain")]}, 415),
    ],
)
def test_what_is_not_there_is_refused_as_a_rest_api_does(changes: dict[str, object], status: int) -> None:
    """An unknown path or method is 403, a body of another type is 415."""
    if "path" in changes:
        changes = {"path": f"/fallback{changes['path']}"}

    assert status == ask_raw(changes).status


def ask_raw(changes: dict[str, object]) -> HttpAnswer:
    request = HttpRequest("POST", "/fallback/voice", "", FORM, b"", "192.0.2.1")
    return GATEWAY.handle(replace(request, **changes))  # type: ignore[arg-type]  # a test's own fields


@pytest.mark.parametrize(
    ("template", "unknown"),
    [
        ("$util.urlDecode($input.params('x'))", "$util.urlDecode("),
        ("$input.path('$.x')", "$input.path("),
        ("$context.identity.sourceIp", "$context.identity.sourceIp"),
        ("#foreach($x in [1])$x#end", "#foreach"),
        ("#set($x = 'a')$x.length()", "$x.length("),
        ("$y", "$y"),
    ],
)
def test_what_is_not_known_here_is_named(template: str, unknown: str) -> None:
    """What AWS understands and we do not would silently be nothing; it stops the start instead."""
    (method,) = {key: value for key, value in fallback().methods.items() if key == ("POST", "/voice")}.values()
    odd = replace(method, response=replace(method.response, template=template))

    assert unknown in list(strangers(template))
    with pytest.raises(TemplateError, match="the local run does not know"):
        MockGateway(MockApi("Odd", {("POST", "/voice"): odd}), "/fallback")


def test_a_template_that_fails_is_a_500() -> None:
    """A mapping that gives no status is API Gateway's own error."""
    (method,) = {key: value for key, value in fallback().methods.items() if key == ("POST", "/voice")}.values()
    for text in ("{}", "no JSON", '{"statusCode": "many"}', "#if("):
        broken = replace(method, request_templates=dict.fromkeys(method.request_templates, text))
        gateway = MockGateway(MockApi("Odd", {("POST", "/voice"): broken}), "/fallback")
        assert 500 == ask(gateway=gateway).status


def test_matches_means_the_whole_text() -> None:
    """As in Java, and unlike the library's own."""
    assert JavaText("+1").matches("[+]1")
    assert not JavaText("+12").matches("[+]1")
    assert not JavaText("+1\n").matches("[+]1")
