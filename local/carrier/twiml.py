"""Reads a TwiML answer as strictly as it can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from local.carrier.twiml_rules import RULES, Rule

MAX_BODY_BYTES: Final = 64_000
MAX_SAY_CHARS: Final = 4096
CONTENT_TYPES: Final = ("text/xml", "application/xml")


class TwimlError(Exception):
    """Twilio could not run this answer at all; ``code`` is the error its debugger would show."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a document, its attributes as written."""

    name: str
    attributes: dict[str, str]
    text: str
    children: tuple[Element, ...]

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def flag(self, name: str) -> bool:
        return self.attributes.get(name) == "true"


@dataclass(frozen=True, slots=True)
class Document:
    """A TwiML answer: its verbs in order, and everything in it that Twilio does not document."""

    verbs: tuple[Element, ...]
    faults: tuple[str, ...]


def parse(body: bytes, content_type: str) -> Document:
    """Read an answer to a voice webhook.

    Raises:
        TwimlError: If Twilio would end the call over it: not XML, too large, wrong content type, no ``<Response>``.
    """
    if content_type.partition(";")[0].strip().lower() not in CONTENT_TYPES:
        raise TwimlError(12300, f"content type must be {' or '.join(CONTENT_TYPES)}, not {content_type or 'missing'}")
    if len(body) > MAX_BODY_BYTES:
        raise TwimlError(11750, f"the body may have {MAX_BODY_BYTES} bytes, this one has {len(body)}")
    if b"<!DOCTYPE" in body.upper():
        raise TwimlError(12100, "a document type declaration has no place in TwiML")
    try:
        root = ET.fromstring(body)  # noqa: S314  # no DTD can be in it, so there is nothing to expand
    except (ET.ParseError, ValueError) as exc:
        raise TwimlError(12100, f"not well-formed XML: {exc}") from exc
    if root.tag != "Response":
        raise TwimlError(12100, f"the document must be a <Response>, not <{root.tag}>")
    response = _element(root)
    known = tuple(verb for verb in response.children if verb.name in RULES["Response"].children)
    return Document(known, tuple(_faults(response)))


def _element(node: ET.Element) -> Element:
    text = (node.text or "") + "".join(child.tail or "" for child in node)
    return Element(node.tag, dict(node.attrib), text.strip(), tuple(_element(child) for child in node))


def _faults(element: Element) -> Iterator[str]:
    rule = RULES[element.name]
    yield from _attribute_faults(element, rule)
    yield from _content_faults(element, rule)
    for child in element.children:
        if child.name not in rule.children:
            yield f"<{child.name}> is not known inside <{element.name}>" + _meant(child.name, rule.children)
        else:
            yield from _faults(child)


def _attribute_faults(element: Element, rule: Rule) -> Iterator[str]:
    for name in rule.required:
        if name not in element.attributes:
            yield f"<{element.name}> needs the attribute {name}"
    for name, value in element.attributes.items():
        if name not in rule.attributes:
            yield f"<{element.name}> has no attribute {name}" + _meant(name, tuple(rule.attributes))
        elif expected := rule.attributes[name](value):
            yield f"<{element.name} {name}> must be {expected}, not {value[:60]!r}"


def _content_faults(element: Element, rule: Rule) -> Iterator[str]:
    if element.text and not rule.text:
        yield f"<{element.name}> holds text: {element.text[:40]!r}"
    if element.name in ("Say", "Redirect", "Number") and not element.text:
        yield f"<{element.name}> is empty"
    if element.name == "Say" and len(element.text) > MAX_SAY_CHARS:
        yield f"<Say> may have {MAX_SAY_CHARS} characters, this one has {len(element.text)}"
    if rule.most_children is not None and len(element.children) != rule.most_children:
        yield f"<{element.name}> takes one noun, this one has {len(element.children)}"
    if element.name == "Language" and element.get("code") == "multi":
        for name, wanted in (("ttsProvider", "ElevenLabs"), ("transcriptionProvider", "Deepgram")):
            if element.get(name, wanted) != wanted:
                yield f"<Language code='multi'> needs {name} {wanted}"


def _meant(name: str, known: tuple[str, ...]) -> str:
    """The known name that differs only in case or separators, which is what typos mostly are."""

    def plain(word: str) -> str:
        return re.sub(r"[-_]", "", word).lower()

    for candidate in known:
        if plain(candidate) == plain(name):
            return f"; {candidate} was meant, perhaps"
    return ""
