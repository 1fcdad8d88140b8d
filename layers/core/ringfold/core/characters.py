"""Which characters may cross the border: legal in XML 1.0, encodable as UTF-8, and nothing that controls."""

from __future__ import annotations

import re
from typing import Final

# XML 1.0 (https://www.w3.org/TR/xml/#charsets) less the C1 controls, which it allows and nobody can hear.
_FORBIDDEN: Final = re.compile("[^\t\n\r\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Loose on purpose: Twilio's lists of languages grow, its shape (BCP 47) does not.
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")


def clean(text: str) -> str:
    """Drop what neither XML nor UTF-8 can carry: control characters, lone surrogates, U+FFFE and U+FFFF.

    Tabs and line ends stay, and so does every space: the tokens of a reply are joined as they are.
    """
    # isprintable() is true of nearly every token and costs a tenth of the search.
    return text if text.isprintable() else _FORBIDDEN.sub("", text)


def is_language_tag(tag: str) -> bool:
    """Whether the text has the shape of a BCP 47 tag, such as ``en-US``, ``es-419`` or ``cmn-Hans-CN``."""
    return _LANGUAGE_TAG.fullmatch(tag) is not None
