"""Texts: SMS and MMS, and WhatsApp, which Twilio carries the same way."""

from __future__ import annotations

from typing import Final

from ringfold.core.channel import Channel
from ringfold.core.plain import plain_text
from ringfold.core.segments import split_text

RULES: Final = (
    "You are answering a text message (channel: sms). Answer in two or three sentences with the key details inline: "
    "no markdown, no lists, no headings. Pictures and files the texter sent are described in brackets; you cannot "
    "open them, so ask what they show when it matters. Never invent facts; use the tools."
)
SMS: Final = Channel("sms", RULES)
WHATSAPP: Final = Channel("whatsapp", RULES)
MOST_PARTS: Final = 3
"""As many texts as one answer may become."""


def write_texts(answer: str) -> list[str]:
    """An answer as it is sent: plain text, in parts that Twilio takes."""
    return split_text(plain_text(answer))[:MOST_PARTS]
