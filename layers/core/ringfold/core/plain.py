"""Text as a phone shows it: a model's markdown taken away, its words kept."""

from __future__ import annotations

import re
from typing import Final

_FENCE: Final = re.compile(r"^\s*```.*$", re.MULTILINE)
_HEADING: Final = re.compile(r"^ {0,3}#{1,6}\s+", re.MULTILINE)
_QUOTE: Final = re.compile(r"^ {0,3}> ?", re.MULTILINE)
_BULLET: Final = re.compile(r"^[ \t]*[*+][ \t]+", re.MULTILINE)
_LINK: Final = re.compile(r"!?\[([^\]\n]*)\]\((\S+?)(?:\s+\"[^\"\n]*\")?\)")
_STRONG: Final = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", re.DOTALL)
_EMPHASIS: Final = re.compile(r"(?<![\w*])([*_])(?=\S)([^*_\n]+?)(?<=\S)\1(?![\w*])")
_CODE: Final = re.compile(r"`([^`\n]+)`")
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_SPACES: Final = re.compile(r"[ \t]+")


def plain_text(text: str) -> str:
    """Take the markdown away. What a phone can show stays: line breaks, dashes, addresses of web pages."""
    text = text.replace("\r\n", "\n")
    for pattern in (_FENCE, _HEADING, _QUOTE):
        text = pattern.sub("", text)
    text = _BULLET.sub("- ", text)
    text = _LINK.sub(_link, text)
    for pattern in (_STRONG, _EMPHASIS):
        text = pattern.sub(r"\2", text)
    text = _CODE.sub(r"\1", text)
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()


def _link(found: re.Match[str]) -> str:
    label, address = found[1].strip(), found[2]
    return address if not label or label == address else f"{label} ({address})"
